"""Hot reads as prepared statements: PostgreSQL plans them once per connection (facts.md, "Tokens")."""

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import connection

_NEVER_BY_COUNT = 2**31


def fetch_one(sql: str, params: Sequence[object]) -> tuple[Any, ...] | None:
    """The first row of `sql`, which is a constant with %s places.

    Django's own cursors bind on the client and cannot prepare, so this one is psycopg's.
    """
    connection.ensure_connection()
    raw = connection.connection
    if raw.prepare_threshold is None:
        # Django's None forbids even what is asked for; nothing else is ever repeated this often.
        raw.prepare_threshold = _NEVER_BY_COUNT
    with connection.wrap_database_errors, psycopg.Cursor(raw) as cursor:
        return cursor.execute(sql.encode(), params, prepare=True).fetchone()
