"""What the page 告警 shows: what needs a hand now, or what did; one of them beside with all that is known of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypedDict

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When
from django.utils import timezone

from access.choices import DeliveryState, Severity
from access.models import Alarm, AlarmDelivery, Organisation, User
from access.selectors import actions_allowed, may_handle
from access.words import duration
from console.alarm_links import Link, link_of
from console.cards import CameraRow, row_of
from console.places import Place, place_in, place_of
from console.words import moment
from incidents.models import Incident
from incidents.selectors import alarms_told_to, members_visible_to
from incidents.services.telling import own_part, worded_for
from protocol.errors import MalformedError, NotFoundError, shorten

PAGE_ROWS: Final = 50
# Of an incident beside the list; all of them have a page of their own.
_CAMERAS_BESIDE: Final = 30
_DELIVERIES_BESIDE: Final = 20
_STATES: Final = {Severity.CRITICAL: "alarm", Severity.WARNING: "fault", Severity.NOTICE: "quality"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """`place` is where the page before ended, as the page named it."""

    is_ended: bool
    severity: Severity | None
    organisation: Organisation | None
    words: tuple[str, ...]
    place: str


@dataclass(frozen=True, slots=True)
class Row:
    alarm: Alarm
    state: str
    began: str
    raised: str
    lasts: str
    ended: str
    acknowledged: str
    acknowledged_by: str


@dataclass(frozen=True, slots=True)
class AlarmsView:
    rows: list[Row]
    older: str


@dataclass(frozen=True, slots=True)
class Member:
    """One camera of an incident and since when; `left` is when it came back, or that another took it over."""

    camera: CameraRow
    office: str
    since: str
    lasts: str
    is_flapping: bool
    left: str


@dataclass(frozen=True, slots=True)
class Told:
    target: str
    event: str
    state: str
    words: str


@dataclass(frozen=True, slots=True)
class Look:
    """One alarm with its cameras, and to whom it was told.

    `away` are cameras of its incident, of one of others those that the user watches; `hidden` are not in the list.
    """

    row: Row
    link: Link | None
    may_handle: bool
    incident: Incident | None
    members: list[Member]
    away: int
    hidden: int
    told: list[Told]


class AlarmCounts(TypedDict):
    """Open ones; `fresh` are not acknowledged and more than a notice."""

    open: int
    fresh: int
    critical: int


def alarm_counts(user: User) -> AlarmCounts:
    fresh = Q(acknowledged_at=None, severity__gte=Severity.WARNING)
    counts = alarms_told_to(user).filter(closed_at=None).aggregate(
        open=Count("pk"), fresh=Count("pk", filter=fresh), critical=Count("pk", filter=Q(severity=Severity.CRITICAL))
    )
    return AlarmCounts(open=counts["open"], fresh=counts["fresh"], critical=counts["critical"])


def alarms_view(user: User, wanted: Wanted) -> AlarmsView:
    alarms = _wanted(user, wanted)
    ordered = _ended(alarms, wanted.place) if wanted.is_ended else _open(alarms, wanted.place)
    found = list(ordered.select_related("organisation", "acknowledged_by")[: PAGE_ROWS + 1])
    shown = worded_for(user, found[:PAGE_ROWS])
    now = timezone.now()
    return AlarmsView(
        rows=[_row(alarm, now) for alarm in shown],
        older=_place(shown[-1], wanted) if len(found) > PAGE_ROWS else "",
    )


def alarm_of(user: User, alarm_id: int) -> Alarm:
    """NotFoundError also where it is another's."""
    alarms = alarms_told_to(user).select_related("organisation", "acknowledged_by")
    alarm = alarms.filter(pk=alarm_id).first()
    if alarm is None:
        raise NotFoundError("告警不存在")
    return alarm


def look_at(user: User, alarm: Alarm) -> Look:
    now = timezone.now()
    incident = Incident.objects.filter(alarm=alarm).select_related("merged_into").first()
    # Of an incident that runs those that are away; of one that is over all it had.
    members = members_of(user, incident, now, most=_CAMERAS_BESIDE, is_away=alarm.closed_at is None) if incident else []
    part = own_part(user, incident) if incident else None
    away = part.away if part else incident.cameras if incident else 0
    worded_for(user, [alarm])
    may = may_handle(user, alarm)
    incident_id = incident.pk if incident else None
    return Look(
        row=_row(alarm, now),
        link=link_of(alarm.key, incident_id, actions_allowed(user), user.has_perm),
        may_handle=may,
        incident=incident,
        members=members,
        away=away,
        hidden=max(0, away - len(members)),
        # To whom is for those who see to it.
        told=_told(alarm) if may else [],
    )


