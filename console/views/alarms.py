"""告警: what needs a hand, acknowledged by whom; incidents with their cameras."""

from collections.abc import Iterator
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from access.actors import actor_of_user
from access.choices import Action, Severity
from access.csv_rows import Cell, csv_response
from access.models import Organisation, User
from access.selectors import may_handle, organisations_visible_to
from access.services.alarms import acknowledge_alarm, note_alarm
from access.services.logs import record
from access.words import duration
from console.alarms import Look, Wanted, alarm_counts, alarm_of, alarms_view, look_at, members_of
from console.answers import answer
from console.frame import frame_of
from console.params import id_of, number_of, text_of
from console.permissions import Kind, for_screens, requires
from console.quality import organisations_in
from console.words import moment
from incidents.models import Incident
from incidents.selectors import incidents_visible_to, members_visible_to
from incidents.services.telling import own_part
from protocol.errors import ForbiddenError, MalformedError, NotFoundError, shorten

PAGE_CAMERAS = 200
_MOST_PAGES = 1000
_ENDED = "ended"
_LONGEST_NOTE = 400


@require_GET
@requires(Action.WATCH, kind=Kind.PAGE)
def alarms(request: HttpRequest, user: User) -> HttpResponse:
    organisations = list(organisations_visible_to(user))
    chosen = id_of(request, "alarm")
    context = {
        **frame_of(user, "alarms"),
        **_content(request, user, organisations),
        "organisations": organisations_in(organisations),
        "severities": sorted(Severity.choices, reverse=True),
        "look": look_at(user, alarm_of(user, chosen)) if chosen else None,
    }
    return render(request, "console/alarms.html", context)


@require_GET
@requires(Action.WATCH, kind=Kind.PART, is_poll=True)
def standing(request: HttpRequest, user: User) -> HttpResponse:
    """The list; fetched every few seconds and after each word of a person."""
    content = _content(request, user, list(organisations_visible_to(user)))
    return render(request, "console/_alarms_standing.html", content)


@require_GET
@requires(Action.WATCH, kind=Kind.PART)
def look(request: HttpRequest, user: User, alarm_id: int) -> HttpResponse:
    """One of them beside the list."""
    return _shown(request, look_at(user, alarm_of(user, alarm_id)))


@require_POST
@requires(Action.ALARM, kind=Kind.PART)
def acknowledge(request: HttpRequest, user: User, alarm_id: int) -> HttpResponse:
    """The first who acknowledges is named; a note may be changed later."""
    alarm = alarm_of(user, alarm_id)
    if not may_handle(user, alarm):
        raise ForbiddenError("这条告警由上级单位处理，您只能查看")
    note = _note_in(request)
    actor = actor_of_user(request)
    if not acknowledge_alarm(alarm=alarm, user=user, actor=actor, note=note):
        note_alarm(alarm=alarm_of(user, alarm_id), note=note, actor=actor)
    response = _shown(request, look_at(user, alarm_of(user, alarm_id)))
    response["HX-Trigger"] = "alarms-changed"
    return response


@require_GET
@requires(Action.WATCH, kind=Kind.JSON, is_poll=True)
@for_screens("GET")
def counts(request: HttpRequest, user: User) -> JsonResponse:
    """For the top bar of every page."""
    return answer(alarm_counts(user))


@require_GET
@requires(Action.WATCH, kind=Kind.PAGE)
def incident(request: HttpRequest, user: User, incident_id: int) -> HttpResponse:
    found = _incident(user, incident_id)
    page = number_of(request, "page", low=1, high=_MOST_PAGES, default=1)
    now = timezone.now()
    members = members_of(user, found, now, most=PAGE_CAMERAS + 1, skip=(page - 1) * PAGE_CAMERAS)
    context = {
        **frame_of(user, "alarms"),
        "incident": found,
        "part": own_part(user, found),
        "began": moment(found.began_at),
        "ended": moment(found.ended_at) if found.ended_at else "",
        "lasts": duration((found.ended_at or now) - found.began_at),
        "members": members[:PAGE_CAMERAS],
        "page_number": page,
        "earlier": page - 1,
        "later": page + 1 if len(members) > PAGE_CAMERAS else 0,
    }
    return render(request, "console/incident.html", context)


