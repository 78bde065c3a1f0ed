"""Slots of an upper platform: as many as requests may be under way to it, over all processes.

They are locks of the database session and end with their holder, so that none hangs after a kill.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection

from ministry.models import UpperPlatform
from ministry.models.platforms import MOST_CONCURRENCY

_LOCK_SPACE: Final = 0x4D494E


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


def wait_until_free(platform: UpperPlatform) -> None:
    """Within a transaction: until no request is under way; until its end, none begins."""
    with connection.cursor() as cursor:
        for number in range(MOST_CONCURRENCY):
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_SPACE, _key(platform, number)])


def _key(platform: UpperPlatform, number: int) -> int:
    return platform.pk * MOST_CONCURRENCY + number
