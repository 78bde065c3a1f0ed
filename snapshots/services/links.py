"""Addresses of pictures, signed in the query and good for some time (protocol.md section 4, SnapShot)."""

import hashlib
import hmac
import time
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

from django.conf import settings

# An answer of a whole province carries hundreds of thousands of them, so 128 bits and the cheapest sound MAC.
_MAC_BYTES = 16


def picture_url(camera_id: int, slot_at: datetime, *, ttl_seconds: int | None = None) -> str:
    """Absolute address of one picture, good for `ttl_seconds` (SNAPSHOT_URL_TTL_SECONDS), at most the retention."""
    base: str = settings.PUBLIC_BASE_URL
    return base + path_signer(camera_id, expires_at(ttl_seconds))(int(slot_at.timestamp()))


def expires_at(ttl_seconds: int | None = None) -> int:
    """Unix second up to which an address issued now is good."""
    seconds: int = settings.SNAPSHOT_URL_TTL_SECONDS if ttl_seconds is None else ttl_seconds
    longest: int = settings.SNAPSHOT_RETENTION_DAYS * 86_400
    return int(time.time()) + min(seconds, longest)


def path_signer(camera_id: int, expires: int) -> Callable[[int], str]:
    """What signs the paths of one camera's pictures, by unix slot, that are good until `expires`."""
    key = _keyed(settings.SNAPSHOT_URL_KEY).copy()
    key.update(b"%d/" % camera_id)
    folder, query, end = f"/snapshots/{camera_id}/", f".jpg?expires={expires}&signature=", b"/%d" % expires

    def signed_path(unix_slot: int) -> str:
        mac = key.copy()
        mac.update(b"%d" % unix_slot + end)
        return f"{folder}{unix_slot}{query}{mac.hexdigest()}"

    return signed_path


def is_signed(camera_id: int, unix_slot: int, *, expires: str, signature: str, now: float) -> bool:
    """Whether `signature` was made for this picture and has not run out."""
    if not (expires.isascii() and expires.isdigit() and len(expires) <= 12):
        return False
    _, _, expected = path_signer(camera_id, int(expires))(unix_slot).rpartition("=")
    return hmac.compare_digest(expected.encode(), signature.encode()) and now <= int(expires)


@lru_cache(maxsize=4)
def _keyed(key: str) -> "hashlib.blake2b":
    """BLAKE2b as a MAC (RFC 7693), which takes keys of up to 64 bytes."""
    return hashlib.blake2b(key=hashlib.sha256(key.encode()).digest(), digest_size=_MAC_BYTES)
