"""A partition of the table of pictures for every day: made ahead, dropped with its folder when the day is over.

Where an organisation keeps its pictures longer, its rows stay in the thinned partition and its pictures in a folder
of their own; both go when their own time has come.
"""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db.models import Min, QuerySet
from django.utils import timezone

from access.days import DailyTable, day_of, day_start
from access.locks import Work, try_lock
from access.services.alarms import close_alarm, raise_alarm
from snapshots.capture.store import day_folder, parse_day_folder
from snapshots.models import CaptureShard, Snapshot, StoredDay
from snapshots.services.holds import secure_holds, unsecured_days
from snapshots.slots import oldest_kept_day
from snapshots.storage.contract import pictures

logger = logging.getLogger(__name__)

# Of one run, for deleting pictures; far inside the limits of the task.
BUDGET_SECONDS = 300
OVERDUE_ALARM = "snapshots:overdue"

_PICTURES = DailyTable(Snapshot._meta.db_table)


@dataclass(frozen=True)
class PartitionReport:
    """Days whose partition was made or dropped, and folders that were deleted.

    `is_unfinished`: there is more to delete than one run has time for.
    """

    made: list[date]
    dropped: list[date]
    folders: list[str]
    is_unfinished: bool = False


def keep_partitions(*, now: datetime | None = None) -> PartitionReport:
    """Make today's and the next days' partitions, drop days beyond the retention with their pictures.

    One run at a time; the others do nothing. What a run has no time for is left to the next.
    """
    with try_lock(Work.PICTURE_DAYS) as is_alone:
        return _keep(now or timezone.now()) if is_alone else PartitionReport([], [], [])


def ensure_day(day: date) -> bool:
    """Make the partition of one day unless it is there; True when it was made."""
    return _PICTURES.ensure(day)


def _keep(now: datetime) -> PartitionReport:
    today, until = day_of(now), time.monotonic() + BUDGET_SECONDS
    made = _PICTURES.ensure_ahead(today)
    secure_holds(now=now)
    CaptureShard.objects.filter(slot_at__lt=day_start(oldest_kept_day(today))).delete()
    # Rows first: a picture whose row is gone is not given out, a row without its picture would be a lie.
    overdue = [day for day in _PICTURES.days() if day < oldest_kept_day(today)]
    held = unsecured_days(overdue)
    thinned = [day for day in overdue if day not in held and _thin(day, today)]
    there = set(_PICTURES.days())
    folders = list(_drop_folders(today, still=set(overdue) - set(thinned), until=until))
    is_unfinished = time.monotonic() >= until
    _tell_overdue(today)
    return PartitionReport(made, [day for day in thinned if day not in there], folders, is_unfinished)


def _thin(day: date, today: date) -> bool:
    """Whether the rows whose time is over are gone."""
    age = (today - day).days
    longer = StoredDay.objects.filter(day=day, keep_days__gte=age)
    if not longer.exists():
        return _PICTURES.drop(day)
    if _has_ended_since(day, age, longer):
        if not _PICTURES.thin(day, f"keep_days >= {age}"):
            return False
        longer.update(thinned_on=today)
    return True


def _has_ended_since(day: date, age: int, longer: QuerySet[StoredDay]) -> bool:
    """Whether the time of some rows came to its end after the day was last thinned: each time all others are copied."""
    if longer.filter(thinned_on=None).exists():
        return True
    last = longer.aggregate(at=Min("thinned_on"))["at"]
    return StoredDay.objects.filter(day=day, keep_days__gte=(last - day).days, keep_days__lt=age).exists()


def _drop_folders(today: date, *, still: set[date], until: float) -> Iterator[str]:
    """Names of folders that are gone; `still` are days some of whose rows could not go yet."""
    storage = pictures()
    try:
        folders = storage.folders()
        for name in folders:
            found = parse_day_folder(name)
            if found is None or found[0] in still or not _is_over(*found, today):
                continue
            if not storage.drop(name, until=until):
                return
            yield name
    except OSError:
        logger.exception("pictures of days that are over could not be deleted")
        return
    _forget(today, still, {name for name in folders if name in storage.folders()})


def _tell_overdue(today: date) -> None:
    """Pictures of a day that should have gone the day before: deleting fails, or does not keep up."""
    yesterday = today - timedelta(days=1)
    try:
        found = [(name, parse_day_folder(name)) for name in pictures().folders()]
    except OSError:
        logger.exception("folders of pictures could not be listed")
        return
    overdue = sorted(name for name, day in found if day is not None and _is_over(*day, yesterday))
    if overdue:
        raise_alarm(
            key=OVERDUE_ALARM,
            title="过期截图没有删完",
            message=f"最早的是 {overdue[0]}，共 {len(overdue)} 个；请查看存储是否允许删除、删除是否过慢",
        )
    else:
        close_alarm(key=OVERDUE_ALARM)


def _forget(today: date, still: set[date], folders: set[str]) -> None:
    over = [
        stored.pk
        for stored in StoredDay.objects.filter(day__lt=oldest_kept_day(today))
        if stored.day not in still
        and _is_over(stored.day, stored.keep_days, today)
        and day_folder(stored.day, stored.keep_days) not in folders
    ]
    StoredDay.objects.filter(pk__in=over).delete()


def _is_over(day: date, keep_days: int, today: date) -> bool:
    """The whole retention lies behind every picture that goes, the newest of its day included."""
    least: int = settings.SNAPSHOT_RETENTION_DAYS
    return (today - day).days > max(keep_days, least)
