"""How long a right counts, as people say it."""

from datetime import datetime

from access.days import ZONE


def span_in_words(valid_from: datetime | None, valid_until: datetime | None) -> str:
    """`至 2026-12-01 08:00`; nothing for a right without end."""
    begin = f"自 {_moment(valid_from)}" if valid_from else ""
    end = f"至 {_moment(valid_until)}" if valid_until else ""
    return " ".join(filter(None, [begin, end]))


def _moment(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%Y-%m-%d %H:%M}"
