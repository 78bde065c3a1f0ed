"""The verbs of access, and probes that go wrong in every way the envelope has to catch."""

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from rest_framework.request import Request
from rest_framework.response import Response

from access.choices import Scope
from access.handlers import bad_request, not_found, permission_denied, server_error, unknown_verb
from access.verbs import VerbView
from protocol.codes import Code
from protocol.errors import ForbiddenError, RemoteError


class PlayProbe(VerbView):
    """GetCameraPlayURL stands for the verbs of the ministry."""

    scope = Scope.PLAY

    def get(self, request: Request) -> Response:
        return self.answer({"videoRequestUrl": [], "videoType": self.params.integer("videoType", 0, 1, 0)})


class ReportProbe(VerbView):
    """VideoInformation stands for the verbs of a gateway."""

    scope = Scope.REPORT

    def post(self, request: Request) -> Response:
        return self.answer({"bytes": len(self.body)}, code=Code.ALREADY_PUSHING)


class PtzProbe(VerbView):
    scope = Scope.PTZ

    def get(self, request: Request) -> Response:
        return self.answer()


class SnapshotProbe(VerbView):
    scope = Scope.SNAPSHOT

    def get(self, request: Request) -> Response:
        return self.answer()


class NoScopeProbe(VerbView):
    """A verb whose author forgot the scope."""

    def get(self, request: Request) -> Response:
        return self.answer()


FAILURES: dict[str, Exception] = {
    "bug": ZeroDivisionError("secret inner detail"),
    "remote": RemoteError("网关无应答"),
    "missing": Http404("secret inner detail"),
    "denied": PermissionDenied("secret inner detail"),
    "suspicious": SuspiciousOperation("secret inner detail"),
    "busy": ForbiddenError("请求过于频繁", retry_after=7),
}


class FailureProbe(VerbView):
    scope = Scope.PLAY

    def get(self, request: Request) -> Response:
        if self.params.text("how") == "unwritable":
            return self.answer({"what": object()})
        raise FAILURES[self.params.text("how", required=True)]


@csrf_exempt
def html_page(request: HttpRequest) -> HttpResponse:
    """A view of somebody else's that found its way below /service/."""
    return HttpResponse("<html>secret inner detail</html>", status=int(request.GET["status"]))


@csrf_exempt
def own_error(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError("secret inner detail")


urlpatterns = [
    path("service/", include("access.urls")),
    path("service/video.GetCameraPlayURL", PlayProbe.as_view()),
    path("service/video.VideoInformation", ReportProbe.as_view()),
    path("service/video.PTZControl", PtzProbe.as_view()),
    path("service/video.SnapShot", SnapshotProbe.as_view()),
    path("service/video.NoScope", NoScopeProbe.as_view()),
    path("service/video.Failure", FailureProbe.as_view()),
    path("service/html", html_page),
    path("service/error", own_error),
    path("service/<path:verb>", unknown_verb),
    path("oauth/", include("access.oauth_urls")),
    path("page/error", own_error),
]

handler400 = bad_request
handler403 = permission_denied
handler404 = not_found
handler500 = server_error
