"""The delivery log: every request to an upper platform, kept for MINISTRY_LOG_DAYS in daily partitions."""

from datetime import date, datetime

from django.conf import settings

from access.days import DailyTable
from ministry.models import DeliveryCall

_CALLS = DailyTable(DeliveryCall._meta.db_table)


def ensure_partition(day: date) -> None:
    """Before the first call of a run; the days ahead are made hourly."""
    _CALLS.ensure(day)


def keep_days(*, now: datetime | None = None) -> tuple[list[date], list[date]]:
    """What was made, what was dropped."""
    return _CALLS.keep(settings.MINISTRY_LOG_DAYS, now=now)
