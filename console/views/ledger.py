"""点位台账: the list with its filters, template and export, one change to many cameras, the gate."""

from collections.abc import Callable
from tempfile import TemporaryFile
from typing import IO, Final

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from access.actors import actor_of_user
from access.choices import Action
from access.csv_rows import attachment
from access.days import ZONE
from access.models import Organisation, User
from access.selectors import organisations_visible_to
from access.services.logs import record
from cameras.choices import CameraType, Classify, Orientation
from cameras.models import Gateway
from cameras.selectors import gateways_for, pending_cameras
from cameras.services.edits import Edit, EditPreview, edit_cameras, edit_of, preview_edit
from cameras.services.history import place_name
from cameras.workbooks import camera_rows, write_template, write_workbook
from console.frame import frame_of
from console.ledger import (
    STATES,
    cameras_wanted,
    finding_choices,
    gate_rows,
    gate_titles,
    ids_digest,
    ledger_view,
    wanted_in,
    wanted_of,
)
from console.ledger_camera import told_fields
from console.params import text_of
from console.permissions import Kind, requires
from console.quality import organisations_in
from protocol.errors import MalformedError, ProtocolError

_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_EDITS: Final = ("organisation", "gateway", "road", "classify", "orientation", "camera_type", "area", "ptz")
_LONGEST_QUERY: Final = 1000


@require_GET
@requires(Action.LEDGER, kind=Kind.PAGE)
def ledger(request: HttpRequest, user: User) -> HttpResponse:
    wanted = wanted_in(user, request)
    view = ledger_view(user, wanted, text_of(request, "after", longest=120))
    context = {
        **frame_of(user, "ledger"),
        **_choices(user),
        "view": view,
        "form": wanted.form,
        "query": wanted.query,
        "is_first": "after" not in request.GET,
        "pending": pending_cameras(user).filter(rejected_at=None).count(),
        "states": STATES.items(),
        "findings": finding_choices(),
    }
    return render(request, "console/ledger.html", context)


def _choices(user: User) -> dict[str, object]:
    """Of filters and of the bar for many cameras."""
    return {
        "organisations": organisations_in(organisations_visible_to(user, Action.LEDGER)),
        "gateways": [(gateway.pk, f"{gateway.code} {gateway.name}".strip()) for gateway in gateways_for(user)],
        "classifies": Classify.choices,
        "orientations": Orientation.choices,
        "types": CameraType.choices,
    }


@require_GET
@requires(Action.LEDGER, kind=Kind.PAGE)
def template(request: HttpRequest, user: User) -> HttpResponseBase:
    """An empty sheet to fill in."""
    return _download("点位台账_模板.xlsx", write_template)


@require_GET
@requires(Action.LEDGER, kind=Kind.PAGE)
def export(request: HttpRequest, user: User) -> HttpResponseBase:
    """The cameras of the filters as a sheet that comes back unchanged."""
    cameras = cameras_wanted(user, wanted_in(user, request))
    record(actor_of_user(request), "导出台账", object_kind="camera", object_name=f"{cameras.count()} 路摄像机")
    day = timezone.now().astimezone(ZONE)
    return _download(f"点位台账_{day:%Y%m%d_%H%M}.xlsx", lambda file: write_workbook(file, camera_rows(cameras)))


def _download(filename: str, write: Callable[[IO[bytes]], None]) -> FileResponse:
    file = TemporaryFile()  # noqa: SIM115 - closed when it has been sent
    write(file)
    file.seek(0)
    response = FileResponse(file, content_type=_XLSX)
    response["Content-Disposition"] = attachment(filename)
    response["X-Content-Type-Options"] = "nosniff"
    return response


# Many cameras at once ----------------------------------------------------------------------------


@require_POST
@requires(Action.LEDGER, kind=Kind.PAGE)
def edit(request: HttpRequest, user: User) -> HttpResponse:
    """First what would become of how many; with `digest`, the confirmation, it is done."""
    query = request.POST.get("query", "")[:_LONGEST_QUERY]
    back = f"{reverse('console:ledger')}?{query}" if query else reverse("console:ledger")
    try:
        change = edit_of(user, {name: request.POST.get(name, "")[:64] for name in _EDITS})
        ids = _meant(request, user, query)
        if "digest" in request.POST:
            return _edit(request, user, ids, change, back)
        preview = preview_edit(user, ids, change)
    except ProtocolError as error:
        messages.error(request, error.message)
        return redirect(back)
    context = {
        **frame_of(user, "ledger"),
        "preview": preview,
        "examples": _examples(preview, user),
        "change": change,
        "back": back,
        "hidden": [(name, value) for name in _EDITS if (value := request.POST.get(name, ""))],
        "ids": ids if "everything" not in request.POST else [],
        "everything": "everything" in request.POST,
        "query": query,
        "digest": ids_digest(ids),
    }
    return render(request, "console/ledger_edit.html", context)


def _meant(request: HttpRequest, user: User, query: str) -> list[int]:
    """The cameras that are ticked, or all of the filters."""
    if "everything" in request.POST:
        cameras = cameras_wanted(user, wanted_of(user, QueryDict(query)))
        return list(cameras.values_list("pk", flat=True))
    ids = [int(text) for text in request.POST.getlist("ids") if text.isascii() and text.isdigit() and len(text) < 19]
    if not ids:
        raise MalformedError("请先勾选要修改的摄像机")
    return ids


def _edit(request: HttpRequest, user: User, ids: list[int], change: Edit, back: str) -> HttpResponse:
    if ids_digest(ids) != request.POST["digest"]:
        raise MalformedError("符合筛选的摄像机刚刚有变化，请重新预览")
    count = edit_cameras(user=user, ids=ids, edit=change, actor=actor_of_user(request))
    messages.success(request, f"已修改 {count} 路摄像机")
    return redirect(back)


def _examples(preview: EditPreview, user: User) -> list[tuple[object, list[tuple[str, str, str]]]]:
    """Some of the cameras with their fields in words."""
    offices = {camera.organisation_id for camera, _ in preview.examples}
    gateways = {camera.gateway_id for camera, _ in preview.examples}
    wanted_ids = {(name, value) for _, fields in preview.examples for name, _, value in fields}
    offices |= {value for name, value in wanted_ids if name == "organisation_id" and isinstance(value, int)}
    gateways |= {value for name, value in wanted_ids if name == "gateway_id" and isinstance(value, int)}
    nodes = Organisation.objects.filter(pk__in=offices).select_related("parent")
    office_names = {node.pk: place_name(node) for node in nodes}
    codes = dict(Gateway.objects.filter(pk__in=[pk for pk in gateways if pk]).values_list("pk", "code"))
    told: list[tuple[object, list[tuple[str, str, str]]]] = []
    for camera, fields in preview.examples:
        names = {
            name.removesuffix("_id"): tuple(
                (office_names if name == "organisation_id" else codes).get(value, "—")
                if isinstance(value, int)
                else "—"
                for value in values
            )
            for name, *values in fields
            if name.endswith("_id")
        }
        told.append((camera, told_fields(fields, names)))
    return told


# The gate ----------------------------------------------------------------------------------------


@require_GET
@requires(Action.LEDGER, kind=Kind.PAGE)
def gate(request: HttpRequest, user: User) -> HttpResponse:
    """数据检查: a score for each company, and how many cameras have which finding."""
    context = {**frame_of(user, "ledger"), "rows": gate_rows(user), "titles": gate_titles()}
    return render(request, "console/ledger_gate.html", context)
