"""Slots of an upper platform: as many as requests may be under way to it, over all processes.

They are locks of the database session and end with their holder, so that none hangs after a kill.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection

from ministry.models import UpperPlatform
from ministry.models.platforms import MOST_CONCURRENCY
from protocol.errors import RemoteError

_LOCK_SPACE: Final = 0x4D494E
_LOOK_SECONDS: Final = 0.05


@contextmanager
def slot(platform: UpperPlatform) -> Iterator[int | None]:
    """The lowest free one; None when as many requests are under way as the platform is to have."""
    with connection.cursor() as cursor:
        number = None
        for candidate in range(platform.concurrency):
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_SPACE, _key(platform, candidate)])
            (is_ours,) = cursor.fetchone() or (False,)
            if is_ours:
                number = candidate
                break
        try:
            yield number
        finally:
            if number is not None:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK_SPACE, _key(platform, number)])


@contextmanager
def slot_within(platform: UpperPlatform, seconds: float) -> Iterator[int]:
    """The first one that becomes free; RemoteError when none does in that time."""
    ends_at = time.monotonic() + seconds
    while True:
        with slot(platform) as number:
            if number is not None:
                yield number
                return
        if time.monotonic() > ends_at:
            raise RemoteError(f"上级平台 {platform.name} 的并发请求数在 {seconds:.0f} 秒内一直占满")
        time.sleep(_LOOK_SECONDS)


def wait_until_free(platform: UpperPlatform) -> None:
    """Within a transaction: until no request is under way; until its end, none begins."""
    with connection.cursor() as cursor:
        for number in range(MOST_CONCURRENCY):
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_SPACE, _key(platform, number)])


def _key(platform: UpperPlatform, number: int) -> int:
    return platform.pk * MOST_CONCURRENCY + number
