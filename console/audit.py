"""What the page 操作审计 shows: who did what, on what, when and from where, and whether the log is whole."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.apps import apps
from django.db import connection
from django.db.models import CharField, Q, QuerySet
from django.db.models.functions import Cast
from django.utils import timezone

from access.choices import Action, ActorKind, Outcome
from access.csv_rows import Cell
from access.days import ZONE, day_start
from access.models import BehaviourLog, LogAnchor, LogBlock, Organisation, Partner, StaffRole, User
from access.selectors import below_paths, is_province_wide, paths_allowed
from access.services.log_chain import oldest_unsealed
from cameras.models import Camera, Gateway

PAGE_ROWS: Final = 50
# Cameras that a stake or number stands for.
_MOST_CAMERAS: Final = 500
# Anchors are written every hour, rows are sealed within seconds.
_ANCHOR_LATE: Final = timedelta(hours=2)
_SEAL_LATE: Final = timedelta(minutes=5)
# What went well is not marked.
_STATES: Final = {Outcome.DONE: "", Outcome.REFUSED: "offline", Outcome.FAILED: "fault"}


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
class AuditRow:
    log: BehaviourLog
    state: str
    kind: str
    detail: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class AuditPage:
    """`older` is the id before which the next page begins; None on the last one."""

    rows: list[AuditRow]
    older: int | None


@dataclass(frozen=True, slots=True)
class ChainState:
    """Whether what is written is sealed, and the seal told outside, in time."""

    head: LogBlock | None
    unsealed_since: datetime | None
    anchor: LogAnchor | None
    is_seal_late: bool
    is_anchor_late: bool


# Who sees what -------------------------------------------------------------------------------------


def logs_visible_to(user: User) -> QuerySet[BehaviourLog]:
    """The whole log, or what the people and partners of one's organisations did and what was done to their things."""
    paths = paths_allowed(user, Action.AUDIT)
    logs = BehaviourLog.objects.order_by("-id")
    if is_province_wide(paths):
        return logs
    below = below_paths(paths, "organisation__path")
    people = StaffRole.objects.filter(below).values("user_id")
    partners = Partner.objects.filter(below)
    things: dict[str, QuerySet[Any]] = {
        "camera": Camera.objects.filter(below).order_by(),
        "gateway": Gateway.objects.filter(below_paths(paths, "partner__organisation__path")).order_by(),
        "partner": partners.order_by(),
        "user": User.objects.filter(pk__in=people).order_by(),
        "organisation": Organisation.objects.filter(below_paths(paths)).order_by(),
    }
    concerned = Q(actor_kind=ActorKind.STAFF, actor_id__in=people)
    concerned |= Q(actor_kind=ActorKind.PARTNER, actor_id__in=partners.order_by().values("pk"))
    for kind, rows in things.items():
        ids = rows.annotate(pk_text=Cast("pk", CharField())).values("pk_text")
        concerned |= Q(object_kind=kind, object_id__in=ids)
    return logs.filter(concerned)


def logs_wanted(user: User, wanted: AuditWanted) -> QuerySet[BehaviourLog]:
    logs = logs_visible_to(user).filter(
        at__gte=day_start(wanted.first), at__lt=day_start(wanted.last + timedelta(days=1))
    )
    if wanted.who:
        logs = logs.filter(_by(wanted.who))
    if wanted.verb:
        logs = logs.filter(verb=wanted.verb)
    if wanted.thing:
        logs = logs.filter(_on(wanted.thing))
    if wanted.address:
        logs = logs.filter(address=wanted.address)
    if wanted.outcome:
        logs = logs.filter(outcome=wanted.outcome)
    return logs


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
    found = Camera.objects.filter(Q(stake__iexact=thing) | Q(number_key=thing.lower()))
    cameras = [str(pk) for pk in found.order_by().values_list("pk", flat=True)[:_MOST_CAMERAS]]
    return (
        Q(object_name__icontains=thing)
        | Q(object_id=thing)
        | Q(object_kind="camera", object_id__in=cameras)
    )


def verbs_logged() -> list[str]:
    """All verbs there are, from step to step in their index: the table has millions of rows and some dozens of them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE step AS ("
            " (SELECT verb FROM access_behaviourlog ORDER BY verb LIMIT 1)"
            " UNION ALL SELECT (SELECT l.verb FROM access_behaviourlog l WHERE l.verb > s.verb"
            " ORDER BY l.verb LIMIT 1) FROM step s WHERE s.verb IS NOT NULL"
            ") SELECT verb FROM step WHERE verb IS NOT NULL"
        )
        return [verb for (verb,) in cursor.fetchall()]


# What is shown -------------------------------------------------------------------------------------


def audit_page(user: User, wanted: AuditWanted, before: int | None) -> AuditPage:
    logs = logs_wanted(user, wanted)
    if before is not None:
        logs = logs.filter(id__lt=before)
    found = list(logs[: PAGE_ROWS + 1])
    shown, kinds = found[:PAGE_ROWS], _kinds()
    rows = [
        AuditRow(log, _STATES[Outcome(log.outcome)], kinds.get(log.object_kind, ""), _details(log))
        for log in shown
    ]
    return AuditPage(rows, shown[-1].pk if len(found) > PAGE_ROWS else None)


def audit_table(user: User, wanted: AuditWanted) -> Iterator[list[Cell]]:
    """Every row, newest first; a million never lie in memory together."""
    yield ["编号", "时间", "操作者类别", "操作者", "来源地址", "操作", "对象类别", "对象编号", "对象", "结果", "说明", "明细"]
    kinds = _kinds()
    for log in logs_wanted(user, wanted).iterator(chunk_size=2000):
        yield [
            *(log.pk, f"{log.at.astimezone(ZONE):%Y-%m-%d %H:%M:%S}", log.get_actor_kind_display()),
            *(log.actor_name, log.address or "", log.verb),
            *(kinds.get(log.object_kind, log.object_kind), log.object_id, log.object_name),
            *(log.get_outcome_display(), log.reason),
            "；".join(f"{name}：{value}" for name, value in _details(log)),
        ]


def chain_state() -> ChainState:
    now = timezone.now()
    head = LogBlock.objects.defer("entries").order_by("-number").first()
    unsealed_since = oldest_unsealed()
    anchor = LogAnchor.objects.order_by("-id").first()
    return ChainState(
        head=head,
        unsealed_since=unsealed_since,
        anchor=anchor,
        is_seal_late=unsealed_since is not None and now - unsealed_since > _SEAL_LATE,
        is_anchor_late=anchor is None or now - anchor.at > _ANCHOR_LATE or not anchor.places,
    )


def _kinds() -> dict[str, str]:
    """What the models are called in Chinese, by their name."""
    return {str(model._meta.model_name): str(model._meta.verbose_name) for model in apps.get_models()}


def _details(log: BehaviourLog) -> list[tuple[str, str]]:
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in log.detail.items()
    ]
