"""Pictures as the SnapShot verb tells them: signed last, while they are read."""

import time
from collections.abc import Iterable, Iterator
from functools import lru_cache

from django.conf import settings

from snapshots.selectors import PictureEntry
from snapshots.services.links import expires_at, signed_path

_SHANGHAI_SECONDS = 8 * 3600
# A long answer is read for a while; so many addresses are good for the same time.
_SAME_EXPIRY = 1000


def issue_pictures(
    entries: Iterable[PictureEntry], *, ttl_seconds: int | None = None
) -> Iterator[dict[str, str]]:
    """Entries of `snapShots`, in the document's order of keys."""
    base, expires = settings.PUBLIC_BASE_URL, 0
    for number, entry in enumerate(entries):
        if number % _SAME_EXPIRY == 0:
            expires = expires_at(ttl_seconds)
        path = signed_path(entry.camera_id, entry.slot, expires)
        yield {"cameraNum": entry.camera_num, "url": base + path, "message": picture_time(entry.taken)}


def picture_time(unix: int) -> str:
    """`2019/3/1 9:05:07` in Shanghai: month, day and hour without leading zeros."""
    hour, seconds = divmod(unix + _SHANGHAI_SECONDS, 3600)
    return f"{_hour(hour)}:{seconds // 60:02d}:{seconds % 60:02d}"


@lru_cache(maxsize=1024)
def _hour(hour: int) -> str:
    local = time.gmtime(hour * 3600)
    return f"{local.tm_year}/{local.tm_mon}/{local.tm_mday} {local.tm_hour}"