@require_GET
@requires(Action.WATCH, kind=Kind.PAGE)
def incident_table(request: HttpRequest, user: User, incident_id: int) -> HttpResponseBase:
    """All of its cameras, as far as the user watches them."""
    found = _incident(user, incident_id)
    record(
        actor_of_user(request), "导出离线事件", object_kind="incident", object_id=found.pk, object_name=str(found)
    )
    return csv_response(f"离线事件_{found.pk}.csv", _table(user, found))


def _table(user: User, found: Incident) -> Iterator[list[Cell]]:
    yield ["摄像机编号", "名称", "单位", "路线", "桩号", "离线自", "恢复", "频繁掉线", "并入另一事件"]
    for member in members_visible_to(user, found).iterator(chunk_size=2000):
        camera, left = member.camera, member.left_at
        yield [
            *(camera.number, camera.name, camera.organisation.name, camera.road, camera.stake),
            timezone.localtime(member.since).strftime("%F %T"),
            timezone.localtime(left).strftime("%F %T") if left and not member.is_moved else "",
            "是" if member.is_flapping else "",
            "是" if member.is_moved else "",
        ]


def _incident(user: User, incident_id: int) -> Incident:
    found = incidents_visible_to(user).select_related("organisation", "merged_into").filter(pk=incident_id).first()
    if found is None:
        raise NotFoundError("事件不存在")
    return found


def _shown(request: HttpRequest, shown: Look) -> HttpResponse:
    return render(request, "console/_alarm_look.html", {"look": shown})


def _note_in(request: HttpRequest) -> str:
    note = request.POST.get("note", "")
    if len(note) > _LONGEST_NOTE:
        raise MalformedError(f"备注超过 {_LONGEST_NOTE} 个字符")
    return "".join(char if char.isprintable() else " " for char in note).strip()


def _content(request: HttpRequest, user: User, organisations: list[Organisation]) -> dict[str, object]:
    wanted, form = _wanted(request, organisations)
    kept = {name: value for name, value in form.items() if value}
    view = alarms_view(user, wanted)
    return {
        "view": view,
        "wanted": wanted,
        "form": form,
        "here": urlencode({**kept, "before": wanted.place} if wanted.place else kept),
        "first": urlencode(kept),
        "older": urlencode({**kept, "before": view.older}) if view.older else "",
        "to_open": urlencode({name: value for name, value in kept.items() if name != "state"}),
        "to_ended": urlencode({**kept, "state": _ENDED}),
    }


def _wanted(request: HttpRequest, organisations: list[Organisation]) -> tuple[Wanted, dict[str, str]]:
    """What is looked for, and the same as the form shows it."""
    state = text_of(request, "state", longest=10)
    if state not in ("", _ENDED):
        raise MalformedError(f"state 的值“{shorten(state)}”应为 {_ENDED} 或空")
    severity = number_of(request, "severity", low=1, high=max(Severity), default=0)
    organisation_id = id_of(request, "organisation")
    organisation = next((node for node in organisations if node.pk == organisation_id), None)
    if organisation_id is not None and organisation is None:
        raise NotFoundError("单位不存在")
    words = text_of(request, "q", longest=100)
    form = {
        "state": state,
        "severity": str(severity or ""),
        "organisation": str(organisation.pk) if organisation else "",
        "q": words,
    }
    return Wanted(
        is_ended=state == _ENDED,
        severity=Severity(severity) if severity else None,
        organisation=organisation,
        words=tuple(words.split()),
        place=text_of(request, "before", longest=80),
    ), form
