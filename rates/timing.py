"""When the online rate is counted."""

from datetime import datetime, timedelta
from typing import Final

# Minute of every hour.
COUNT_MINUTE: Final = 32


def next_count(now: datetime) -> datetime:
    at = now.replace(minute=COUNT_MINUTE, second=0, microsecond=0)
    return at if at > now else at + timedelta(hours=1)
