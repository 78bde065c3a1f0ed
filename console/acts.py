"""Who did what, out of two logs in the order of time: the behaviour log, and the orders of PTZ.

Both have millions of rows. Neither is ever read whole: each is asked for the next few rows before a place in time, by
an index, and what comes is merged.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from heapq import merge
from typing import Any, Final

from django.apps import apps
from django.db.models import Q, QuerySet

from access.choices import ActorKind, Outcome
from access.days import day_start
from access.log_words import detail_words
from access.models import BehaviourLog, Partner, User
from cameras.models import Camera
from cameras.visibility import logs_visible_to
from console.places import place_in, place_of
from protocol.errors import MalformedError, shorten
from ptz.choices import PTZ_VERB, PtzAction, PtzLevel, PtzOutcome
from ptz.models import PtzOrder
from ptz.selectors import orders_visible_to

# Cameras that a stake, a number or a part of a name stands for.
_MOST_CAMERAS: Final = 500
# Rows that an export asks for at once.
_PIECE: Final = 2000
# What went well is not marked.
_STATES: Final = {Outcome.DONE: "", Outcome.REFUSED: "offline", Outcome.FAILED: "fault"}
_ORDER_OUTCOMES: Final = {
    PtzOutcome.DONE: Outcome.DONE,
    PtzOutcome.HELD: Outcome.REFUSED,
    PtzOutcome.NOT_OPENED: Outcome.REFUSED,
    PtzOutcome.NOT_CONTROLLABLE: Outcome.REFUSED,
    PtzOutcome.REFUSED: Outcome.FAILED,
    PtzOutcome.TIMED_OUT: Outcome.FAILED,
}
# What rows that cannot be changed any more say, and what it is called now.
_NOW_CALLED: Final = {"TokenInfo": "换取令牌"}

Row = BehaviourLog | PtzOrder


@dataclass(frozen=True, slots=True)
class AuditWanted:
    """Rows of `first` to `last`, both days included; empty texts and None ask for nothing."""

    first: date
    last: date
    who: str = ""
    verb: str = ""
    thing: str = ""
    address: str | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """One row of either; `number` names it within the platform."""

    number: str
    at: datetime
    actor_kind: str
    actor: str
    is_staff: bool
    address: str
    verb: str
    kind: str
    thing_id: str
    thing: str
    outcome: str
    state: str
    reason: str
    detail: list[tuple[str, str]]


def acts_page(user: User, wanted: AuditWanted, place: str, most: int) -> tuple[list[Act], str]:
    """The newest after `place`, where the page before ended, and where this one does; empty on the last."""
    found = [list(_after(rows, number, place)[: most + 1]) for number, rows in enumerate(_sources(user, wanted))]
    rows = list(merge(*found, key=_time, reverse=True))
    shown = rows[:most]
    kinds = thing_kinds()
    return [act_of(row, kinds) for row in shown], _place(shown[-1]) if len(rows) > most else ""


def all_acts(user: User, wanted: AuditWanted) -> Iterator[Act]:
    """Every one, the newest first; some thousands lie in memory together."""
    kinds = thing_kinds()
    pieces = [_piece_by_piece(rows, number) for number, rows in enumerate(_sources(user, wanted))]
    for row in merge(*pieces, key=_time, reverse=True):
        yield act_of(row, kinds)


def _piece_by_piece(rows: QuerySet[Any], number: int) -> Iterator[Row]:
    place = ""
    while found := list(_after(rows, number, place)[:_PIECE]):
        yield from found
        place = _place(found[-1])


def _sources(user: User, wanted: AuditWanted) -> tuple[QuerySet[BehaviourLog], QuerySet[PtzOrder]]:
    """At one moment rows of the first come before those of the second."""
    common = _common(wanted)
    return _logs(user, wanted, common), _orders(user, wanted, common)


def _time(row: Row) -> datetime:
    return row.at


def _place(row: Row) -> str:
    return f"{int(isinstance(row, PtzOrder))}-{place_of(row.at, row.pk)}"


def _after(rows: QuerySet[Any], number: int, place: str) -> QuerySet[Any]:
    """Those of source `number` that come after the row that ended the page before."""
    if not place:
        return rows
    source, _, rest = place.partition("-")
    if source not in ("0", "1"):
        raise MalformedError(f"before 的值“{shorten(place)}”无法识别")
    at, pk = place_in(rest)
    if int(source) == number:
        # The first condition is what the index is entered by.
        return rows.filter(Q(at__lte=at) & (Q(at__lt=at) | Q(pk__lt=pk)))
    return rows.filter(at__lte=at) if number > int(source) else rows.filter(at__lt=at)


# Which rows ---------------------------------------------------------------------------------------


def _logs(user: User, wanted: AuditWanted, common: Q) -> QuerySet[BehaviourLog]:
    logs = logs_visible_to(user).filter(common).order_by("-at", "-id")
    if wanted.verb:
        logs = logs.filter(verb__in=[wanted.verb, *(old for old, now in _NOW_CALLED.items() if now == wanted.verb)])
    if wanted.thing:
        logs = logs.filter(_on(wanted.thing))
    if wanted.outcome:
        logs = logs.filter(outcome=wanted.outcome)
    return logs


def _orders(user: User, wanted: AuditWanted, common: Q) -> QuerySet[PtzOrder]:
    if wanted.verb not in ("", PTZ_VERB):
        return PtzOrder.objects.none()
    orders = orders_visible_to(user).filter(common).select_related("camera").order_by("-at", "-id")
    if wanted.thing:
        orders = orders.filter(camera__in=_cameras(wanted.thing, by_name=True))
    if wanted.outcome:
        meant = [own for own, outcome in _ORDER_OUTCOMES.items() if outcome == wanted.outcome]
        orders = orders.filter(outcome__in=meant)
        if wanted.outcome != Outcome.DONE:
            # In the words of the index of those.
            orders = orders.exclude(outcome=PtzOutcome.DONE)
    return orders


def _common(wanted: AuditWanted) -> Q:
    """What both logs say in the same columns."""
    condition = Q(at__gte=day_start(wanted.first), at__lt=day_start(wanted.last + timedelta(days=1)))
    if wanted.who:
        condition &= _by(wanted.who)
    if wanted.address:
        condition &= Q(address=wanted.address)
    return condition


def _by(who: str) -> Q:
    """People by name or user name, partners by name or user; names that were only tried stand in the log alone."""
    people = User.objects.filter(Q(username__icontains=who) | Q(full_name__icontains=who))
    partners = Partner.objects.filter(Q(name__icontains=who) | Q(user__icontains=who))
    return (
        Q(actor_kind=ActorKind.STAFF, actor_id__in=list(people.values_list("pk", flat=True)))
        | Q(actor_kind=ActorKind.PARTNER, actor_id__in=list(partners.values_list("pk", flat=True)))
        | Q(actor_id=None, actor_name=who)
    )


def _on(thing: str) -> Q:
    """By a part of its name, its number, or the stake of a camera."""
    cameras = [str(pk) for pk in _cameras(thing)]
    return (
        Q(object_name__icontains=thing)
        | Q(object_id=thing)
        | Q(object_kind="camera", object_id__in=cameras)
    )


def _cameras(thing: str, *, by_name: bool = False) -> list[int]:
    meant = Q(stake__iexact=thing) | Q(number_key=thing.lower())
    if by_name:
        meant |= Q(name__icontains=thing)
    return list(Camera.objects.filter(meant).order_by().values_list("pk", flat=True)[:_MOST_CAMERAS])


# What they say ------------------------------------------------------------------------------------


def act_of(row: Row, kinds: Mapping[str, str]) -> Act:
    return _ordered(row, kinds) if isinstance(row, PtzOrder) else _logged(row, kinds)


def _logged(log: BehaviourLog, kinds: Mapping[str, str]) -> Act:
    return Act(
        number=str(log.pk),
        at=log.at,
        actor_kind=str(log.get_actor_kind_display()),
        actor=log.actor_name,
        is_staff=log.actor_kind == ActorKind.STAFF,
        address=log.address or "",
        verb=verb_now(log.verb),
        kind=kinds.get(log.object_kind, ""),
        thing_id=log.object_id,
        thing=log.object_name,
        outcome=str(log.get_outcome_display()),
        state=_STATES[Outcome(log.outcome)],
        reason=log.reason,
        detail=detail_words(log.detail),
    )


def _ordered(order: PtzOrder, kinds: Mapping[str, str]) -> Act:
    outcome = _ORDER_OUTCOMES[PtzOutcome(order.outcome)]
    return Act(
        number=f"云台 {order.pk}",
        at=order.at,
        actor_kind=str(order.get_actor_kind_display()),
        actor=order.actor_name,
        is_staff=order.actor_kind == ActorKind.STAFF,
        address=order.address or "",
        verb=PTZ_VERB,
        kind=kinds["camera"],
        thing_id=str(order.camera_id),
        thing=order.camera.name,
        outcome=str(outcome.label),
        state=_STATES[outcome],
        reason=order.message,
        detail=[
            ("动作", str(PtzAction(order.action).label)),
            ("步长", str(order.step)),
            ("级别", str(PtzLevel(order.level).label)),
            ("答复", str(PtzOutcome(order.outcome).label)),
            ("用时", f"{order.duration_ms} 毫秒"),
        ],
    )


def verb_now(verb: str) -> str:
    return _NOW_CALLED.get(verb, verb)


def thing_kinds() -> dict[str, str]:
    """What the models are called in Chinese, by their name."""
    return {str(model._meta.model_name): str(model._meta.verbose_name) for model in apps.get_models()}
