"""Certificates made on the spot: a small CA of the demo's own, and one server certificate for all its processes."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deploy.demo.files import HOST, write_private

NAMES = ("localhost",)
CA_DAYS, SERVER_DAYS = 3650, 397
# A demo that is started at least this often never shows an expired certificate.
RENEW_DAYS = 60
_CA_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Highway video demo CA")])
_SERVER_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
_ADDRESS = ipaddress.ip_address(HOST)


@dataclass(frozen=True)
class Certificates:
    """PEM files: what clients trust, what servers show, and the server's key (PKCS #8)."""

    ca: Path
    certificate: Path
    key: Path


def keep_certificates(folder: Path, *, now: datetime.datetime | None = None) -> Certificates:
    """Those of the last start while they are good for another `RENEW_DAYS`, else new ones.

    A new server certificate comes from the same CA where that is possible: whoever trusts it goes on to.
    """
    now = now or datetime.datetime.now(datetime.UTC)
    folder.mkdir(mode=0o700, exist_ok=True)
    made = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    authority = _read(made.ca, folder / "ca.key")
    if authority is None or _days_left(authority[0], now) < SERVER_DAYS:
        authority = _make_authority(now)
        _write(made.ca, folder / "ca.key", *authority)
    server = _read(made.certificate, made.key)
    if server is None or _days_left(server[0], now) < RENEW_DAYS or not _is_of(server[0], authority[0]):
        _write(made.certificate, made.key, *_make_server(authority, now))
    return made


_Pair = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def _read(certificate_file: Path, key_file: Path) -> _Pair | None:
    """None for what is not there, not whole or does not belong together."""
    try:
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        return None
    return certificate, key


def _write(
    certificate_file: Path, key_file: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> None:
    form = (
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    write_private(key_file, key.private_bytes(*form).decode())
    write_private(certificate_file, certificate.public_bytes(serialization.Encoding.PEM).decode())
    # A browser or a partner under another user may have to read it.
    certificate_file.chmod(0o644)


def _days_left(certificate: x509.Certificate, now: datetime.datetime) -> int:
    return (certificate.not_valid_after_utc - now).days


def _is_of(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _make_authority(now: datetime.datetime) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    # Who puts this CA into a browser trusts it for this machine and nothing else, even were its key stolen.
    limits = x509.NameConstraints(
        permitted_subtrees=[
            *(x509.DNSName(name) for name in NAMES),
            x509.IPAddress(ipaddress.ip_network(f"{HOST}/32")),
        ],
        excluded_subtrees=None,
    )
    certificate = (
        _builder(_CA_NAME, key, now, CA_DAYS)
        .issuer_name(_CA_NAME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(is_authority=True), critical=True)
        .add_extension(limits, critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate, key


def _make_server(authority: _Pair, now: datetime.datetime) -> _Pair:
    ca, ca_key = authority
    key = ec.generate_private_key(ec.SECP256R1())
    names = [*(x509.DNSName(name) for name in NAMES), x509.IPAddress(_ADDRESS)]
    certificate = (
        _builder(_SERVER_NAME, key, now, SERVER_DAYS)
        .issuer_name(ca.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(is_authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    return certificate, key


def _builder(
    name: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime.datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Clocks of other machines may be a little behind.
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
