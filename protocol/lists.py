"""Lists without per-item results (document 1.2 to 1.4): judged item by item, answered in one sentence."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import msgspec

from protocol.bodies import parse_list
from protocol.errors import MalformedError, NotFoundError, shorten

T = TypeVar("T")

MOST_NAMED: Final = 10


def parse_items(
    body: bytes, parse: Callable[[msgspec.Raw], T], *, what: str
) -> tuple[list[T], tuple[str, ...]]:
    """What can be read of the list, in the order sent, and the faults of the rest in words.

    MalformedError when the body is no such list at all (`parse_list`).
    """
    items: list[T] = []
    faults: list[str] = []
    for index, raw in enumerate(parse_list(body, what=what)):
        try:
            items.append(parse(raw))
        except MalformedError as error:
            faults.append(f"第 {index + 1} 项 {error.message}")
    return items, tuple(faults)


def summary(applied: int, faults: Sequence[str], unknown: Sequence[str]) -> str | None:
    """Words for what was not applied, None when all was; raises when nothing was.

    `unknown` are the camera numbers that there are no cameras for. NotFoundError when there is nothing
    but those, MalformedError when an item was faulty.
    """
    rest = [*faults, *(f"摄像机不存在：{shorten(number)}" for number in unknown)]
    if not rest:
        return None
    text = "；".join(rest[:MOST_NAMED])
    if len(rest) > MOST_NAMED:
        text += f"；等共 {len(rest)} 项"
    if applied:
        return f"已接收 {applied} 项，未接收 {len(rest)} 项：{text}"
    if faults:
        raise MalformedError(text)
    raise NotFoundError(text)
