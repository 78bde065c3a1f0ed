"""Times and how long they last, as people say it; the same words as static/console/js/words.js."""

from datetime import datetime, timedelta

from access.days import ZONE


def duration(span: timedelta) -> str:
    """`42 秒`, `3 分钟`, `2 小时 5 分`, `1 天 4 小时`."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} 秒"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 60:
        return f"{minutes} 分钟"
    if hours < 24:
        return f"{hours} 小时 {minutes % 60} 分" if minutes % 60 else f"{hours} 小时"
    return f"{days} 天 {hours % 24} 小时" if hours % 24 else f"{days} 天"


def span_in_words(valid_from: datetime | None, valid_until: datetime | None) -> str:
    """`至 2026-12-01 08:00`; nothing for a right without end."""
    begin = f"自 {_moment(valid_from)}" if valid_from else ""
    end = f"至 {_moment(valid_until)}" if valid_until else ""
    return " ".join(filter(None, [begin, end]))


def _moment(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%Y-%m-%d %H:%M}"
