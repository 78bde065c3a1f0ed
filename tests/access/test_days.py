"""A table with a partition for every day."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date

import pytest
from django.db import connection

from access.days import DailyTable
from access.locks import Work
from tests.ptz.gateway_double import wait_until

TABLE = DailyTable("ministry_deliverycall")
DAY = date(2031, 5, 6)


def ensure() -> bool:
    try:
        return TABLE.ensure(DAY)
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_who_waits_while_another_makes_the_day_finds_it_made() -> None:
    with ThreadPoolExecutor(1) as pool, closing(connection.copy()) as other:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [Work.DAYS])
            waits = pool.submit(ensure)

            def is_waiting() -> bool:
                cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)")
                (found,) = cursor.fetchone()
                return bool(found)

            wait_until(is_waiting, "the second to wait for the first")
            cursor.execute(f"CREATE TABLE {TABLE.name}_{DAY:%Y%m%d} (LIKE {TABLE.name} INCLUDING ALL)")
            cursor.execute(
                f"ALTER TABLE {TABLE.name} ATTACH PARTITION {TABLE.name}_{DAY:%Y%m%d}"
                " FOR VALUES FROM ('2031-05-06 00:00+08') TO ('2031-05-07 00:00+08')"
            )
        other.commit()
        assert waits.result() is False
    assert DAY in TABLE.days()
    assert TABLE.drop(DAY)
