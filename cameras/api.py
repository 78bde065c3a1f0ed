"""Partner verbs of the ledger (document appendix 1, 1.1 and 1.2), and the two by which it is read."""

from typing import ClassVar, Generic, TypeVar

import msgspec
from django.db.models import QuerySet
from rest_framework.response import Response

from access.choices import Scope
from access.verbs import VerbView
from cameras import openapi
from cameras.models import Camera
from cameras.selectors import camera_records, cameras_in_department, cameras_of
from cameras.services.ledger import delete_cameras
from cameras.services.registration import register_cameras
from cameras.services.reports import ReportOutcome
from cameras.services.status import report_status
from protocol.bodies import StatusItem, parse_deletion, parse_list, parse_status
from protocol.cameras import camera_to_wire
from protocol.lists import parse_items, summary

T = TypeVar("T")


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
        items, faults = parse_items(self.body, self.parse, what=self.what)
        outcome = self.apply(items, department)
        return self.answer(msg=summary(outcome.applied, faults, outcome.unknown))


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
        # The cameras in front of the page are passed over by their keys alone.
        keys = cameras.order_by("pk").values("pk")[begin : begin + size]
        return Camera.objects.filter(pk__in=keys).order_by("pk"), cameras.count()


class GetDepartmentVideoInfo(_LedgerPage):
    """The fields of VideoInformation, page by page."""

    operation = openapi.GET_DEPARTMENT_VIDEO_INFO

    def get(self, request: object) -> Response:
        cameras, total = self.page()
        wire = [camera_to_wire(record, gateway_num=False) for record in camera_records(cameras)]
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
