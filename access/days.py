"""Days of Chinese time, and tables that keep each of them in a partition of its own.

A day runs from midnight to midnight in Shanghai, not in UTC: the day an operator asks for and the day that is
dropped are then one. China has no summer time, so every day has 24 hours.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import OperationalError, connection, transaction
from django.utils import timezone
from psycopg import sql

from access.locks import Work

logger = logging.getLogger(__name__)

ZONE = ZoneInfo("Asia/Shanghai")
DAYS_AHEAD = 2
# Dropping needs the parent table alone; nobody is to wait longer than this behind a slow reader.
_MOST_WAIT = "3s"


def day_of(moment: datetime) -> date:
    return moment.astimezone(ZONE).date()


def day_start(day: date) -> datetime:
    return datetime.combine(day, time(), ZONE)


def days_between(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


@dataclass(frozen=True)
class DailyTable:
    """A table partitioned by day; `name` is the parent, its partitions are `<name>_20261122`."""

    name: str

    def keep(self, days: int, *, now: datetime | None = None) -> tuple[list[date], list[date]]:
        """Make today's and the next days' partitions, drop those `days` whole days old; both lists."""
        today = day_of(now or timezone.now())
        made = self.ensure_ahead(today)
        oldest = today - timedelta(days=days)
        return made, [day for day in self.days() if day < oldest and self.drop(day)]

    def ensure_ahead(self, today: date) -> list[date]:
        """Make today's and the next days' partitions; those that were made."""
        return [day for day in days_between(today, today + timedelta(days=DAYS_AHEAD)) if self.ensure(day)]

    def ensure(self, day: date) -> bool:
        """Make the partition of one day unless it is there; True when it was made."""
        if self._has(day):
            return False
        bounds = (sql.Literal(day_start(start).isoformat()) for start in (day, day + timedelta(days=1)))
        name, parent = sql.Identifier(self._partition(day)), sql.Identifier(self.name)
        # Attaching a finished table lets readers and writers go on, CREATE ... PARTITION OF would lock them all out.
        statements = [
            sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(name, parent),
            sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
                parent, name, *bounds
            ),
        ]
        with transaction.atomic(), connection.cursor() as cursor:
            # Workers meet here at the first row of a day that nobody made ahead.
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [Work.DAYS])
            if self._has(day):
                return False
            for statement in statements:
                cursor.execute(statement)
        return True

    def days(self) -> list[date]:
        """Days that have a partition, the oldest first."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid"
                " WHERE inhparent = %s::regclass ORDER BY 1",
                [self.name],
            )
            names = [name for (name,) in cursor.fetchall()]
        return [datetime.strptime(name[-8:], "%Y%m%d").replace(tzinfo=ZONE).date() for name in names]

    def drop(self, day: date) -> bool:
        """False when somebody reads it for too long; the next call finds it again."""
        name = sql.Identifier(self._partition(day))
        return self._run(day, sql.SQL("DROP TABLE IF EXISTS {}").format(name))

    def thin(self, day: date, condition: str) -> bool:
        """Keep only the rows of a day for which the SQL `condition` holds; False as in `drop`.

        What stays is copied and the rest dropped as a table: deleting most of a day leaves its file as large as before.
        """
        old, new = sql.Identifier(self._partition(day)), sql.Identifier(f"{self._partition(day)}_thin")
        parent = sql.Identifier(self.name)
        start, end = (day_start(at).isoformat() for at in (day, day + timedelta(days=1)))
        return self._run(
            day,
            sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(new, parent),
            sql.SQL("INSERT INTO {} SELECT * FROM {} WHERE ").format(new, old) + sql.SQL(condition),
            # From here on everybody waits for us; that takes milliseconds.
            sql.SQL("ALTER TABLE {} DETACH PARTITION {}").format(parent, old),
            sql.SQL("DROP TABLE {}").format(old),
            sql.SQL("ALTER TABLE {} RENAME TO {}").format(new, old),
            sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
                parent, old, sql.Literal(start), sql.Literal(end)
            ),
        )

    def _run(self, day: date, *statements: sql.Composable) -> bool:
        """All or nothing, and nothing when somebody is in the way for too long."""
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(_MOST_WAIT)))
                for statement in statements:
                    cursor.execute(statement)
        except OperationalError as error:
            logger.warning("the rows of %s of %s are dropped later: %s", self.name, day, error)
            return False
        return True

    def _partition(self, day: date) -> str:
        return f"{self.name}_{day:%Y%m%d}"

    def _has(self, day: date) -> bool:
        with connection.cursor() as cursor:
            # Not `to_regclass`: within a transaction it remembers that there was none, while another makes it.
            cursor.execute(
                "SELECT EXISTS (SELECT FROM pg_class WHERE relname = %s AND relnamespace ="
                " (SELECT relnamespace FROM pg_class WHERE oid = %s::regclass))",
                [self._partition(day), self.name],
            )
            (is_there,) = cursor.fetchone() or (False,)
        return bool(is_there)
