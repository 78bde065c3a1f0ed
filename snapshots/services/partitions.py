"""A partition of the table of pictures for every day: made ahead, dropped with its folder when the day is over."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db import connection
from django.utils import timezone

from access.days import DailyTable, day_of, day_start
from snapshots.capture.store import drop_days_before
from snapshots.models import CaptureShard, Snapshot
from snapshots.slots import oldest_kept_day

# Of one run, for deleting pictures; far inside the limits of the task.
BUDGET_SECONDS = 300
# Any number that no other advisory lock of the platform uses.
LOCK = 20_260_103

_PICTURES = DailyTable(Snapshot._meta.db_table)


@dataclass(frozen=True)
class PartitionReport:
    """Days whose partition was made or dropped, and folders that were deleted."""

    made: list[date]
    dropped: list[date]
    folders: list[str]


def keep_partitions(*, now: datetime | None = None) -> PartitionReport:
    """Make today's and the next days' partitions, drop days beyond the retention with their pictures.

    One run at a time; the others do nothing. What a run has no time for is left to the next.
    """
    with _alone() as is_alone:
        return _keep(now or timezone.now()) if is_alone else PartitionReport([], [], [])


@contextmanager
def _alone() -> Iterator[bool]:
    """False while another process is at it. The lock ends with its holder, also after a kill."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        (is_alone,) = cursor.fetchone() or (False,)
        try:
            yield is_alone
        finally:
            if is_alone:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _keep(now: datetime) -> PartitionReport:
    until = time.monotonic() + BUDGET_SECONDS
    made, dropped = _PICTURES.keep(settings.SNAPSHOT_RETENTION_DAYS, now=now)
    oldest = oldest_kept_day(day_of(now))
    CaptureShard.objects.filter(slot_at__lt=day_start(oldest)).delete()
    # Rows first: a picture whose row is gone is not given out, a row without its picture would be a lie.
    folders = list(drop_days_before(min([oldest, *_PICTURES.days()]), until=until))
    return PartitionReport(made, dropped, folders)


def ensure_day(day: date) -> bool:
    """Make the partition of one day unless it is there; True when it was made."""
    return _PICTURES.ensure(day)
