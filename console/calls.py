"""The delivery log as the page 部级对接 shows it: page by page, by interface, or failures only."""

from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest

from console.params import number_of, text_of
from console.places import Place, place_in, place_of
from ministry.choices import Interface
from ministry.models import DeliveryCall, UpperPlatform
from ministry.selectors.overview import recent_calls
from protocol.codes import Code

PAGE_ROWS: Final = 50


@dataclass(frozen=True, slots=True)
class CallsWanted:
    interface: Interface | None
    only_failures: bool
    before: Place | None


@dataclass(frozen=True, slots=True)
class CallRow:
    call: DeliveryCall
    state: str
    answer: str


@dataclass(frozen=True, slots=True)
class CallPage:
    """`here` and `older` are places: of this page, kept while it updates itself, and of the next one."""

    rows: list[CallRow]
    here: str
    older: str


def calls_wanted(request: HttpRequest) -> CallsWanted:
    number = number_of(request, "interface", low=0, high=max(Interface), default=0)
    before = text_of(request, "before", longest=60)
    return CallsWanted(
        interface=Interface(number) if number else None,
        only_failures=bool(text_of(request, "failures", longest=5)),
        before=place_in(before) if before else None,
    )


def call_page(platform: UpperPlatform, wanted: CallsWanted) -> CallPage:
    found = recent_calls(
        platform,
        interface=wanted.interface,
        only_failures=wanted.only_failures,
        before=wanted.before,
        limit=PAGE_ROWS + 1,
    )
    shown = found[:PAGE_ROWS]
    return CallPage(
        rows=[_row(call) for call in shown],
        here=place_of(*wanted.before) if wanted.before else "",
        older=place_of(shown[-1].at, shown[-1].pk) if len(found) > PAGE_ROWS else "",
    )


def _row(call: DeliveryCall) -> CallRow:
    if call.code == Code.OK:
        return CallRow(call, "online", "200 成功")
    if call.code is None:
        return CallRow(call, "offline", "没有答复")
    return CallRow(call, "fault", str(call.code))
