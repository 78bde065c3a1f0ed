"""While somebody looks at the console as another user: whose pages these are, and that nothing is changed."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from access.handlers import is_service_path
from console.permissions import OWN, refuse, refused_page
from console.viewing_as import end_viewing, viewing_of
from console.views.sign_in import logout

_SAFE = {"GET", "HEAD", "OPTIONS"}
_REFUSED = "正在以他人身份查看：只能看，不能操作"


class ViewAsMiddleware:
    """After authentication: `request.user` becomes who is looked at, `request.person` stays who looks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and not is_service_path(request.path_info):
            viewing = viewing_of(request)
            if viewing is not None:
                request.person, request.viewing = request.user, viewing  # type: ignore[attr-defined]
                request.user = viewing.user
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        if not hasattr(request, "viewing"):
            return None
        if view is logout:
            end_viewing(request, "退出登录")
            return None
        # What concerns a person alone, like the secret of a second factor, is not even looked at.
        is_of_oneself = getattr(view, "required_action", None) == OWN
        if not is_of_oneself and (request.method in _SAFE or getattr(view, "is_reading", False)):
            return None
        if request.path_info.startswith("/console/"):
            return refuse(403, _REFUSED)
        if "HX-Request" in request.headers:
            return HttpResponse(_REFUSED, status=403, content_type="text/plain; charset=utf-8")
        return refused_page(request, 403, _REFUSED)
