"""Where a page of a long list begins: after the row that the page before ended with."""

from datetime import UTC, datetime

from protocol.errors import MalformedError, shorten

Place = tuple[datetime, int]


def place_of(at: datetime, pk: int) -> str:
    return f"{at.timestamp():.6f}-{pk}"


def place_in(text: str) -> Place:
    """The last row of the page before, as `place_of` named it."""
    seconds, _, pk = text.partition("-")
    try:
        at, number = datetime.fromtimestamp(float(seconds), UTC), int(pk)
    except (ValueError, OverflowError, OSError):
        at, number = None, 0
    if at is None or not 0 < number < 2**63:
        raise MalformedError(f"before 的值“{shorten(text)}”无法识别")
    return at, number
