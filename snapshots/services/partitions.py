"""A partition of the table of pictures for every day: made ahead, dropped with its folder when the day is over."""

from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.utils import timezone

from access.days import DailyTable, day_of, day_start
from snapshots.capture.store import drop_days_before
from snapshots.models import CaptureShard, Snapshot
from snapshots.slots import oldest_kept_day

_PICTURES = DailyTable(Snapshot._meta.db_table)


@dataclass(frozen=True)
class PartitionReport:
    """Days whose partition was made or dropped, and folders that were deleted."""

    made: list[date]
    dropped: list[date]
    folders: list[str]


def keep_partitions(*, now: datetime | None = None) -> PartitionReport:
    """Make today's and the next days' partitions, drop days beyond the retention with their pictures."""
    now = now or timezone.now()
    made, dropped = _PICTURES.keep(settings.SNAPSHOT_RETENTION_DAYS, now=now)
    oldest = oldest_kept_day(day_of(now))
    CaptureShard.objects.filter(slot_at__lt=day_start(oldest)).delete()
    # Rows first: a picture whose row is gone is not given out, a row without its picture would be a lie.
    folders = list(drop_days_before(min([oldest, *_PICTURES.days()])))
    return PartitionReport(made, dropped, folders)


def ensure_day(day: date) -> bool:
    """Make the partition of one day unless it is there; True when it was made."""
    return _PICTURES.ensure(day)
