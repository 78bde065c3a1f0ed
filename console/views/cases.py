"""事件卷宗: the list, a new one, one of them, and what is done with it."""

from collections.abc import Callable
from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from access.actors import actor_of_user
from access.choices import Action
from access.csv_rows import attachment
from access.models import User
from cameras.selectors import cameras_visible_to
from cases.models import CaseFile
from cases.selectors import case_picture, cases_visible_to
from cases.services import exports, files
from cases.tables import entries_of
from console.case_forms import Around, around_in, chosen_cameras, minutes_in, text_in
from console.case_pages import PROPOSED_METRES, Candidate, candidates, case_view
from console.frame import frame_of
from console.params import number_of, text_of
from console.permissions import Kind, requires
from protocol.errors import ForbiddenError, MalformedError, NotFoundError, ProtocolError
from snapshots.services.archives import PictureReader

_PAGE_ROWS = 50
_MOST_PAGES = 1000


@require_GET
@requires(Action.SNAPSHOT, kind=Kind.PAGE)
def cases(request: HttpRequest, user: User) -> HttpResponse:
    text, state = text_of(request, "q", longest=100), text_of(request, "state", longest=10)
    found = cases_visible_to(user)
    if text:
        found = found.filter(title__icontains=text) | found.filter(road__iexact=text)
    if state in ("open", "closed"):
        found = found.filter(closed_at__isnull=state == "open")
    page = number_of(request, "page", low=1, high=_MOST_PAGES, default=1)
    rows = list(found[(page - 1) * _PAGE_ROWS : page * _PAGE_ROWS + 1])
    context = {
        **frame_of(user, "cases"),
        "cases": rows[:_PAGE_ROWS],
        "text": text,
        "state": state,
        "older": page + 1 if len(rows) > _PAGE_ROWS else None,
    }
    return render(request, "console/cases.html", context)


@require_http_methods(["GET", "POST"])
@requires(Action.SNAPSHOT, kind=Kind.PAGE)
def new(request: HttpRequest, user: User) -> HttpResponse:
    """A place and a time, then the cameras around it to choose from; a post opens the case."""
    visible = cameras_visible_to(user, Action.SNAPSHOT)
    data = request.POST if request.method == "POST" else request.GET
    around: Around | None = None
    said = ""
    try:
        around = around_in(data, visible)
        if request.method == "POST":
            return _opened(request, user, around)
    except NotFoundError:
        raise
    except ProtocolError as error:
        said = error.message
    context = {
        **frame_of(user, "cases"),
        "around": around,
        "typed": {name: data.get(name, "") for name in ("road", "stake", "when", "title", "note")},
        **_proposed(data, candidates(visible, around) if around else []),
        "most_minutes": files.MOST_MINUTES,
        "said": said,
    }
    return render(request, "console/case_new.html", context, status=400 if said else 200)


def _proposed(data: QueryDict, found: list[Candidate]) -> dict[str, object]:
    """Those near are ticked; on a form that comes back, what was ticked on it."""
    kept = set(data.getlist("cameras"))
    ticked = {one.row.id for one in found if (str(one.row.id) in kept if "title" in data else one.is_near)}
    return {
        "candidates": found,
        "ticked": ticked,
        "proposed_km": PROPOSED_METRES // 1000,
        "has_far": any(not one.is_near for one in found),
    }


def _opened(request: HttpRequest, user: User, around: Around | None) -> HttpResponseRedirect:
    if around is None:
        raise MalformedError("请写明路线与桩号")
    before, after = around.stretch
    case = files.open_case(
        title=text_in(request.POST, "title", longest=500),
        road=around.road,
        stake_m=around.stake_m,
        event_at=around.at,
        before=before,
        after=after,
        cameras=chosen_cameras(request.POST, cameras_visible_to(user, Action.SNAPSHOT)),
        note=text_in(request.POST, "note", longest=2 * files.LONGEST_NOTE),
        actor=actor_of_user(request),
    )
    return redirect("console:case", case.pk)


@require_GET
@requires(Action.SNAPSHOT, kind=Kind.PAGE)
def case(request: HttpRequest, user: User, case_id: int) -> HttpResponse:
    found = _visible(user, case_id)
    files.note_looked(case=found, actor=actor_of_user(request))
    each = number_of(request, "each", low=1, high=10, default=2)
    context = {
        **frame_of(user, "cases"),
        "case": found,
        "view": case_view(user, found),
        "notes": found.notes.all(),
        "exports": found.exports.all(),
        "more": _more(user, found, each) if found.is_open else [],
        "each": each,
        "may_release": _may_release(user, found),
    }
    return render(request, "console/case.html", context)


