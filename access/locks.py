"""Work that one process does at a time, by the advisory locks of PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum, unique

from django.db import connection


@unique
class Work(IntEnum):
    """Kinds of work with a lock for the whole platform, here together so that no two share a number."""

    DAYS = 20_260_101
    PTZ_STOPS = 20_260_102
    PICTURE_DAYS = 20_260_103
    ONLINE_RATES = 20_260_104
    LOG_CHAIN = 20_260_105
    INCIDENTS = 20_260_106


@contextmanager
def try_lock(key: int) -> Iterator[bool]:
    """False while another process holds `key`, a number of one kind of work in the whole platform.

    The lock ends with its holder, so that after a kill somebody else goes on at once; a row would be held by a dead one.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        (is_ours,) = cursor.fetchone() or (False,)
        try:
            yield is_ours
        finally:
            if is_ours:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
