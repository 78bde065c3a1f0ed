"""Times and numbers as a control room says them; the same words as static/console/js/words.js."""

from datetime import datetime

from django.utils import timezone

from access.days import ZONE
from rates.selectors import in_percent


def moment(at: datetime | None) -> str:
    """`13:25:06`, or `11-20 13:25` when it was not today; a dash for never."""
    if at is None:
        return "—"
    there = at.astimezone(ZONE)
    is_today = there.date() == timezone.now().astimezone(ZONE).date()
    return f"{there:%H:%M:%S}" if is_today else f"{there:%m-%d %H:%M}"


def shown(count: int) -> str:
    """`1,234`; nothing is a dash, so that what is there stands out."""
    return f"{count:,}" if count else "—"


def percent(share: float | None) -> str:
    """`99.98%`; a dash for a share of nothing."""
    value = in_percent(share)
    return "—" if value is None else f"{value:.2f}%"


def distance(metres: int) -> str:
    """`0 m`, `−250 m`, `+12.4 km`: along the road, positive where stakes are higher."""
    if not metres:
        return "0 m"
    far = abs(metres)
    return f"{'+' if metres > 0 else '−'}{far} m" if far < 1000 else f"{'+' if metres > 0 else '−'}{far / 1000:.1f} km"
