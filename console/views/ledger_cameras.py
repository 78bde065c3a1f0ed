"""点位台账: one camera with its form and history, and the review of what gateways submitted."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from access.actors import actor_of_user
from access.choices import Action
from access.models import User
from cameras.choices import ChangeSource
from cameras.columns import COLUMNS
from cameras.models import Camera
from cameras.selectors import pending_cameras
from cameras.services.edits import save_form
from cameras.services.judging import SAME
from cameras.services.ledger import remove_cameras
from cameras.services.review import LONGEST_REASON, approve_cameras, reject_cameras
from console.cards import row_of
from console.frame import frame_of
from console.ledger import PAGE_ROWS, ledger_rows
from console.ledger_camera import (
    HISTORY_ROWS,
    changes_of,
    findings_of,
    form_fields,
    history_row,
    kept_camera,
    texts_of,
)
from console.params import id_of, number_of
from console.permissions import Kind, requires
from protocol.errors import MalformedError

_LONGEST_CELL = 4000


@require_http_methods(["GET", "POST"])
@requires(Action.LEDGER, kind=Kind.PAGE)
def new(request: HttpRequest, user: User) -> HttpResponse:
    """A camera that staff enter by hand."""
    texts = _texts(request) if request.method == "POST" else {}
    faults: dict[str, str] = {}
    if request.method == "POST":
        faults = _save(request, user, texts)
        if not faults:
            return redirect("console:ledger")
    context = {**frame_of(user, "ledger"), "fields": form_fields(texts, faults)}
    return render(request, "console/ledger_camera.html", context, status=400 if faults else 200)


@require_http_methods(["GET", "POST"])
@requires(Action.LEDGER, kind=Kind.PAGE)
def camera(request: HttpRequest, user: User, camera_id: int) -> HttpResponse:
    found = kept_camera(user, camera_id)
    texts, faults = texts_of(found), {}
    if request.method == "POST":
        # The number is what it is known by: it is never changed here.
        texts = {**_texts(request), "number": found.number}
        faults = _save(request, user, texts)
        if not faults:
            return redirect("console:ledger_camera", camera_id)
    changes = list(changes_of(found, id_of(request, "before"))[: HISTORY_ROWS + 1])
    context = {
        **frame_of(user, "ledger"),
        "camera": found,
        "row": row_of(found),
        "reporter": str(found.owner) if found.owner is not None else "",
        "fields": form_fields(texts, faults),
        "findings": findings_of(user, found),
        "history": [history_row(change) for change in changes[:HISTORY_ROWS]],
        "older": changes[HISTORY_ROWS - 1].pk if len(changes) > HISTORY_ROWS else None,
    }
    return render(request, "console/ledger_camera.html", context, status=400 if faults else 200)


def _texts(request: HttpRequest) -> dict[str, str]:
    return {column.key: request.POST.get(column.key, "")[:_LONGEST_CELL].strip() for column in COLUMNS}


def _save(request: HttpRequest, user: User, texts: dict[str, str]) -> dict[str, str]:
    """Words by title where something is wrong; none when it was stored."""
    try:
        verdict = save_form(user=user, texts=texts, actor=actor_of_user(request))
    except MalformedError as error:
        messages.error(request, error.message)
        return {"": error.message}
    if not verdict.faults:
        messages.success(request, "没有变化" if verdict.kind == SAME else "已保存")
        for note in verdict.notes:
            messages.info(request, note)
    return {title: words for _, title, _, words in verdict.faults}


@require_POST
@requires(Action.LEDGER, kind=Kind.PAGE)
def delete(request: HttpRequest, user: User, camera_id: int) -> HttpResponse:
    found = kept_camera(user, camera_id)
    remove_cameras([found], actor=actor_of_user(request), source=ChangeSource.FORM)
    messages.success(request, f"已删除 {found.name}")
    return redirect("console:ledger")


# Review ------------------------------------------------------------------------------------------


@require_GET
@requires(Action.LEDGER, kind=Kind.PAGE)
def review(request: HttpRequest, user: User) -> HttpResponse:
    """待审核: what gateways submitted, the oldest first; `rejected=1`: what was sent back."""
    is_rejected = number_of(request, "rejected", low=0, high=1, default=0) == 1
    waiting = pending_cameras(user)
    listed = waiting.filter(rejected_at__isnull=not is_rejected).order_by("pk")
    after = id_of(request, "after")
    page = listed.filter(pk__gt=after) if after else listed
    cameras = list(page.select_related("organisation__parent", "gateway", "owner")[: PAGE_ROWS + 1])
    shown = cameras[:PAGE_ROWS]
    context = {
        **frame_of(user, "ledger"),
        "rows": list(zip(shown, ledger_rows(user, shown, waiting), strict=True)),
        "total": listed.count(),
        "others": waiting.filter(rejected_at__isnull=is_rejected).count(),
        "is_rejected": is_rejected,
        "older": shown[-1].pk if len(cameras) > PAGE_ROWS else None,
        "longest_reason": LONGEST_REASON,
    }
    return render(request, "console/ledger_review.html", context)


@require_POST
@requires(Action.LEDGER, kind=Kind.PAGE)
def decide(request: HttpRequest, user: User) -> HttpResponse:
    """`decision`: approve or reject (with `reason`), of the cameras in `ids`."""
    cameras = _chosen(request, user)
    actor = actor_of_user(request)
    try:
        if not cameras:
            raise MalformedError("请先勾选摄像机")
        if request.POST.get("decision") == "approve":
            count = approve_cameras(cameras, actor=actor, source=ChangeSource.REVIEW)
            messages.success(request, f"{count} 路摄像机已通过审核")
        else:
            count = reject_cameras(cameras, reason=request.POST.get("reason", ""), actor=actor)
            messages.success(request, f"已退回 {count} 路摄像机，网关再次上报时会得到原因")
    except MalformedError as error:
        messages.error(request, error.message)
    return redirect("console:ledger_review")


def _chosen(request: HttpRequest, user: User) -> list[Camera]:
    texts = request.POST.getlist("ids")
    ids = [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19]
    return list(pending_cameras(user).filter(pk__any_of=ids))
