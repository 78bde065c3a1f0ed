"""Nothing but the envelope leaves `/service/`; pages carry a content security policy."""

from collections.abc import Awaitable, Callable

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import SimpleLazyObject

from access.answers import error_response
from access.handlers import as_protocol_error, is_service_path, replaced
from access.page_policy import page_policy
from access.sign_in_steps import user_present


class EnvelopeMiddleware:
    """Outermost but for static files, so that a bad host or a broken session is told in JSON too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not is_service_path(request.path_info):
            return self.get_response(request)
        origin = _allowed_origin(request)
        if origin and request.method == "OPTIONS":
            response: HttpResponseBase = HttpResponse(status=204)
        else:
            response = self.get_response(request)
            if not response.headers.get("Content-Type", "").startswith("application/json"):
                response = replaced(response, request)
        if settings.SERVICE_CORS_ORIGINS:
            _allow_origin(response, origin)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """What escapes a verb, such as a body that cannot be written as JSON."""
        if not is_service_path(request.path_info):
            return None
        return error_response(as_protocol_error(exception, request))


def _allowed_origin(request: HttpRequest) -> str | None:
    origin = request.headers.get("Origin")
    allowed = settings.SERVICE_CORS_ORIGINS
    return origin if origin and (origin in allowed or "*" in allowed) else None


def _allow_origin(response: HttpResponseBase, origin: str | None) -> None:
    patch_vary_headers(response, ["Origin"])
    if origin is None:
        return
    # No credentials: a token is given by the page itself, a cookie of ours never opens /service/.
    response["Access-Control-Allow-Origin"] = origin
    response["Access-Control-Allow-Methods"] = "GET, POST"
    response["Access-Control-Allow-Headers"] = "TAuth, Authorization, AppVersion, Content-Type"
    response["Access-Control-Expose-Headers"] = "Retry-After"
    response["Access-Control-Max-Age"] = "600"


class ContentSecurityPolicyMiddleware:
    """No inline script, nothing from elsewhere; a view may set a policy of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            # Streams come from elsewhere; the one page that plays them has a policy of its own (console/policy.py).
            response.headers.setdefault("Content-Security-Policy", page_policy())
        return response


class _PagesOnly(MiddlewareMixin):
    """Left out below `/service/`: partners have tokens, not sessions, and ask a thousand times a second."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if is_service_path(request.path_info):
            return self.get_response(request)
        return super().__call__(request)


class PageSessionMiddleware(_PagesOnly, SessionMiddleware):
    pass


class PageAuthenticationMiddleware(_PagesOnly, AuthenticationMiddleware):
    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        signed_in = request.user
        # Found out only by who asks: pictures with a signed address need no session.
        request.user = SimpleLazyObject(lambda: user_present(request, signed_in))  # type: ignore[assignment]


class PageMessageMiddleware(_PagesOnly, MessageMiddleware):
    pass
