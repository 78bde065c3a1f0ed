"""Hot reads as prepared statements: PostgreSQL plans them once per connection (facts.md, "Tokens")."""

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import OperationalError, connection

_NEVER_BY_COUNT = 2**31


def fetch_one(sql: str, params: Sequence[object]) -> tuple[Any, ...] | None:
    """The first row of `sql`, which is a constant with %s places."""
    try:
        return _fetch_one(sql, params)
    except OperationalError:
        # PostgreSQL was restarted, perhaps. Asking again costs less than Django's ping before each request.
        if connection.in_atomic_block:
            raise
        connection.close()
        return _fetch_one(sql, params)


def _fetch_one(sql: str, params: Sequence[object]) -> tuple[Any, ...] | None:
    connection.ensure_connection()
    raw = connection.connection
    if raw.prepare_threshold is None:
        # Django's None forbids even what is asked for; nothing else is ever repeated this often.
        raw.prepare_threshold = _NEVER_BY_COUNT
    # Django's own cursors bind on the client and cannot prepare, so this one is psycopg's.
    with connection.wrap_database_errors, psycopg.Cursor(raw) as cursor:
        row = cursor.execute(sql.encode(), params, prepare=True).fetchone()
    connection.health_check_done = True  # type: ignore[attr-defined]  # the stubs lack it
    return row
