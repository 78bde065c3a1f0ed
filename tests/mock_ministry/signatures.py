"""SM2 with SM3 and the standard ID `1234567812345678`, by Tongsuo."""

import base64
import binascii
import re

from tongsuopy.crypto import hashes
from tongsuopy.crypto.asymciphers.ec import ECDSA, SM2, EllipticCurvePublicKey
from tongsuopy.crypto.exceptions import InternalError, InvalidSignature


def is_signed_by(public_key: str, text: str, signature: str) -> bool:
    """`public_key` is x||y in 128 hex digits; the signature hex or BASE64, r||s or DER."""
    raw = _decode(signature)
    if raw is None:
        return False
    try:
        key = EllipticCurvePublicKey.from_encoded_point(SM2(), b"\x04" + bytes.fromhex(public_key))
        key.verify(_as_der(raw) if len(raw) == 64 else raw, text.encode(), ECDSA(hashes.SM3()))
    except (InvalidSignature, InternalError, ValueError):
        return False
    return True


def _decode(signature: str) -> bytes | None:
    if re.fullmatch(r"(?:[0-9a-fA-F]{2})+", signature):
        return bytes.fromhex(signature)
    try:
        return base64.b64decode(signature.replace(" ", "+"), validate=True)
    except (binascii.Error, ValueError):
        return None


def _as_der(raw: bytes) -> bytes:
    body = _integer(raw[:32]) + _integer(raw[32:])
    return b"\x30" + bytes([len(body)]) + body


def _integer(number: bytes) -> bytes:
    digits = number.lstrip(b"\0") or b"\0"
    if digits[0] & 0x80:
        digits = b"\0" + digits
    return b"\x02" + bytes([len(digits)]) + digits
