"""Empties the database after a test that commits, in a tenth of the time of Django's own way.

That truncates every table, full or empty, and writes content types and permissions anew; both are always the same.
"""

from collections.abc import Iterator
from functools import cache

import pytest
from django.db import connection
from django.test import TransactionTestCase

_KEPT = {"django_content_type", "auth_permission"}
_PARTITIONS = "SELECT oid::regclass::text FROM pg_class WHERE relispartition AND relkind = 'r'"


@pytest.fixture(scope="session", autouse=True)
def _emptied_quickly() -> Iterator[None]:
    the_way_of_django = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]

    def empty(case: TransactionTestCase) -> None:
        if _may_pass_over_foreign_keys():
            _empty()
        else:
            the_way_of_django(case)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield


def _empty() -> None:
    with connection.cursor() as cursor:
        # Days that a test has made are tables, and would be there for the tests after it.
        cursor.execute(_PARTITIONS)
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP TABLE {name}")
        cursor.execute(" UNION ALL ".join(_has_rows(table) for table in _tables()))
        deletions = [f'DELETE FROM "{table}"' for (table,) in cursor.fetchall()]  # noqa: S608
        # All rows that a foreign key could name go as well.
        begin, end = "SET session_replication_role = replica", "RESET session_replication_role"
        cursor.execute("; ".join([begin, *deletions, end]))


def _has_rows(table: str) -> str:
    return f"SELECT '{table}' WHERE EXISTS (SELECT FROM \"{table}\")"  # noqa: S608


@cache
def _tables() -> list[str]:
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return sorted(set(names) - _KEPT)


@cache
def _may_pass_over_foreign_keys() -> bool:
    """A server that was given from outside may know us as somebody less than its superuser."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW is_superuser")
        return bool(cursor.fetchone() == ("on",))