def _more(user: User, found: CaseFile, each: int) -> list[Candidate]:
    """Cameras around the place that are not in it yet."""
    around = Around(found.road, found.stake_m, found.event_at, 30, 30, each)
    there = set(found.cameras.values_list("camera", flat=True))
    near = candidates(cameras_visible_to(user, Action.SNAPSHOT), around)
    return [one for one in near if one.row.id not in there]


@require_POST
@requires(Action.SNAPSHOT, kind=Kind.PAGE)
def note(request: HttpRequest, user: User, case_id: int) -> HttpResponse:
    found = _visible(user, case_id)

    def act() -> None:
        text = text_in(request.POST, "text", longest=2 * files.LONGEST_NOTE)
        files.add_note(case=found, text=text, actor=actor_of_user(request))

    return _acted(request, found, act)


@require_POST
@requires(Action.SNAPSHOT, kind=Kind.PAGE)
def add(request: HttpRequest, user: User, case_id: int) -> HttpResponse:
    """Further cameras, with minutes before and after of their own."""
    found = _visible(user, case_id)

    def act() -> None:
        cameras = chosen_cameras(request.POST, cameras_visible_to(user, Action.SNAPSHOT))
        before, after = minutes_in(request.POST, "before"), minutes_in(request.POST, "after")
        files.add_cameras(
            case=found,
            cameras=cameras,
            before=timedelta(minutes=before),
            after=timedelta(minutes=after),
            actor=actor_of_user(request),
        )

    return _acted(request, found, act)


@require_POST
@requires(Action.SNAPSHOT, kind=Kind.PAGE)
def close(request: HttpRequest, user: User, case_id: int) -> HttpResponse:
    """Or open it again (`open=1`)."""
    found = _visible(user, case_id)
    change = files.reopen_case if request.POST.get("open") else files.close_case
    return _acted(request, found, lambda: change(case=found, actor=actor_of_user(request)))


@require_POST
@requires(Action.SNAPSHOT, kind=Kind.PAGE)
def release(request: HttpRequest, user: User, case_id: int) -> HttpResponse:
    """Only by those who keep the ledger of all of its cameras: what is released may be gone within the hour."""
    found = _visible(user, case_id)
    if not _may_release(user, found):
        raise ForbiddenError(f"解除留存需要卷宗中全部摄像机的“{Action.LEDGER.label}”权限")

    def act() -> None:
        reason = text_in(request.POST, "reason", longest=200)
        files.release_case(case=found, reason=reason, actor=actor_of_user(request))

    return _acted(request, found, act)


@require_POST
@requires(Action.SNAPSHOT, kind=Kind.PAGE)
def export(request: HttpRequest, user: User, case_id: int) -> StreamingHttpResponse:
    archive = exports.export_case(case=_visible(user, case_id), user=user, actor=actor_of_user(request))
    response = StreamingHttpResponse(archive.pieces, content_type="application/zip")
    response["Content-Disposition"] = attachment(archive.filename)
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_GET
@requires(Action.SNAPSHOT, kind=Kind.PART, is_poll=True)
def export_list(request: HttpRequest, user: User, case_id: int) -> HttpResponse:
    """What was exported so far, while one is on its way."""
    return render(request, "console/_case_exports.html", {"exports": _visible(user, case_id).exports.all()})


@require_GET
@requires(Action.SNAPSHOT, kind=Kind.PAGE)
def picture(request: HttpRequest, user: User, case_id: int, entry_id: int, unix_slot: int) -> HttpResponse:
    """Also of a camera that has been deleted since."""
    entry = entries_of(_visible(user, case_id)).filter(pk=entry_id).first()
    slot = case_picture(entry, unix_slot) if entry else None
    jpeg = PictureReader().read(slot.names) if slot else None
    if jpeg is None:
        raise NotFoundError("该时段没有截图")
    return HttpResponse(jpeg, content_type="image/jpeg", headers={"X-Content-Type-Options": "nosniff"})


def _visible(user: User, case_id: int) -> CaseFile:
    found = cases_visible_to(user).filter(pk=case_id).first()
    if found is None:
        raise NotFoundError("卷宗不存在")
    return found


def _acted(request: HttpRequest, found: CaseFile, act: Callable[[], object]) -> HttpResponseRedirect:
    """Back to the page, which says it when something was not as it should."""
    try:
        act()
    except MalformedError as error:
        messages.error(request, error.message)
    return redirect("console:case", found.pk)


def _may_release(user: User, found: CaseFile) -> bool:
    return cases_visible_to(user, Action.LEDGER).filter(pk=found.pk).exists()
