"""Pictures as the SnapShot verb tells them: signed last, while they are read."""

import time
from collections.abc import Iterable, Iterator
from functools import lru_cache

import orjson
from django.conf import settings

from snapshots.selectors import PictureEntry
from snapshots.services.links import expires_at, path_signer

_SHANGHAI_SECONDS = 8 * 3600
# The end of each second of an hour.
_MINUTES = [f":{second // 60:02d}:{second % 60:02d}" for second in range(3600)]
# A long answer is read for a while; so many addresses are good for the same time.
_SAME_EXPIRY = 1000


def issue_pictures(
    entries: Iterable[PictureEntry], *, ttl_seconds: int | None = None
) -> Iterator[orjson.Fragment]:
    """Entries of `snapShots` as JSON, in the document's order of keys.

    Written here rather than made of dictionaries, as there may be half a million. What could need an
    escape is the same for all pictures of a camera.
    """
    url = _quoted(settings.PUBLIC_BASE_URL)[:-1]
    camera_id, head, left = 0, "", 0
    sign = path_signer(0, 0)
    for entry in entries:
        if entry.camera_id != camera_id or not left:
            camera_id, left = entry.camera_id, _SAME_EXPIRY
            sign = path_signer(camera_id, expires_at(ttl_seconds))
            head = f'{{"cameraNum":{_quoted(entry.camera_num)},"url":{url}'
        left -= 1
        yield orjson.Fragment(f'{head}{sign(entry.slot)}","message":"{picture_time(entry.taken)}"}}')


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()


def picture_time(unix: int) -> str:
    """`2019/3/1 9:05:07` in Shanghai: month, day and hour without leading zeros."""
    hour, seconds = divmod(unix + _SHANGHAI_SECONDS, 3600)
    return _hour(hour) + _MINUTES[seconds]


@lru_cache(maxsize=1024)
def _hour(hour: int) -> str:
    local = time.gmtime(hour * 3600)
    return f"{local.tm_year}/{local.tm_mon}/{local.tm_mday} {local.tm_hour}"
