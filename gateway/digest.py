"""HTTP authentication as cameras ask for it, over HTTP and RTSP (RFC 2617, RFC 7617)."""

import base64
import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

_PART = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')


@dataclass(frozen=True)
class Login:
    user: str
    password: str = field(repr=False)


def authorization(challenges: Sequence[str], login: Login, method: str, uri: str) -> str | None:
    """The Authorization header that answers the best of the WWW-Authenticate values; None when none is known.

    Digest goes before Basic, which shows the password to the network.
    """
    for challenge in challenges:
        scheme, _, rest = challenge.strip().partition(" ")
        parts = {name.lower(): quoted or bare for name, quoted, bare in _PART.findall(rest)}
        if scheme.lower() == "digest" and parts.get("algorithm", "MD5").upper() == "MD5":
            return _digest(parts, login, method, uri)
    if any(challenge.strip().lower().startswith("basic") for challenge in challenges):
        return "Basic " + base64.b64encode(f"{login.user}:{login.password}".encode()).decode()
    return None


def _digest(parts: dict[str, str], login: Login, method: str, uri: str) -> str:
    realm, nonce = parts.get("realm", ""), parts.get("nonce", "")
    secret = _md5(f"{login.user}:{realm}:{login.password}")
    request = _md5(f"{method}:{uri}")
    given = {"username": login.user, "realm": realm, "nonce": nonce, "uri": uri}
    quality = ""
    if "auth" in re.split(r"\s*,\s*", parts.get("qop", "")):
        client_nonce = secrets.token_hex(8)
        response = _md5(f"{secret}:{nonce}:00000001:{client_nonce}:auth:{request}")
        quality = f', qop=auth, nc=00000001, cnonce="{client_nonce}"'
    else:
        response = _md5(f"{secret}:{nonce}:{request}")
    if "opaque" in parts:
        given["opaque"] = parts["opaque"]
    fields = ", ".join(f'{name}="{value}"' for name, value in given.items())
    return f'Digest {fields}, response="{response}"{quality}'


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
