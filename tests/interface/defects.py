"""The platform's URLs with one defect in each of some verbs, for which the exploration has to turn red."""

from collections.abc import Mapping
from typing import Any

from django.urls import include, path
from rest_framework.permissions import AllowAny
from rest_framework.response import Response

from access.handlers import bad_request, not_found, permission_denied, server_error
from cameras.api import GetCameraStatus, GetDepartmentVideoInfo, ReportCameraStatus, VideoInformation
from protocol.codes import Code
from ptz.api import PTZControl
from snapshots.api import SnapShot
from streaming.api import GetCameraPlayURL


class ForgetsAKey(GetCameraStatus):
    def answer(self, body: Mapping[str, object] | None = None, **how: Any) -> Response:
        return super().answer({"cameraStatus": (body or {})["cameraStatus"]}, **how)


class TellsAFault(GetCameraPlayURL):
    """`online` as the ledger has it, where the document knows only 0 and 1."""

    def _entry(self, *asked: Any) -> Any:
        return {**super()._entry(*asked), "online": 2}


class TellsTooMuch(GetDepartmentVideoInfo):
    def answer(self, body: Mapping[str, object] | None = None, **how: Any) -> Response:
        return super().answer({**(body or {}), "page": 1}, **how)


class TurnsTheKeysRound(VideoInformation):
    def answer(self, body: Mapping[str, object] | None = None, **how: Any) -> Response:
        response = super().answer(body, **how)
        response.data = dict(reversed(response.data.items()))
        return response


class LetsEverybodyIn(SnapShot):
    permission_classes = [AllowAny]

    def get(self, request: object) -> Response:
        return self.answer({"snapShots": []})


class TakesAnything(ReportCameraStatus):
    def post(self, request: object) -> Response:
        return self.answer()


class RefusesWhatIsAllowed(PTZControl):
    def get(self, request: object) -> Response:
        return self.answer(code=Code.MALFORMED, msg="参数 step 应为 1")


urlpatterns = [
    path("service/video.GetCameraStatus", ForgetsAKey.as_view()),
    path("service/video.GetCameraPlayURL", TellsAFault.as_view()),
    path("service/video.GetDepartmentVideoInfo", TellsTooMuch.as_view()),
    path("service/video.VideoInformation", TurnsTheKeysRound.as_view()),
    path("service/video.SnapShot", LetsEverybodyIn.as_view()),
    path("service/video.ReportCameraStatus", TakesAnything.as_view()),
    path("service/video.PTZControl", RefusesWhatIsAllowed.as_view()),
    path("", include("province.urls")),
]

handler400 = bad_request
handler403 = permission_denied
handler404 = not_found
handler500 = server_error
