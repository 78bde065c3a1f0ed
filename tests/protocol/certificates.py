"""A certificate authority and a server certificate for 127.0.0.1, made for one test."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True)
class Certificates:
    ca: Path
    certificate: Path
    key: Path


def write_certificates(
    folder: Path,
    *,
    address: str = "127.0.0.1",
    host: str | None = None,
    starts_in_days: int = -1,
    ends_in_days: int = 1,
) -> Certificates:
    """`address`, `host` and the days are those of the server's certificate."""
    folder.mkdir(exist_ok=True)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test CA")])
    ca = (
        _builder(ca_name, ca_name, ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    hosts = [x509.DNSName(host)] if host else []
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address)), *hosts])
    certificate = (
        _builder(name, ca_name, key.public_key(), starts_in_days, ends_in_days)
        .add_extension(names, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    made = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    made.ca.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    made.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return made


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    starts_in_days: int = -100,
    ends_in_days: int = 100,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=starts_in_days))
        .not_valid_after(now + datetime.timedelta(days=ends_in_days))
    )


# What of a server's certificate is wrong, and what its client says of it.
UNTRUSTWORTHY: dict[str, tuple[dict[str, Any], str]] = {
    "expired": ({"starts_in_days": -9, "ends_in_days": -2}, "证书已过期"),
    "not yet valid": ({"starts_in_days": 2, "ends_in_days": 9}, "证书尚未生效"),
    "another host": ({"address": "127.0.0.2"}, "与所访问的 IP 地址不符"),
}
