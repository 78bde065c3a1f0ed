"""The clock of snapshots: slots of a few minutes, kept in days of Chinese time (access.days)."""

from datetime import UTC, date, datetime, timedelta

from django.conf import settings

from access.days import day_start


def unix_slot(moment: datetime) -> int:
    """Unix second in which the slot of `moment` began: multiples of the period, so on the clock everywhere."""
    period: int = settings.SNAPSHOT_PERIOD_SECONDS
    return int(moment.timestamp()) // period * period


def slot_at(unix: int) -> datetime:
    """Raises ValueError or OverflowError outside of what a date can be."""
    return datetime.fromtimestamp(unix, UTC)


def unix_slots(day: date) -> range:
    """All slots that begin on `day`."""
    period = settings.SNAPSHOT_PERIOD_SECONDS
    first, end = (int(day_start(day + timedelta(days=shift)).timestamp()) for shift in (0, 1))
    return range(-(-first // period) * period, end, period)


def is_credible(unix: float, now: datetime) -> bool:
    """Whether something can have been kept at `unix`; what lies further ahead was written while the clock was wrong."""
    period: int = settings.SNAPSHOT_PERIOD_SECONDS
    return unix <= now.timestamp() + period


def oldest_kept_day(today: date) -> date:
    """The whole retention lies behind every picture that goes, the newest of its day included."""
    return today - timedelta(days=settings.SNAPSHOT_RETENTION_DAYS)
