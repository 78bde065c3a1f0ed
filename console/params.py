"""What a browser sends, read strictly: everything wrong becomes a `MalformedError` that names the place."""

import json
from datetime import date, datetime

from django.http import HttpRequest

from access.days import ZONE
from protocol.errors import MalformedError, shorten

_LARGEST_BODY = 10_000
_LARGEST_ID = 2**63 - 1
# Of the year 2100.
_LAST_SECOND = 4_102_444_800


def text_of(request: HttpRequest, name: str, *, longest: int) -> str:
    """Trimmed text of the query; control characters, which PostgreSQL cannot hold, become blanks."""
    text = request.GET.get(name, "")
    if len(text) > longest:
        raise MalformedError(f"{name} 超过 {longest} 个字符")
    return "".join(char if char.isprintable() else " " for char in text).strip()


def posted(request: HttpRequest, name: str, *, longest: int) -> str:
    """The same of a form that was posted."""
    text = request.POST.get(name, "")
    if len(text) > longest:
        raise MalformedError(f"{name} 超过 {longest} 个字符")
    return "".join(char if char.isprintable() else " " for char in text).strip()


def posted_id(request: HttpRequest, name: str) -> int | None:
    text = posted(request, name, longest=19)
    return _id(text, name) if text else None


def moment_in(text: str, name: str) -> datetime | None:
    """`2026-12-01T08:00` of a form, in the time of the province; nothing is None."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None or not 2000 <= moment.year <= 2100:
        raise MalformedError(f"{name}“{shorten(text)}”应形如 2026-12-01 08:00")
    return moment.replace(tzinfo=ZONE)


def ids_of(request: HttpRequest, name: str, *, most: int) -> list[int]:
    """`1,2,3` as ids, none when absent."""
    text = request.GET.get(name, "")
    parts = text.split(",", most) if text else []
    if len(parts) > most:
        raise MalformedError(f"{name} 最多 {most} 个")
    return [_id(part, name) for part in parts]


def slots_of(request: HttpRequest, name: str, *, most: int) -> list[tuple[int, int]]:
    """`12-1795738500,13-1795738500` as pairs of camera id and unix slot."""
    text = request.GET.get(name, "")
    parts = text.split(",", most) if text else []
    if len(parts) > most:
        raise MalformedError(f"{name} 最多 {most} 个")
    pairs = [part.partition("-") for part in parts]
    return [(_id(camera, name), whole(unix, name, low=0, high=_LAST_SECOND)) for camera, _, unix in pairs]


def id_of(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    return _id(text, name) if text else None


def number_of(request: HttpRequest, name: str, *, low: int, high: int, default: int) -> int:
    text = request.GET.get(name, "")
    return whole(text, name, low=low, high=high) if text else default


def seconds_of(request: HttpRequest, name: str) -> float | None:
    """Unix seconds of the query, with or without a fraction."""
    text = request.GET.get(name, "")
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e11:
        raise MalformedError(f"{name} 的值“{shorten(text)}”应为 unix 秒")
    return seconds


def day_in(text: str, name: str) -> date:
    """`2026-11-22`, from the query or the path."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    # At the ends of the calendar there is no day before or after.
    if day is None or not 2000 <= day.year <= 2100:
        raise MalformedError(f"{name} 的值“{shorten(text)}”应形如 2026-11-22")
    return day


def body_of(request: HttpRequest) -> dict[str, object]:
    """The JSON object a page posted; an empty body is an empty object."""
    if len(request.body) > _LARGEST_BODY:
        raise MalformedError("请求体过大")
    try:
        body = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        raise MalformedError("请求体不是 JSON") from None
    if not isinstance(body, dict):
        raise MalformedError("请求体应为 JSON 对象")
    return body


def whole(value: object, name: str, *, low: int, high: int) -> int:
    """A whole number in low..high, from JSON or from digits of the query."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 19:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise MalformedError(f"{name} 的值“{shorten(value)}”应为 {low} 到 {high} 的整数")
    return value


def _id(text: str, name: str) -> int:
    return whole(text, name, low=1, high=_LARGEST_ID)
