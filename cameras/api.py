"""Partner verbs of the ledger (document appendix 1, 1.1 and 1.2)."""

from collections.abc import Sequence

from rest_framework.response import Response

from access.choices import Scope
from access.verbs import VerbView
from cameras.services.ledger import delete_cameras
from cameras.services.registration import register_cameras
from cameras.services.status import ReportOutcome, report_status
from protocol.bodies import StatusItem, parse_deletion, parse_list, parse_status
from protocol.errors import MalformedError, NotFoundError, shorten

MOST_NAMED = 10


class VideoInformation(VerbView):
    """Register or modify cameras."""

    scope = Scope.REPORT

    def post(self, request: object) -> Response:
        items = parse_list(self.body, what="摄像机列表")
        results = register_cameras(partner=self.partner, actor=self.actor, items=items)
        return self.answer({"backResult": [result.to_wire() for result in results]})


class VideoInformationDel(VerbView):
    """Delete cameras, at most 100 in a request."""

    scope = Scope.REPORT

    def post(self, request: object) -> Response:
        numbers = parse_deletion(self.body)
        results = delete_cameras(partner=self.partner, actor=self.actor, numbers=numbers)
        return self.answer({"backResult": [result.to_wire() for result in results]})


class ReportCameraStatus(VerbView):
    """Take in online, offline and fault."""

    scope = Scope.REPORT

    def post(self, request: object) -> Response:
        department = self.params.text("department")
        items: list[StatusItem] = []
        faults: list[str] = []
        for index, raw in enumerate(parse_list(self.body, what="状态列表")):
            try:
                items.append(parse_status(raw))
            except MalformedError as error:
                faults.append(f"第 {index + 1} 项 {error.message}")
        outcome = report_status(partner=self.partner, items=items, department=department)
        return self.answer(msg=summary(outcome, faults))


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