def members_of(
    user: User, incident: Incident, now: datetime, *, most: int, is_away: bool = False, skip: int = 0
) -> list[Member]:
    members = members_visible_to(user, incident)
    if is_away:
        members = members.filter(left_at=None)
    return [
        Member(
            camera=row_of(member.camera),
            office=member.camera.organisation.name,
            since=moment(member.since),
            lasts=duration((member.left_at or now) - member.since),
            is_flapping=member.is_flapping,
            left="" if member.left_at is None else "并入另一事件" if member.is_moved else moment(member.left_at),
        )
        for member in members[skip : skip + most]
    ]


# The list -----------------------------------------------------------------------------------------


def _wanted(user: User, wanted: Wanted) -> QuerySet[Alarm]:
    alarms = alarms_told_to(user)
    if wanted.severity is not None:
        alarms = alarms.filter(severity=wanted.severity)
    if wanted.organisation is not None:
        alarms = alarms.filter(organisation__path__startswith=wanted.organisation.path)
    for word in wanted.words:
        alarms = alarms.filter(
            Q(title__icontains=word)
            | Q(message__icontains=word)
            | Q(note__icontains=word)
            | Q(organisation__name__icontains=word)
        )
    return alarms


def _open(alarms: QuerySet[Alarm], place: str) -> QuerySet[Alarm]:
    """What nobody has acknowledged first, then the gravest, then the newest."""
    rank = Case(When(acknowledged_at=None, then=Value(0)), default=Value(1), output_field=IntegerField())
    found = alarms.filter(closed_at=None).annotate(rank=rank)
    if place:
        seen, severity, (at, pk) = _open_place(place)
        older = Q(opened_at__lt=at) | Q(opened_at=at, pk__lt=pk)
        found = found.filter(
            Q(rank__gt=seen) | Q(rank=seen, severity__lt=severity) | (Q(rank=seen, severity=severity) & older)
        )
    return found.order_by("rank", "-severity", "-opened_at", "-pk")


def _ended(alarms: QuerySet[Alarm], place: str) -> QuerySet[Alarm]:
    found = alarms.exclude(closed_at=None)
    if place:
        at, pk = place_in(place)
        found = found.filter(Q(closed_at__lt=at) | Q(closed_at=at, pk__lt=pk))
    return found.order_by("-closed_at", "-pk")


def _place(alarm: Alarm, wanted: Wanted) -> str:
    if wanted.is_ended:
        return place_of(alarm.closed_at or alarm.opened_at, alarm.pk)
    return f"{int(alarm.acknowledged_at is not None)}-{alarm.severity}-{place_of(alarm.opened_at, alarm.pk)}"


def _open_place(text: str) -> tuple[int, int, Place]:
    seen, severity, rest = (text.split("-", 2) + ["", ""])[:3]
    if seen not in ("0", "1") or severity not in ("1", "2", "3"):
        raise MalformedError(f"before 的值“{shorten(text)}”无法识别")
    return int(seen), int(severity), place_in(rest)


def _row(alarm: Alarm, now: datetime) -> Row:
    user = alarm.acknowledged_by
    return Row(
        alarm=alarm,
        state=_STATES[Severity(alarm.severity)],
        began=moment(alarm.began_at),
        raised=moment(alarm.opened_at),
        lasts=duration((alarm.closed_at or now) - alarm.began_at),
        ended=moment(alarm.closed_at) if alarm.closed_at else "",
        acknowledged=moment(alarm.acknowledged_at) if alarm.acknowledged_at else "",
        acknowledged_by=user.display_name if user else "",
    )


def _told(alarm: Alarm) -> list[Told]:
    rows = AlarmDelivery.objects.filter(alarm=alarm).select_related("target").order_by("-pk")
    return [_told_row(row) for row in rows[:_DELIVERIES_BESIDE]]


def _told_row(row: AlarmDelivery) -> Told:
    event = str(row.get_event_display())
    if row.state == DeliveryState.SENT:
        return Told(row.target.name, event, "online", f"{moment(row.sent_at)} 送达")
    if row.state == DeliveryState.FAILED:
        return Told(row.target.name, event, "fault", f"已放弃，试了 {row.attempts} 次：{row.last_error}")
    tried = f"试了 {row.attempts} 次：{row.last_error}" if row.attempts else "待发"
    return Told(row.target.name, event, "fault" if row.attempts else "busy", tried)

