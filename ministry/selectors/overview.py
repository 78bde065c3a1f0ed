"""How the reports to one upper platform are doing, for the people who look after it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from access.days import day_of, day_start
from cameras.models import Camera
from cameras.selectors import department_name
from ministry.choices import DifferenceKind, Interface
from ministry.models import (
    AnalysisDelivery,
    CameraDelivery,
    DeliveryCall,
    InterfaceState,
    LedgerCheck,
    LedgerDifference,
    UpperPlatform,
)
from ministry.selectors.analyses import owed_analyses
from ministry.selectors.owed import Backlog, current_hour, hourly_progress, parked_troubles
from protocol.codes import Code

# Appendix 2.
TOKEN_LIFE: Final = timedelta(hours=2)
# Calls of before are looked up in the admin; a rare kind must not cost a scan of all that is kept.
RECENT_DAYS: Final = 7
MOST_STRANGERS: Final = 500
_HOURLY: Final = (Interface.STATUS, Interface.QUALITY)


@dataclass(frozen=True, slots=True)
class InterfaceOverview:
    """How one interface answered lately and what waits there; `waiting` counts what is parked."""

    interface: Interface
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_error: str
    failures: int
    retry_at: datetime | None
    waiting: int
    hourly: int
    oldest: datetime | None
    parked: int


@dataclass(frozen=True, slots=True)
class ParkedItem:
    """One thing about one camera that was refused again and again."""

    camera: Camera
    interface: Interface
    reason: str
    since: datetime
    attempts: int
    retry_at: datetime | None
    parked_at: datetime
    department: str


@dataclass(frozen=True, slots=True)
class HourlyState:
    """Of what every clock hour is to hear: how much was told in this one."""

    interface: Interface
    done: int
    total: int


def interface_overview(
    platform: UpperPlatform, waiting: Mapping[Interface, Backlog]
) -> list[InterfaceOverview]:
    """The five interfaces of the document, also those where nothing ever happened."""
    states = {state.interface: state for state in InterfaceState.objects.filter(platform=platform)}
    return [
        InterfaceOverview(
            interface=interface,
            last_success_at=state.last_success_at,
            last_failure_at=state.last_failure_at,
            last_error=state.last_error,
            failures=state.failures,
            retry_at=state.retry_at,
            waiting=waits.waiting,
            hourly=waits.hourly,
            oldest=waits.oldest,
            parked=waits.parked,
        )
        for interface, waits in waiting.items()
        for state in [states.get(interface) or InterfaceState(interface=interface)]
    ]


def recent_calls(
    platform: UpperPlatform,
    *,
    interface: Interface | None = None,
    only_failures: bool = False,
    before: tuple[datetime, int] | None = None,
    limit: int = 50,
) -> list[DeliveryCall]:
    """The newest first, day by day until there are enough of them, and no further back than RECENT_DAYS.

    `before` is time and id of the last one of a page: those after it in this order, and as far back from there.
    """
    calls = DeliveryCall.objects.filter(platform=platform)
    newest = timezone.now()
    if before is not None:
        newest, last = before
        calls = calls.filter(Q(at__lt=newest) | Q(at=newest, id__lt=last))
    if interface is not None:
        calls = calls.filter(interface=interface)
    if only_failures:
        calls = calls.exclude(code=Code.OK)
    found: list[DeliveryCall] = []
    end = day_start(day_of(newest)) + timedelta(days=1)
    for _ in range(RECENT_DAYS):
        if len(found) >= limit:
            break
        begin = end - timedelta(days=1)
        of_day = calls.filter(at__gte=begin, at__lt=end).order_by("-at", "-id")
        found += of_day[: limit - len(found)]
        end = begin
    return found


def parked_items(platform: UpperPlatform, limit: int) -> list[ParkedItem]:
    """What is still owed and parked, the newest first; cameras with organisation and its parent."""
    items = [*_parked_states(platform, limit), *_parked_events(platform, limit)]
    return sorted(items, key=lambda item: item.parked_at, reverse=True)[:limit]


def next_hourly_report(states: Iterable[HourlyState], now: datetime) -> datetime:
    """When the next repetition of unchanged states is due: they are spread from the full hour on."""
    hour = current_hour(now)
    spread = int(settings.MINISTRY_HOURLY_SPREAD_SECONDS)
    due = [
        max(now, hour + timedelta(seconds=spread * state.done / state.total))
        for state in states
        if state.done < state.total
    ]
    return min(due, default=hour + timedelta(hours=1))


def hourly_state(platform: UpperPlatform) -> list[HourlyState]:
    """Status and quality."""
    progress = {interface: hourly_progress(platform, interface) for interface in _HOURLY}
    return [HourlyState(interface, done, total) for interface, (total, done) in progress.items()]


def newest_check(platform: UpperPlatform) -> LedgerCheck | None:
    return LedgerCheck.objects.filter(platform=platform).order_by("-began_at", "-pk").first()


def differences_of(check: LedgerCheck, kind: DifferenceKind | None = None) -> QuerySet[LedgerDifference]:
    """In the order of the kinds; cameras with organisation and its parent."""
    found = LedgerDifference.objects.filter(ledger_check=check)
    if kind is not None:
        found = found.filter(kind=kind)
    return found.select_related("camera__organisation__parent").order_by("kind", "pk")


def listed_strangers(check: LedgerCheck) -> QuerySet[LedgerDifference]:
    """As many as are shown by name, and may be deleted over there by one consent: first those that are still there."""
    found = LedgerDifference.objects.filter(ledger_check=check, kind=DifferenceKind.STRANGER)
    return found.select_related("camera__organisation__parent").order_by(
        F("repaired_at").asc(nulls_first=True), "pk"
    )[:MOST_STRANGERS]


def token_expires_at(platform: UpperPlatform) -> datetime | None:
    """By the document; None when the token was entered by hand, nobody knows how old."""
    return platform.token_at + TOKEN_LIFE if platform.token_at else None


def _parked_states(platform: UpperPlatform, limit: int) -> list[ParkedItem]:
    troubles = parked_troubles(platform, limit)
    rows = troubles.select_related("delivery__camera__organisation__parent")
    return [
        ParkedItem(
            camera=trouble.delivery.camera,
            interface=Interface(trouble.interface),
            reason=trouble.reason,
            since=trouble.since,
            attempts=trouble.attempts,
            retry_at=trouble.retry_at,
            parked_at=trouble.parked_at,
            department=trouble.delivery.department or department_name(trouble.delivery.camera),
        )
        for trouble in rows
        if trouble.parked_at is not None
    ]


def _parked_events(platform: UpperPlatform, limit: int) -> list[ParkedItem]:
    rows = owed_analyses(platform).exclude(parked_at=None).order_by("-parked_at")
    events = list(rows.select_related("camera__organisation__parent")[:limit])
    departments = _departments(platform, events)
    return [
        ParkedItem(
            camera=event.camera,
            interface=Interface.ANALYSE,
            reason=event.last_error,
            since=event.received_at,
            attempts=event.attempts,
            retry_at=event.retry_at,
            parked_at=event.parked_at,
            department=departments.get(event.camera_id) or department_name(event.camera),
        )
        for event in events
        if event.parked_at is not None
    ]


def _departments(platform: UpperPlatform, events: list[AnalysisDelivery]) -> dict[int, str]:
    if not events:
        return {}
    cameras = {event.camera_id for event in events}
    rows = CameraDelivery.objects.filter(platform=platform, camera__in=cameras)
    return dict(rows.values_list("camera_id", "department"))
