"""SM2 signatures (GB/T 32918.2, curve of part 5), SM3 and HMAC-SM3.

gmssl does the point arithmetic and nothing else: its own nonces are predictable, its verify accepts
values out of range and points off the curve, and its key handling damages keys that begin with 04.
Keys are hex text: private 64 digits, public 128 digits (x||y; a leading 04 is understood).
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Final, Protocol

from cryptography.hazmat.primitives import hashes
from gmssl import sm2 as gmssl_sm2

DEFAULT_SIGNER_ID: Final = b"1234567812345678"

_P: Final = int(gmssl_sm2.default_ecc_table["p"], 16)
_N: Final = int(gmssl_sm2.default_ecc_table["n"], 16)
_A: Final = int(gmssl_sm2.default_ecc_table["a"], 16)
_B: Final = int(gmssl_sm2.default_ecc_table["b"], 16)
_G_HEX: Final[str] = gmssl_sm2.default_ecc_table["g"]
_CURVE_BYTES: Final = _A.to_bytes(32, "big") + _B.to_bytes(32, "big") + bytes.fromhex(_G_HEX)

# The longest ID whose length in bits still fits the two bytes ENTL.
_LONGEST_ID_BYTES: Final = 8191
_BLOCK_BYTES: Final = 64
# Longest DER of two 33-byte integers, as BASE64 and as hex; longer input is not looked at.
_LONGEST_SIGNATURE_CHARS: Final = 144

_HEX_PRIVATE: Final = re.compile(r"[0-9a-fA-F]{64}")
_HEX_PUBLIC: Final = re.compile(r"(?:04)?([0-9a-fA-F]{128})")
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2})+")
_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


@dataclass(frozen=True, slots=True)
class KeyPair:
    private_key: str = field(repr=False)
    public_key: str


def _hashlib_has_sm3() -> bool:
    # Some OpenSSL builds list sm3 and still refuse it, so it is tried rather than looked up.
    try:
        return hashlib.new("sm3", b"abc").hexdigest().startswith("66c7f0f4")
    except ValueError:
        return False


_HASHLIB_HAS_SM3: Final = _hashlib_has_sm3()


def _sm3_by_cryptography(data: bytes) -> bytes:
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()


def sm3(data: bytes) -> bytes:
    """The 32 bytes of SM3 (GB/T 32905)."""
    if _HASHLIB_HAS_SM3:
        return hashlib.new("sm3", data).digest()
    return _sm3_by_cryptography(data)


class Digest(Protocol):
    """SM3 of what comes piece by piece."""

    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class _CryptographySm3:
    def __init__(self) -> None:
        self._hash = hashes.Hash(hashes.SM3())

    def update(self, data: bytes, /) -> None:
        self._hash.update(data)

    def digest(self) -> bytes:
        return self._hash.copy().finalize()


def new_sm3() -> Digest:
    """SM3 of nothing yet."""
    return hashlib.new("sm3") if _HASHLIB_HAS_SM3 else _CryptographySm3()


def hmac_sm3(key: bytes, data: bytes) -> bytes:
    """HMAC (GB/T 15852.2) over SM3, 32 bytes."""
    if _HASHLIB_HAS_SM3:
        return hmac.digest(key, data, "sm3")
    padded = (sm3(key) if len(key) > _BLOCK_BYTES else key).ljust(_BLOCK_BYTES, b"\0")
    inner = sm3(bytes(byte ^ 0x36 for byte in padded) + data)
    return sm3(bytes(byte ^ 0x5C for byte in padded) + inner)


def _nonce() -> int:
    return secrets.randbelow(_N - 1) + 1


def _engine() -> gmssl_sm2.CryptSM2:
    return gmssl_sm2.CryptSM2(private_key="", public_key="")


def _base_times(scalar: int) -> str:
    """scalar * G as 128 hex digits, 1 <= scalar < n.

    The scalar is split at random first: gmssl's time depends on the bits it is given, and these are
    a private key or a nonce.
    """
    engine = _engine()
    while True:
        part = _nonce()
        rest = (scalar - part) % _N
        if rest not in (0, part):
            break
    return _sum(engine, engine._kg(part, _G_HEX), engine._kg(rest, _G_HEX)) or ""


def _sum(engine: gmssl_sm2.CryptSM2, left: str, right: str) -> str | None:
    """The affine sum of two affine points; None at infinity."""
    if left == right:
        total = engine._double_point(left + "1")
    else:
        total = engine._add_point(left + "1", right)
    result: str | None = engine._convert_jacb_to_nor(total)
    return result


def _is_scalar(value: int) -> bool:
    return 1 <= value < _N


def is_private_key(text: object) -> bool:
    """True for 64 hex digits of a number in 1..n-2 (GB/T 32918.1: n-1 cannot sign)."""
    return isinstance(text, str) and _HEX_PRIVATE.fullmatch(text) is not None and 1 <= int(text, 16) <= _N - 2


def _point(text: object) -> str | None:
    """The 128 lower-case hex digits of a point on the curve, or None."""
    match = _HEX_PUBLIC.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    digits = match[1].lower()
    x, y = int(digits[:64], 16), int(digits[64:], 16)
    if x >= _P or y >= _P or (y * y - x * x * x - _A * x - _B) % _P:
        return None
    return digits


def is_public_key(text: object) -> bool:
    """True for 128 hex digits (or 04 and 128) of a point on the curve."""
    return _point(text) is not None


def normal_public_key(text: str) -> str:
    """The 128 lower-case hex digits of a public key; ValueError when it is none."""
    digits = _point(text)
    if digits is None:
        raise ValueError("not a point on the SM2 curve")
    return digits


def public_key_of(private_key: str) -> str:
    """The 128 hex digits that belong to 64; ValueError when they are no private key."""
    if not is_private_key(private_key):
        raise ValueError("not an SM2 private key")
    return _base_times(int(private_key, 16))


def generate_key_pair() -> KeyPair:
    private_key = f"{secrets.randbelow(_N - 2) + 1:064x}"
    return KeyPair(private_key, public_key_of(private_key))


def _digest(public_key: str, message: bytes, signer_id: bytes, with_z: bool) -> int:
    if not with_z:
        return int.from_bytes(sm3(message), "big")
    entl = (len(signer_id) * 8).to_bytes(2, "big")
    z = sm3(entl + signer_id + _CURVE_BYTES + bytes.fromhex(public_key))
    return int.from_bytes(sm3(z + message), "big")


def sign(
    private_key: str, message: bytes, *, signer_id: bytes = DEFAULT_SIGNER_ID, with_z: bool = True
) -> str:
    """r||s as 128 hex digits. ValueError for a bad key or an ID over 8,191 bytes."""
    public_key = public_key_of(private_key) if with_z else ""
    if not is_private_key(private_key) or len(signer_id) > _LONGEST_ID_BYTES:
        raise ValueError("not an SM2 private key, or the signer ID is too long")
    secret = int(private_key, 16)
    e = _digest(public_key, message, signer_id, with_z)
    while True:
        nonce = _nonce()
        r = (e + int(_base_times(nonce)[:64], 16)) % _N
        if r == 0 or r + nonce == _N:
            continue
        s = pow(1 + secret, -1, _N) * (nonce - r * secret) % _N
        if s:
            return f"{r:064x}{s:064x}"


def verify(
    public_key: str,
    message: bytes,
    signature: str,
    *,
    signer_id: bytes = DEFAULT_SIGNER_ID,
    with_z: bool = True,
) -> bool:
    """True only for a valid signature; whatever else comes in is False, never an exception.

    `signature` is hex or padded BASE64 (a `+` that arrived as a blank is put back), of r||s or of
    minimal DER. 1 <= r, s < n and r + s != n are demanded.
    """
    point = _point(public_key)
    pair = parse_signature(signature)
    if point is None or pair is None or len(signer_id) > _LONGEST_ID_BYTES:
        return False
    r, s = pair
    e = _digest(point, message, signer_id, with_z)
    engine = _engine()
    total = _sum(engine, engine._kg(s, _G_HEX), engine._kg((r + s) % _N, point))
    return total is not None and (e + int(total[:64], 16)) % _N == r


def parse_signature(text: object) -> tuple[int, int] | None:
    """(r, s) in range, or None. See `verify` for what is understood."""
    if not isinstance(text, str) or not 0 < len(text) <= _LONGEST_SIGNATURE_CHARS:
        return None
    raw = _decoded(text)
    pair = (int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")) if len(raw) == 64 else _der(raw)
    if pair is None or not all(map(_is_scalar, pair)) or sum(pair) == _N:
        return None
    return pair


def _decoded(text: str) -> bytes:
    """The bytes behind hex or BASE64, empty when it is neither."""
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    text = text.replace(" ", "+")
    if not _BASE64.fullmatch(text):
        return b""
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""
    # Unused trailing bits must be zero, or one signature could be written in several ways.
    return raw if base64.b64encode(raw).decode() == text else b""


def _der(raw: bytes) -> tuple[int, int] | None:
    """SEQUENCE of two INTEGERs in minimal DER with nothing behind them."""
    if len(raw) < 8 or raw[0] != 0x30 or raw[1] != len(raw) - 2:
        return None
    first, rest = _der_integer(raw[2:])
    second, rest = _der_integer(rest)
    return (first, second) if first is not None and second is not None and not rest else None


def _der_integer(raw: bytes) -> tuple[int | None, bytes]:
    if len(raw) < 3 or raw[0] != 0x02 or not 1 <= raw[1] <= 33 or len(raw) < 2 + raw[1]:
        return None, b""
    body, rest = raw[2 : 2 + raw[1]], raw[2 + raw[1] :]
    is_padded = len(body) > 1 and body[0] == 0 and body[1] < 0x80
    return (None, b"") if body[0] >= 0x80 or is_padded else (int.from_bytes(body, "big"), rest)
