"""用户与权限: camera groups, who can see a camera, and partners."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from access.actors import actor_of_user
from access.choices import CAMERA_ACTIONS, Action
from access.csv_rows import Cell, csv_response
from access.days import ZONE
from access.models import User
from access.selectors import actions_allowed, partners_overseen_by
from access.services.logs import record
from cameras.models import Camera, CameraGroup
from cameras.rights_changes import rights_changes
from cameras.services.rights import (
    add_members,
    create_group,
    drop_members,
    remove_group,
    set_ptz_open,
)
from cameras.visibility import exceptions_overseen_by
from cameras.watchers import Watcher, watchers_of
from console.params import id_of, moment_in, posted, posted_id, text_of, whole
from console.permissions import Kind, requires
from console.rights_cameras import (
    MOST_SHOWN,
    cameras_numbered,
    candidates,
    changes_of_group,
    exception_rows,
    group_of,
    groups_of,
    members_of,
    one_camera,
    opened_cameras,
    partner_of,
    partner_rows,
    places_of,
)
from console.rights_choices import LONGEST_TEXT, MOST_CHOICES, cameras_meant
from console.views.rights import tabs_of
from protocol.errors import MalformedError

_LARGEST_ID = 2**63 - 1
_LONGEST_LIST = 2_000_000
# As long as the behaviour log is kept at least.
_CHANGES = timedelta(days=180)


def done(request: HttpRequest, work: Callable[[], str], back: str, *args: object) -> HttpResponse:
    """Does it and goes back to the page, which says what came of it; refusals are answered as such."""
    try:
        messages.success(request, work())
    except MalformedError as error:
        messages.error(request, error.message)
    return redirect(f"console:{back}", *args)


# Groups ------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@requires(Action.OVERSEE, kind=Kind.PAGE)
def groups(request: HttpRequest, user: User) -> HttpResponse:
    """All groups; posted, a new one."""
    if request.method == "POST":
        return _new_group(request, user)
    context = {
        **tabs_of(user, "groups"),
        "groups": groups_of(user),
        "places": places_of(user, Action.GRANT),
    }
    return render(request, "console/rights_groups.html", context)


def _new_group(request: HttpRequest, user: User) -> HttpResponse:
    try:
        place = places_of(user, Action.GRANT).filter(pk=posted_id(request, "organisation") or 0).first()
        if place is None:
            raise MalformedError("请选择所属单位")
        name = posted(request, "name", longest=200)
        made = create_group(by=user, name=name, organisation=place, actor=actor_of_user(request))
    except MalformedError as error:
        messages.error(request, error.message)
        return redirect("console:rights_groups")
    messages.success(request, f"已建立“{made.name}”，现在可以加入摄像机")
    return redirect("console:rights_group", made.pk)


@require_GET
@requires(Action.OVERSEE, kind=Kind.PAGE)
def group(request: HttpRequest, user: User, group_id: int) -> HttpResponse:
    found = group_of(user, group_id)
    words = text_of(request, "q", longest=100)
    matching = candidates(user, found, words)
    members = members_of(found)
    context = {
        **tabs_of(user, "groups"),
        "group": found,
        "words": words,
        "found": list(matching[:MOST_SHOWN]),
        "found_count": matching.count() if words else 0,
        "members": list(members[:MOST_SHOWN]),
        "member_count": members.count(),
        "most": MOST_SHOWN,
        "exceptions": exception_rows(exceptions_overseen_by(user).filter(group=found)),
        "changes": changes_of_group(found),
    }
    return render(request, "console/rights_group.html", context)


@require_POST
@requires(Action.OVERSEE, kind=Kind.PAGE)
def members(request: HttpRequest, user: User, group_id: int) -> HttpResponse:
    """Adds what was ticked, all that was found, or a pasted list; or takes out what was ticked."""
    found = group_of(user, group_id)
    actor = actor_of_user(request)

    def work() -> str:
        ticked = [whole(text, "camera", low=1, high=_LARGEST_ID) for text in request.POST.getlist("camera")]
        how = posted(request, "how", longest=10)
        if how == "drop":
            return f"{drop_members(by=user, group=found, camera_ids=ticked, actor=actor)} 路已移出"
        if how == "all":
            chosen = candidates(user, found, posted(request, "q", longest=100))
        elif how == "numbers":
            chosen = cameras_numbered(user, _pasted(request))
        else:
            chosen = candidates(user, found, posted(request, "q", longest=100)).filter(pk__in=ticked)
        return f"{add_members(by=user, group=found, cameras=chosen, actor=actor)} 路已入组"

    return done(request, work, "rights_group", found.pk)


def _pasted(request: HttpRequest) -> str:
    text = request.POST.get("numbers", "")
    if len(text) > _LONGEST_LIST:
        raise MalformedError("编号清单过长")
    return text.replace("\0", " ")


@require_POST
@requires(Action.OVERSEE, kind=Kind.PAGE)
def remove(request: HttpRequest, user: User, group_id: int) -> HttpResponse:
    found = group_of(user, group_id)
    remove_group(by=user, group=found, actor=actor_of_user(request))
    messages.success(request, f"已删除组“{found.name}”及其例外")
    return redirect("console:rights_groups")


# Who can see a camera ----------------------------------------------------------------------------


@require_GET
@requires(Action.OVERSEE, kind=Kind.PAGE)
def watchers(request: HttpRequest, user: User) -> HttpResponse:
    """Without a camera the search for one."""
    text = text_of(request, "camera", longest=LONGEST_TEXT)
    found = cameras_meant(user, text) if text else []
    moment = _moment(request)
    context: dict[str, object] = {
        **tabs_of(user, "watchers"),
        "text": text,
        "actions": CAMERA_ACTIONS,
        "is_past": bool(request.GET.get("at")),
        "at": f"{moment.astimezone(ZONE):%Y-%m-%dT%H:%M}",
        "found": found[:MOST_CHOICES],
        "is_cut": len(found) > MOST_CHOICES,
    }
    if len(found) == 1:
        camera = found[0]
        rows = watchers_of(camera, moment)
        context |= {
            "camera": camera,
            "moment": moment,
            "rows": [row for row in rows if row.actions],
            "barred": [row for row in rows if not row.actions],
            "groups": CameraGroup.objects.filter(members__camera=camera).select_related("organisation"),
            "changes": rights_changes(camera, timezone.now() - _CHANGES),
            "change_days": _CHANGES.days,
            "may_audit": Action.AUDIT in actions_allowed(user),
        }
    status = 404 if text and not found else 200
    return render(request, "console/rights_watchers.html", context, status=status)


@require_GET
@requires(Action.OVERSEE, kind=Kind.PAGE)
def watchers_table(request: HttpRequest, user: User) -> HttpResponseBase:
    """The same to take away; that it was taken is logged."""
    camera, moment = one_camera(user, text_of(request, "camera", longest=64)), _moment(request)
    record(
        actor_of_user(request),
        "导出可查看人员",
        object_kind="camera",
        object_id=camera.pk,
        object_name=camera.name,
    )
    name = f"可查看人员_{camera.number}_{moment.astimezone(ZONE):%Y%m%d%H%M}.csv"
    return csv_response(name, _table(camera, moment, watchers_of(camera, moment)))


def _table(camera: Camera, moment: datetime, rows: list[Watcher]) -> Iterator[list[Cell]]:
    yield ["摄像机", camera.name, camera.number, "时间", f"{moment.astimezone(ZONE):%Y-%m-%d %H:%M:%S}"]
    labels = [str(action.label) for action in CAMERA_ACTIONS]
    yield ["人员或接入方", "类别", "单位", "现为启用", *labels, "依据", "被禁止"]
    for row in rows:
        marks: list[Cell] = ["是" if mark else "" for mark in row.marks]
        is_active = "是" if row.is_active else "否"
        reasons, denials = "；".join(row.reasons), "；".join(row.denials)
        yield [row.name, row.kind, row.place, is_active, *marks, reasons, denials]


def _moment(request: HttpRequest) -> datetime:
    asked = moment_in(text_of(request, "at", longest=20), "时间")
    now = timezone.now()
    return min(asked, now) if asked else now


# Partners ----------------------------------------------------------------------------------------


@require_GET
@requires(Action.OVERSEE, kind=Kind.PAGE)
def partners(request: HttpRequest, user: User) -> HttpResponse:
    chosen = id_of(request, "partner")
    context: dict[str, object] = {
        **tabs_of(user, "partners"),
        "rows": partner_rows(user),
        "groups": groups_of(user),
        "partners": partners_overseen_by(user),
    }
    if chosen is not None:
        found = partner_of(user, chosen)
        opened = opened_cameras(found)
        context |= {
            "chosen": found,
            "opened": list(opened[:MOST_SHOWN]),
            "opened_count": opened.count(),
            "most": MOST_SHOWN,
        }
    return render(request, "console/rights_partners.html", context)


@require_POST
@requires(Action.OVERSEE, kind=Kind.PAGE)
def ptz(request: HttpRequest, user: User, partner_id: int) -> HttpResponse:
    """Opens 重要点位 to the partner or closes them: a group, or a pasted list."""
    found = partner_of(user, partner_id)

    def work() -> str:
        group_id = posted_id(request, "group")
        chosen = (
            members_of(group_of(user, group_id)) if group_id else cameras_numbered(user, _pasted(request))
        )
        is_open = posted(request, "how", longest=5) != "close"
        actor = actor_of_user(request)
        count = set_ptz_open(by=user, partner=found, cameras=chosen, is_open=is_open, actor=actor)
        return f"{count} 路云台已{'开放给' if is_open else '对'}{found}{'' if is_open else '收回'}"

    return done(request, work, "rights_partners")
