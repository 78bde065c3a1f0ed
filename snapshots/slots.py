"""The clock of snapshots: slots of a few minutes, kept in days of Chinese time.

A day runs from midnight to midnight in Shanghai, not in UTC: the day an operator asks for, a day's download and
a day's deletion are then one partition and one folder. China has no summer time, so every day has 24 hours.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

ZONE = ZoneInfo("Asia/Shanghai")


def unix_slot(moment: datetime) -> int:
    """Unix second in which the slot of `moment` began: multiples of the period, so on the clock everywhere."""
    period: int = settings.SNAPSHOT_PERIOD_SECONDS
    return int(moment.timestamp()) // period * period


def slot_at(unix: int) -> datetime:
    """Raises ValueError or OverflowError outside of what a date can be."""
    return datetime.fromtimestamp(unix, UTC)


def day_of(moment: datetime) -> date:
    return moment.astimezone(ZONE).date()


def day_start(day: date) -> datetime:
    return datetime.combine(day, time(), ZONE)


def unix_slots(day: date) -> range:
    """All slots that begin on `day`."""
    period = settings.SNAPSHOT_PERIOD_SECONDS
    first, end = (int(day_start(day + timedelta(days=shift)).timestamp()) for shift in (0, 1))
    return range(-(-first // period) * period, end, period)


def days_between(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def oldest_kept_day(today: date) -> date:
    """The whole retention lies behind every picture that goes, the newest of its day included."""
    return today - timedelta(days=settings.SNAPSHOT_RETENTION_DAYS)
