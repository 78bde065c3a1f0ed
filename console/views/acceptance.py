"""接入验收: reports on gateways, asked for here, and the pictures in them that a person has to judge."""

import logging

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods
from kombu.exceptions import OperationalError

from acceptance.models import AcceptanceReport
from acceptance.selectors import (
    gateways_kept_by,
    lines_visible_to,
    pictures_visible_to,
    reports_visible_to,
)
from acceptance.services import reports
from acceptance.tasks import run_acceptance
from access.actors import actor_of_user
from access.choices import Action
from access.models import User
from console.frame import frame_of
from console.params import number_of, whole
from console.permissions import Kind, requires
from protocol.errors import MalformedError, NotFoundError

logger = logging.getLogger(__name__)

_PAGE_ROWS = 50
_MOST_PAGES = 1000
_USUAL_CAMERAS = 3


@require_http_methods(["GET", "POST"])
@requires(Action.LEDGER, kind=Kind.PAGE)
def acceptance(request: HttpRequest, user: User) -> HttpResponse:
    """All reports, and a form that asks for one more."""
    said = ""
    if request.method == "POST":
        try:
            return _begun(request, user)
        except MalformedError as error:
            said = error.message
    begin = (number_of(request, "page", low=1, high=_MOST_PAGES, default=1) - 1) * _PAGE_ROWS
    rows = list(reports_visible_to(user)[begin : begin + _PAGE_ROWS + 1])
    context = {
        **frame_of(user, "acceptance"),
        "reports": rows[:_PAGE_ROWS],
        "older": begin // _PAGE_ROWS + 2 if len(rows) > _PAGE_ROWS else None,
        "gateways": gateways_kept_by(user),
        "most_cameras": reports.MOST_CAMERAS,
        "usual_cameras": _USUAL_CAMERAS,
        "said": said,
    }
    return render(request, "console/acceptance.html", context, status=400 if said else 200)


def _begun(request: HttpRequest, user: User) -> HttpResponseRedirect:
    gateway_id = whole(request.POST.get("gateway", ""), "gateway", low=1, high=2**63 - 1)
    gateway = gateways_kept_by(user).select_related("partner").filter(pk=gateway_id).first()
    if gateway is None:
        raise NotFoundError("网关不存在")
    cameras = whole(request.POST.get("cameras", ""), "摄像机数", low=1, high=reports.MOST_CAMERAS)
    report = reports.ask_for(gateway=gateway, cameras=cameras, actor=actor_of_user(request))
    try:
        run_acceptance.delay(report.pk)
    except OperationalError:
        logger.exception("no broker: acceptance %d does not begin", report.pk)
        reports.give_up(report=report, why="任务队列无法访问，请稍后重新验收")
    return redirect("console:acceptance_report", report.pk)


@require_http_methods(["GET", "POST"])
@requires(Action.LEDGER, kind=Kind.PAGE)
def report(request: HttpRequest, user: User, report_id: int) -> HttpResponse:
    """One report, to be read and printed; a post says yes or no to one of its pictures."""
    found = _visible(user, report_id)
    if request.method == "POST":
        number = whole(request.POST.get("picture", ""), "picture", low=1, high=2**63 - 1)
        is_good = bool(whole(request.POST.get("good", ""), "good", low=0, high=1))
        picture = pictures_visible_to(user).filter(report=found, pk=number).defer("jpeg").first()
        if picture is None:
            raise NotFoundError("画面不存在")
        reports.judge_picture(picture=picture, is_good=is_good, actor=actor_of_user(request))
        return redirect("console:acceptance_report", found.pk)
    context = {**frame_of(user, "acceptance"), **_shown(user, found)}
    return render(request, "console/acceptance_report.html", context)


@require_GET
@requires(Action.LEDGER, kind=Kind.PART, is_poll=True)
def standing(request: HttpRequest, user: User, report_id: int) -> HttpResponse:
    """What was found so far; fetched every few seconds until it is all."""
    return render(request, "console/_acceptance.html", _shown(user, _visible(user, report_id)))


@require_GET
@requires(Action.LEDGER, kind=Kind.PART)
def picture(request: HttpRequest, user: User, report_id: int, picture_id: int) -> HttpResponse:
    found = pictures_visible_to(user).filter(report=_visible(user, report_id), pk=picture_id).first()
    if found is None:
        raise NotFoundError("画面不存在")
    return HttpResponse(bytes(found.jpeg), content_type="image/jpeg")


def _shown(user: User, report: AcceptanceReport) -> dict[str, object]:
    return {"report": report, "lines": lines_visible_to(user, report)}


def _visible(user: User, report_id: int) -> AcceptanceReport:
    found = reports_visible_to(user).filter(pk=report_id).first()
    if found is None:
        raise NotFoundError("报告不存在")
    return found
