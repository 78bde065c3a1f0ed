"""Partner verbs of the ledger (document appendix 1, 1.1 and 1.2), and the two by which it is read."""

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

import msgspec
from django.db.models import QuerySet
from rest_framework.response import Response

from access.choices import Scope
from access.verbs import VerbView
from cameras import openapi
from cameras.models import Camera
from cameras.selectors import camera_record, cameras_in_department, cameras_of
from cameras.services.ledger import delete_cameras
from cameras.services.registration import register_cameras
from cameras.services.reports import ReportOutcome
from cameras.services.status import report_status
from protocol.bodies import StatusItem, parse_deletion, parse_list, parse_status
from protocol.cameras import camera_to_wire
from protocol.errors import MalformedError, NotFoundError, shorten

T = TypeVar("T")

MOST_NAMED = 10


class VideoInformation(VerbView):
    """Register or modify cameras."""

    scope = Scope.REPORT
    operation = openapi.VIDEO_INFORMATION

    def post(self, request: object) -> Response:
        items = parse_list(self.body, what="摄像机列表")
        results = register_cameras(partner=self.partner, actor=self.actor, items=items)
        return self.answer({"backResult": [result.to_wire() for result in results]})


class VideoInformationDel(VerbView):
    """Delete cameras, at most 100 in a request."""

    scope = Scope.REPORT
    operation = openapi.VIDEO_INFORMATION_DEL

    def post(self, request: object) -> Response:
        numbers = parse_deletion(self.body)
        results = delete_cameras(partner=self.partner, actor=self.actor, numbers=numbers)
        return self.answer({"backResult": [result.to_wire() for result in results]})


class ReportVerb(VerbView, Generic[T]):
    """A list without per-item results: what can be applied is, `msg` names the rest."""

    scope = Scope.REPORT
    what: ClassVar[str]

    def parse(self, raw: msgspec.Raw) -> T:
        """One element; MalformedError with all its faults."""
        raise NotImplementedError

    def apply(self, items: list[T], department: str | None) -> ReportOutcome:
        raise NotImplementedError

    def post(self, request: object) -> Response:
        department = self.params.text("department")
        items: list[T] = []
        faults: list[str] = []
        for index, raw in enumerate(parse_list(self.body, what=self.what)):
            try:
                items.append(self.parse(raw))
            except MalformedError as error:
                faults.append(f"第 {index + 1} 项 {error.message}")
        return self.answer(msg=summary(self.apply(items, department), faults))


class ReportCameraStatus(ReportVerb[StatusItem]):
    """Take in online, offline and fault."""

    operation = openapi.REPORT_CAMERA_STATUS
    what = "状态列表"

    def parse(self, raw: msgspec.Raw) -> StatusItem:
        return parse_status(raw)

    def apply(self, items: list[StatusItem], department: str | None) -> ReportOutcome:
        return report_status(partner=self.partner, items=items, department=department)


class _LedgerPage(VerbView):
    """Pages of the ledger, as upper platforms in the field ask for them (protocol.md section 4)."""

    scope = Scope.PLAY

    def page(self) -> tuple[QuerySet[Camera], int]:
        """One page of the partner's cameras, and how many there are in all."""
        department = self.params.text("department")
        number = self.params.integer("currPage", 1, 10**9, default=1)
        size = self.params.integer("pageSize", 1, openapi.LARGEST_PAGE, default=openapi.LARGEST_PAGE)
        cameras = cameras_in_department(self.partner, department) if department else cameras_of(self.partner)
        begin = (number - 1) * size
        return cameras.order_by("pk")[begin : begin + size], cameras.count()


class GetDepartmentVideoInfo(_LedgerPage):
    """The fields of VideoInformation, page by page."""

    operation = openapi.GET_DEPARTMENT_VIDEO_INFO

    def get(self, request: object) -> Response:
        cameras, total = self.page()
        records = map(camera_record, cameras.select_related("organisation__parent", "gateway"))
        wire = [camera_to_wire(record, gateway_num=False) for record in records]
        return self.answer({"total": total, "videoInfo": wire})


class GetCameraStatus(_LedgerPage):
    """Online, offline or fault of each camera, page by page."""

    operation = openapi.GET_CAMERA_STATUS

    def get(self, request: object) -> Response:
        cameras, total = self.page()
        wire = [
            {"cameraNum": number, "onlineStatus": status}
            for number, status in cameras.values_list("number", "status")
        ]
        return self.answer({"total": total, "cameraStatus": wire})


def summary(outcome: ReportOutcome, faults: Sequence[str]) -> str | None:
    """Words for a list without per-item results; raises when nothing of it was applied."""
    rest = [*faults, *(f"摄像机不存在：{shorten(number)}" for number in outcome.unknown)]
    if not rest:
        return None
    text = "；".join(rest[:MOST_NAMED])
    if len(rest) > MOST_NAMED:
        text += f"；等共 {len(rest)} 项"
    if outcome.applied:
        return f"已接收 {outcome.applied} 项，未接收 {len(rest)} 项：{text}"
    if faults:
        raise MalformedError(text)
    raise NotFoundError(text)
