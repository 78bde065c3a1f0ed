"""Makes Chromium trust a CA, as its own user may: through the certificate database in the home folder.

NSS comes with Chromium; its command line tools are a package of their own, so its library is called directly.
"""

import ctypes
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

# CERTDB_VALID_CA, CERTDB_TRUSTED_CA and CERTDB_TRUSTED_CLIENT_CA of certdb.h.
_TRUSTED_CA: Final = 0x08 | 0x10 | 0x80


class _Trust(ctypes.Structure):
    _fields_ = (("ssl", ctypes.c_uint), ("email", ctypes.c_uint), ("object_signing", ctypes.c_uint))


def trust_ca(home: Path, ca_file: Path) -> None:
    """`home` is to be Chromium's HOME. Once in a process: NSS keeps what it has opened."""
    folder = home / ".pki" / "nssdb"
    folder.mkdir(parents=True)
    nss, smime = ctypes.CDLL("libnss3.so"), ctypes.CDLL("libsmime3.so")
    pointer = ctypes.c_void_p
    smime.CERT_DecodeCertFromPackage.restype = pointer
    nss.PK11_GetInternalKeySlot.restype = nss.CERT_GetDefaultCertDB.restype = pointer
    der = x509.load_pem_x509_certificate(ca_file.read_bytes()).public_bytes(Encoding.DER)
    _check(nss, nss.NSS_InitReadWrite(f"sql:{folder}".encode()))
    certificate = pointer(smime.CERT_DecodeCertFromPackage(der, len(der)))
    slot = pointer(nss.PK11_GetInternalKeySlot())
    if nss.PK11_NeedUserInit(slot):
        _check(nss, nss.PK11_InitPin(slot, None, b""))
    _check(nss, nss.PK11_ImportCert(slot, certificate, 0, b"demo CA", 0))
    trust = _Trust(_TRUSTED_CA, 0, 0)
    database = pointer(nss.CERT_GetDefaultCertDB())
    _check(nss, nss.CERT_ChangeCertTrust(database, certificate, ctypes.byref(trust)))
    nss.CERT_DestroyCertificate(certificate)
    nss.PK11_FreeSlot(slot)
    _check(nss, nss.NSS_Shutdown())


def _check(nss: ctypes.CDLL, result: int) -> None:
    if result:
        raise OSError(f"NSS error {nss.PORT_GetError()}")
