"""The token ring of appendix 2: the text that is signed, and tokens that need not be stored."""

import base64
import hashlib
import re
from typing import Final

from protocol.sm2 import hmac_sm3

DEFAULT_SIGN_TEMPLATE: Final = "deviceCode={deviceCode}&user={user}&token={token}"

_DERIVED: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_PLACEHOLDER: Final = re.compile(r"\{(deviceCode|user|token)\}")


def sign_text(device_code: str, user: str, token: str, template: str = DEFAULT_SIGN_TEMPLATE) -> bytes:
    """The UTF-8 bytes that `sign` is made over (appendix 2), `device_code` as it is sent.

    A partner's template may carry the blanks the document prints. It is not a format string: only
    the three names are replaced, so a template cannot reach into objects and a value that looks
    like a placeholder stays as it is. A lone surrogate becomes `?`, which no signature fits.
    """
    values = {"deviceCode": device_code, "user": user, "token": token}
    text = _PLACEHOLDER.sub(lambda match: values[match[1]], template)
    return text.encode("utf-8", "replace")


def is_sign_template(template: str) -> bool:
    """True when each of the three values is covered by the signature exactly once."""
    return sorted(_PLACEHOLDER.findall(template)) == ["deviceCode", "token", "user"]


def derive_token(server_key: bytes, family: str, generation: int) -> str:
    """Token number `generation` of a partner's ring: 43 characters of BASE64URL, no padding.

    A function of the server key, so a lost answer can be repeated and nothing secret is stored.
    ValueError for an empty server key: everyone could derive its tokens.
    """
    if not server_key:
        raise ValueError("empty server key")
    mac = hmac_sm3(server_key, f"{family}|{generation}".encode())
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def is_derived(token: str) -> bool:
    """Whether it looks like one of `derive_token`; tokens of OAuth are shorter."""
    return _DERIVED.fullmatch(token) is not None


def token_digest(token: str) -> str:
    """What is stored and looked up instead of the token: SHA-256 as 64 hex digits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
