"""Codes of an authenticator app: TOTP of RFC 6238 with what every app knows, SHA-1, 6 digits, 30 seconds."""

import base64
import hmac
import secrets
import time
from typing import Final
from urllib.parse import quote, urlencode

STEP_SECONDS: Final = 30
DIGITS: Final = 6
# Steps that a clock may be off, either way.
_DRIFT: Final = 1
_SECRET_BYTES: Final = 20


def new_secret() -> str:
    """BASE32 of 160 random bits, as apps take it in."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def code_at(secret: str, step: int) -> str:
    """The code of one period (RFC 4226, 5.3)."""
    digest = hmac.digest(base64.b32decode(secret), step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def step_of(secret: str, code: str, *, after: int) -> int | None:
    """The period whose code it is, if that lies near now and behind the period `after`."""
    now = int(time.time()) // STEP_SECONDS
    for step in range(now - _DRIFT, now + _DRIFT + 1):
        if step > after and hmac.compare_digest(code_at(secret, step).encode(), code.encode()):
            return step
    return None


def address_for(secret: str, *, issuer: str, account: str) -> str:
    """`otpauth://…`, the content of the QR code."""
    query = urlencode({"secret": secret, "issuer": issuer}, quote_via=quote)
    return f"otpauth://totp/{quote(f'{issuer}:{account}')}?{query}"
