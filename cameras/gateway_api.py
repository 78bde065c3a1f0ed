"""Verbs by which a gateway fetches its configuration and tells what it runs; none of the document's."""

from rest_framework.response import Response

from access.choices import Scope
from access.verbs import VerbView
from cameras import gateway_openapi
from cameras.services.configurations import hand_out, keep_report
from protocol.configuration import LARGEST_VERSION, parse_running


class GetConfiguration(VerbView):
    """The cameras that this gateway is to run, with their passwords; nothing when it holds them already."""

    scope = Scope.REPORT
    operation = gateway_openapi.GET_CONFIGURATION

    def get(self, request: object) -> Response:
        held = self.params.integer("version", 0, LARGEST_VERSION)
        version, cameras = hand_out(partner=self.partner, held=held, actor=self.actor)
        response = self.answer(
            {"version": version, "configuration": None if cameras is None else {"cameras": cameras}}
        )
        response.headers["Cache-Control"] = "no-store"
        return response


class ReportConfiguration(VerbView):
    """What runs, in which version, what was not taken over and why, what does not work."""

    scope = Scope.REPORT
    operation = gateway_openapi.REPORT_CONFIGURATION

    def post(self, request: object) -> Response:
        keep_report(partner=self.partner, running=parse_running(self.body))
        return self.answer()
