"""Every view of the console says here whom it lets in; a test walks the URLconf for one that does not."""

from collections.abc import Callable
from enum import Enum
from functools import wraps
from typing import Concatenate, Final, ParamSpec

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.utils.cache import add_never_cache_headers

from access.actors import person_of
from access.choices import Action
from access.models import User
from access.selectors import actions_allowed, paths_allowed
from access.sessions import SEEN
from access.sign_in_steps import open_step, opens_before_steps, renew
from cameras.visibility import may_somewhere
from console.way_back import path_to_login
from protocol.errors import ProtocolError, RemoteError

P = ParamSpec("P")
StaffView = Callable[Concatenate[HttpRequest, User, P], HttpResponseBase]
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

# Any of them opens 操作审计.
READ_LOGS: Final = frozenset({Action.AUDIT, Action.OPERATOR_LOG})
# What `required_action` says of pages that belong to whoever is signed in.
OWN: Final = "own"
_HEADINGS: Final = {400: "请求有误", 403: "无权操作", 404: "没有找到"}
SCREEN_ONLY: Final = "大屏账号只能查看监控墙"


class Kind(Enum):
    """What a view answers with, and so how it refuses."""

    PAGE = "page"
    PART = "part"
    JSON = "json"


def public(view: View[P]) -> View[P]:
    """Marks the few views that nobody has to sign in for."""
    view.required_action = None  # type: ignore[attr-defined]
    return view


def for_screens(*methods: str) -> Callable[[StaffView[P]], StaffView[P]]:
    """Marks what a big screen asks for, and how; of all else an account for one (access/screens.py) is refused."""

    def mark(view: StaffView[P]) -> StaffView[P]:
        view.screen_methods = methods  # type: ignore[attr-defined]
        return view

    return mark


def reading(view: View[P]) -> View[P]:
    """Marks a view that only shows something although it is asked by POST: it answers while looking as another user."""
    view.is_reading = True  # type: ignore[attr-defined]
    return view


def requires(
    action: Action, *, kind: Kind, is_poll: bool = False, otherwise: Action | None = None
) -> Callable[[StaffView[P]], View[P]]:
    """Lets in signed-in staff who may do `action` somewhere, or else `otherwise`; the view receives the user.

    On which cameras is for the view's selector to say. A poll keeps the session alive only with `active=1`,
    which the page sends while somebody touches keyboard or mouse.
    """

    def decorate(view: StaffView[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            user = _present_user(request, renews=not is_poll or request.GET.get("active") == "1")
            if user is None:
                return _to_login(request, kind)
            if user.is_screen and not _is_for_screens(request, view):
                return _refusal_of_screen(request, kind)
            if not may_somewhere(user, action) and not (otherwise and may_somewhere(user, otherwise)):
                return _refusal(request, user, kind, action)
            try:
                response = view(request, user, *args, **kwargs)
            except ProtocolError as error:
                response = _told(request, kind, error)
            add_never_cache_headers(response)
            return response

        guarded.required_action = action  # type: ignore[attr-defined]
        return guarded

    return decorate


def for_oneself(view: StaffView[P]) -> View[P]:
    """Lets in everybody who is signed in, also before the steps of their sign-in are done: password, second factor, sessions."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        user = _present_user(request, renews=True)
        if user is None:
            return _to_login(request, Kind.PAGE)
        if user.is_screen and open_step(request) is None and not _is_for_screens(request, view):
            return _refusal_of_screen(request, Kind.PAGE)
        response = view(request, user, *args, **kwargs)
        add_never_cache_headers(response)
        return response

    guarded.required_action = OWN  # type: ignore[attr-defined]
    opens_before_steps(guarded)
    return guarded


def _present_user(request: HttpRequest, *, renews: bool) -> User | None:
    user = request.user
    if not isinstance(user, User):
        return None
    # Of a big screen it says when it was last seen, which is all that can be known of it.
    if renews or person_of(request).is_screen or SEEN not in request.session:
        renew(request)
    return user


def _to_login(request: HttpRequest, kind: Kind) -> HttpResponseBase:
    if kind is Kind.PAGE:
        return redirect(path_to_login(request, is_page=True))
    if kind is Kind.PART:
        return HttpResponse(status=401, headers={"HX-Redirect": path_to_login(request, is_page=False)})
    return refuse(401, "登录已失效，请重新登录")


def _refusal(request: HttpRequest, user: User, kind: Kind, action: Action) -> HttpResponseBase:
    if kind is Kind.PAGE:
        context = {
            "action_label": action.label,
            "may_audit": bool(actions_allowed(user) & READ_LOGS),
            "has_admin": admin.site.has_permission(request),
            # Where administrators go who watch nothing.
            "may_oversee": action != Action.OVERSEE and bool(paths_allowed(user, Action.OVERSEE)),
        }
        return render(request, "console/forbidden.html", context, status=403)
    message = f"没有“{action.label}”权限"
    return refuse(403, message) if kind is Kind.JSON else HttpResponse(message, status=403)


def _is_for_screens(request: HttpRequest, view: object) -> bool:
    return request.method in getattr(view, "screen_methods", ())


def _refusal_of_screen(request: HttpRequest, kind: Kind) -> HttpResponseBase:
    if kind is Kind.PAGE:
        return render(request, "console/forbidden.html", {"is_screen": True}, status=403)
    return refuse(403, SCREEN_ONLY) if kind is Kind.JSON else HttpResponse(SCREEN_ONLY, status=403)


def _told(request: HttpRequest, kind: Kind, error: ProtocolError) -> HttpResponseBase:
    status = 502 if isinstance(error, RemoteError) else int(error.code)
    if kind is Kind.JSON:
        return refuse(status, error.message)
    if kind is Kind.PAGE:
        return refused_page(request, status, error.message)
    return HttpResponse(error.message, status=status, content_type="text/plain; charset=utf-8")


def refused_page(request: HttpRequest, status: int, message: str) -> HttpResponse:
    """A sentence inside the frame, so that nobody is led to a dead end."""
    context = {"heading": _HEADINGS.get(status, "没有完成"), "words": message}
    return render(request, "console/refused.html", context, status=status)


def refuse(status: int, message: str) -> JsonResponse:
    response = JsonResponse({"message": message}, status=status, json_dumps_params={"ensure_ascii": False})
    add_never_cache_headers(response)
    return response
