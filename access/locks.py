"""Work that one process does at a time, by the advisory locks of PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


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
