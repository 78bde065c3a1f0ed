"""Pictures as the SnapShot verb tells them: signed last, while they are read."""

import time
from collections.abc import Iterable, Iterator

from django.conf import settings

from snapshots.selectors import PictureEntry
from snapshots.services.links import expires_at, signed_path

_SHANGHAI_SECONDS = 8 * 3600


def issue_pictures(
    entries: Iterable[PictureEntry], *, ttl_seconds: int | None = None
) -> Iterator[dict[str, str]]:
    """Entries of `snapShots`, in the document's order of keys."""
    base = settings.PUBLIC_BASE_URL
    for entry in entries:
        path = signed_path(entry.camera_id, entry.slot, expires_at(ttl_seconds))
        yield {"cameraNum": entry.camera_num, "url": base + path, "message": picture_time(entry.taken)}


def picture_time(unix: int) -> str:
    """`2019/3/1 9:05:07` in Shanghai: month, day and hour without leading zeros."""
    local = time.gmtime(unix + _SHANGHAI_SECONDS)
    return f"{local.tm_year}/{local.tm_mon}/{local.tm_mday} {local.tm_hour}:{local.tm_min:02d}:{local.tm_sec:02d}"
