"""Hot reads as prepared statements: PostgreSQL plans them once per connection (facts.md, "Tokens")."""

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

_NEVER_BY_COUNT = 2**31


def fetch_one(sql: bytes, params: Sequence[object]) -> tuple[Any, ...] | None:
    """The first row of `sql`: a constant with %s places, as bytes because they are hashed only once."""
    connection = connections[DEFAULT_DB_ALIAS]
    try:
        return _fetch_one(connection, sql, params)
    except OperationalError:
        # PostgreSQL was restarted, perhaps. Asking again costs less than Django's ping before each request.
        if connection.in_atomic_block:
            raise
        connection.close()
        return _fetch_one(connection, sql, params)


def _fetch_one(
    connection: BaseDatabaseWrapper, sql: bytes, params: Sequence[object]
) -> tuple[Any, ...] | None:
    connection.ensure_connection()
    with connection.wrap_database_errors:
        row = _cursor(connection).execute(sql, params, prepare=True).fetchone()
    connection.health_check_done = True  # type: ignore[attr-defined]  # the stubs lack it
    return row


def _cursor(connection: BaseDatabaseWrapper) -> psycopg.Cursor[Any]:
    """One cursor a connection, as making it costs more than asking.

    Django's own cursors bind on the client and cannot prepare, so this one is psycopg's; binary
    answers are read in half the time.
    """
    raw: psycopg.Connection[Any] = connection.connection
    cursor: psycopg.Cursor[Any] | None = getattr(connection, "statement_cursor", None)
    if cursor is None or cursor.connection is not raw:
        if raw.prepare_threshold is None:
            # Django's None forbids even what is asked for; nothing else is ever repeated this often.
            raw.prepare_threshold = _NEVER_BY_COUNT
        cursor = psycopg.Cursor(raw)
        cursor.format = psycopg.pq.Format.BINARY
        connection.statement_cursor = cursor  # type: ignore[attr-defined]  # kept where it belongs to
    return cursor
