"""A partition of the table of pictures for every day: made ahead, dropped with its folder when the day is over."""

import logging
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import OperationalError, connection, transaction
from django.utils import timezone
from psycopg import sql

from snapshots.capture.store import drop_days_before
from snapshots.models import CaptureShard, Snapshot
from snapshots.slots import ZONE, day_of, day_start, days_between, oldest_kept_day

logger = logging.getLogger(__name__)

DAYS_AHEAD = 2
_TABLE = Snapshot._meta.db_table
# Any number that no other advisory lock of the platform uses.
_LOCK = 20_260_101
# Dropping needs the parent table alone; nobody is to wait longer than this behind a slow reader.
_MOST_WAIT = "3s"


@dataclass(frozen=True)
class PartitionReport:
    """Days whose partition was made or dropped, and folders that were deleted."""

    made: list[date]
    dropped: list[date]
    folders: list[str]


def keep_partitions(*, now: datetime | None = None) -> PartitionReport:
    """Make today's and the next days' partitions, drop days beyond the retention with their pictures."""
    today = day_of(now or timezone.now())
    oldest = oldest_kept_day(today)
    made = [day for day in days_between(today, today + timedelta(days=DAYS_AHEAD)) if ensure_day(day)]
    dropped = [day for day in _days() if day < oldest and _drop(day)]
    CaptureShard.objects.filter(slot_at__lt=day_start(oldest)).delete()
    # Rows first: a picture whose row is gone is not given out, a row without its picture would be a lie.
    folders = list(drop_days_before(min([oldest, *_days()])))
    return PartitionReport(made, dropped, folders)


def ensure_day(day: date) -> bool:
    """Make the partition of one day unless it is there; True when it was made."""
    if _exists(day):
        return False
    first, end = (sql.Literal(day_start(start).isoformat()) for start in (day, day + timedelta(days=1)))
    name, parent = sql.Identifier(_name(day)), sql.Identifier(_TABLE)
    # Attaching a finished table lets readers and writers go on, CREATE ... PARTITION OF would lock them all out.
    statements = [
        sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(name, parent),
        sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
            parent, name, first, end
        ),
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        # Workers meet here at the first slot of a day that nobody made ahead.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        if _exists(day):
            return False
        for statement in statements:
            cursor.execute(statement)
    return True


def _name(day: date) -> str:
    return f"{_TABLE}_{day:%Y%m%d}"


def _exists(day: date) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [_name(day)])
        (is_there,) = cursor.fetchone() or (False,)
    return bool(is_there)


def _days() -> list[date]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid"
            " WHERE inhparent = %s::regclass ORDER BY 1",
            [_TABLE],
        )
        names = [name for (name,) in cursor.fetchall()]
    return [datetime.strptime(name[-8:], "%Y%m%d").replace(tzinfo=ZONE).date() for name in names]


def _drop(day: date) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(_MOST_WAIT)))
            cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(_name(day))))
    except OperationalError as error:
        logger.warning("the pictures of %s are dropped later: %s", day, error)
        return False
    return True
