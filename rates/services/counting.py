"""Days counted: today's every hour, one that is over until it stays as it is."""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from access.days import day_of, day_start, days_between
from access.locks import Work, try_lock
from cameras.models import Camera
from rates.definition import COUNT_DAY, count_parameters
from rates.models import CameraDay, CountedDay
from snapshots.slots import oldest_kept_day, slot_at, unix_slot

logger = logging.getLogger(__name__)

# Of one statement, which reads the day's pictures from first to last: so few statements for a province.
_CAMERAS_AT_ONCE = 25_000
# In which the strings of bits of so many cameras fit.
_MEMORY = "SET LOCAL work_mem = '64MB'"
# Of one run, after which no further day is begun; far inside the limits of the task.
BUDGET_SECONDS = 240


@dataclass(frozen=True)
class CountReport:
    """Days that were counted, and rows of days too old to be kept."""

    counted: list[date]
    forgotten: int


def count_due_days(*, now: datetime | None = None) -> CountReport:
    """Count today, then the days that are over and not final, the newest first; forget the oldest.

    One run at a time; the others do nothing. What a run has no time for is left to the next.
    """
    with try_lock(Work.ONLINE_RATES) as is_alone:
        return _count_due(now or timezone.now()) if is_alone else CountReport([], 0)


def _count_due(now: datetime) -> CountReport:
    began = time.monotonic()
    counted = []
    for day in _due_days(day_of(now)):
        if time.monotonic() - began > BUDGET_SECONDS:
            logger.warning("the counting of %s is left to the next run", day)
            break
        count_day(day, now=now)
        counted.append(day)
    oldest = _oldest_day(day_of(now))
    forgotten, _ = CameraDay.objects.filter(day__lt=oldest).delete()
    CountedDay.objects.filter(day__lt=oldest).delete()
    return CountReport(counted, forgotten)


def _due_days(today: date) -> list[date]:
    """Only days whose pictures are still kept: of others every slot would be missed."""
    first = max(oldest_kept_day(today), _oldest_day(today))
    final = {row.day for row in CountedDay.objects.filter(day__gte=first) if row.is_final}
    return [day for day in sorted(days_between(first, today), reverse=True) if day not in final]


def _oldest_day(today: date) -> date:
    return today - timedelta(days=settings.ONLINE_KEEP_DAYS)


def count_day(day: date, *, now: datetime | None = None) -> int:
    """Count one day as far as it is over, again if need be; how many cameras' rows changed."""
    now = now or timezone.now()
    begin, end = day_start(day), day_start(day + timedelta(days=1))
    until = min(end, slot_at(unix_slot(now)))
    parameters: dict[str, Any] = count_parameters(
        begin=begin, end=min(end, now), until=until, period=settings.SNAPSHOT_PERIOD_SECONDS
    )
    changed = 0
    for first, last in _batches():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_MEMORY)
            cursor.execute(COUNT_DAY, {**parameters, "day": day, "first": first, "last": last})
            changed += cursor.rowcount
    CountedDay.objects.update_or_create(day=day, defaults={"counted_at": now})
    return changed


def _batches() -> Iterator[tuple[int, int]]:
    """First and last ids of so many cameras each."""
    ids = list(Camera.objects.order_by("pk").values_list("pk", flat=True))
    for begin in range(0, len(ids), _CAMERAS_AT_ONCE):
        batch = ids[begin : begin + _CAMERAS_AT_ONCE]
        yield batch[0], batch[-1]
