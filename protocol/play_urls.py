"""Signatures of media URLs: Aliyun type A for play and publish, HLS sessions for what follows."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Final

_PLAIN: Final = re.compile(r"[A-Za-z0-9_]{1,64}")
_AUTH_KEY: Final = re.compile(r"([1-9][0-9]{0,10})-([A-Za-z0-9_]{1,64})-([A-Za-z0-9_]{1,64})-([0-9a-f]{32})")
_RANDS_A_BLOCK: Final = 16
_SESSION_MAC: Final = re.compile(r"[0-9a-f]{64}")

# Under this uid the platform itself takes pictures, of every camera every few minutes.
CAPTURE_UID: Final = "snapshot"

# Under this uid a CDN takes a stream from us for all of its own viewers.
ORIGIN_UID: Final = "cdn"


class UrlVerdict(Enum):
    OK = "ok"
    EXPIRED = "expired"
    FORGED = "forged"


def new_rand() -> str:
    """A fresh `rand`: 32 hex digits. The hyphen is the separator, so there is none inside."""
    return secrets.token_hex(16)


def new_rands() -> Iterator[str]:
    """Fresh ones without end, for an answer with many addresses: asking the system for each costs as much as signing."""
    while True:
        block = secrets.token_hex(16 * _RANDS_A_BLOCK)
        for begin in range(0, len(block), 32):
            yield block[begin : begin + 32]


def _mac(path: str, tail: str, key: str) -> str:
    # MD5 is what Aliyun type A prescribes; the key, not the hash, keeps it from being forged in 5 s.
    text = f"{path}-{tail}-{key}".encode("utf-8", "surrogatepass")
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


def sign_path(path: str, key: str, *, timestamp: int, rand: str = "0", uid: str = "0") -> str:
    """The value of `auth_key` for a path beginning with `/`, good until `timestamp` (unix seconds).

    ValueError for an empty key, and for a rand or uid that could not be told apart again.
    """
    return sign_paths((path,), key, timestamp=timestamp, rand=rand, uid=uid)[0]


def sign_paths(
    paths: Sequence[str], key: str, *, timestamp: int, rand: str = "0", uid: str = "0"
) -> list[str]:
    """The same for all `paths` of one stream."""
    if not key or not _PLAIN.fullmatch(rand) or not _PLAIN.fullmatch(uid) or timestamp <= 0:
        raise ValueError("empty key, or rand, uid or timestamp is not plain")
    tail = f"{timestamp}-{rand}-{uid}"
    return [f"{tail}-{_mac(path, tail, key)}" for path in paths]


def check_path(path: str, auth_key: str, keys: Sequence[str], *, now: float) -> UrlVerdict:
    """OK while now <= timestamp. EXPIRED is only said of a genuine signature by one of `keys`."""
    match = _AUTH_KEY.fullmatch(auth_key)
    if match is None:
        return UrlVerdict.FORGED
    tail = auth_key[: match.end(3)]
    is_genuine = False
    for key in keys:
        # An unset backup key must not become a key that everybody knows.
        if key:
            is_genuine |= hmac.compare_digest(_mac(path, tail, key), match[4])
    if not is_genuine:
        return UrlVerdict.FORGED
    return UrlVerdict.OK if now <= int(match[1]) else UrlVerdict.EXPIRED


def is_origin_key(keys: Sequence[str], given: Sequence[str]) -> bool:
    """Whether exactly one was given, and it is one of `keys`; an empty one is none."""
    if len(given) != 1 or not given[0]:
        return False
    text = given[0].encode("utf-8", "surrogatepass")
    return any([hmac.compare_digest(text, key.encode()) for key in keys if key])


def uid_of(auth_key: str) -> str:
    """Whom a genuine `auth_key` was made for; only `check_path` tells whether it is genuine."""
    match = _AUTH_KEY.fullmatch(auth_key)
    return match[3] if match else ""


def sign_hls_session(
    key: str, app: str, stream: str, expires: int, uid: str = "0", nonce: str = "0"
) -> str:
    """64 hex digits: HMAC-SHA256 over expiry, app, stream, viewer and what tells their sessions apart.

    ValueError for an empty key, and for an app, uid or nonce that could not be told apart again.
    """
    if not key or "\n" in app or not _PLAIN.fullmatch(uid) or not _PLAIN.fullmatch(nonce):
        raise ValueError("empty key, a line break in app, or uid is not plain, or the nonce")
    text = f"{expires}\n{app}\n{stream}\n{uid}\n{nonce}".encode("utf-8", "surrogatepass")
    return hmac.digest(key.encode(), text, "sha256").hex()


def check_hls_session(
    key: str, app: str, stream: str, expires: int, mac: str, uid: str = "0", nonce: str = "0", *, now: float
) -> UrlVerdict:
    """OK while now <= expires; FORGED also for another stream or viewer, an empty key or a mac of wrong shape."""
    if not key or "\n" in app or not _SESSION_MAC.fullmatch(mac):
        return UrlVerdict.FORGED
    if not _PLAIN.fullmatch(uid) or not _PLAIN.fullmatch(nonce):
        return UrlVerdict.FORGED
    if not hmac.compare_digest(sign_hls_session(key, app, stream, expires, uid, nonce), mac):
        return UrlVerdict.FORGED
    return UrlVerdict.OK if now <= expires else UrlVerdict.EXPIRED
