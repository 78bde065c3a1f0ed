"""Whatever goes wrong below `/service/` becomes the envelope; elsewhere Django's own pages stand."""

import logging
import math
import secrets
import sys

from django.conf import settings
from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, UnreadablePostError
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import APIException
from rest_framework.response import Response

from access.answers import enveloped, error_headers, error_response, http_status
from access.bodies import BodyTooSlowError, TooManyBodiesError
from access.callers import presented_token
from access.models import Partner
from access.services.tokens import authenticate
from protocol.codes import Code
from protocol.errors import (
    ForbiddenError,
    InternalError,
    MalformedError,
    NotFoundError,
    ProtocolError,
    shorten,
)

logger = logging.getLogger(__name__)


def is_service_path(path: str) -> bool:
    return path == "/service" or path.startswith("/service/")


def envelope_exception_handler(exc: Exception, context: dict[str, object]) -> Response:
    """What Django REST framework calls when a verb raised."""
    view = context["view"]
    partner = getattr(exc, "partner", None) or getattr(view, "profile", None)
    error = as_protocol_error(exc, context["request"])
    return Response(
        enveloped(error.code, error.message, None, partner),
        status=http_status(error.code, partner),
        headers=error_headers(error),
    )


def as_protocol_error(exc: BaseException, request: object) -> ProtocolError:
    """The document's error for any exception; what is inside becomes an id that only the log explains."""
    error = exc if isinstance(exc, ProtocolError) else _known(exc)
    if error is not None and error.code != Code.INTERNAL:
        return error
    error_id = _log(exc, request)
    said = error.message if error is not None else "程序内部出现异常"
    return InternalError(f"{said}（错误编号 {error_id}）")


def _known(exc: BaseException) -> ProtocolError | None:
    match exc:
        case Http404():
            return NotFoundError("不存在")
        case PermissionDenied():
            return ForbiddenError("权限出错")
        case RequestDataTooBig():
            limit = (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0) / 2**20
            return MalformedError(f"请求体超过 {limit:g} MiB")
        case UnreadablePostError():
            return _unreadable(exc)
        case SuspiciousOperation() | BadRequest():
            return MalformedError("请求格式错误")
        case APIException() if exc.status_code < 500:
            return MalformedError(shorten(str(exc.detail)))
    return None


def _unreadable(exc: BaseException) -> ProtocolError:
    cause: BaseException | None = exc
    while isinstance(cause, UnreadablePostError):
        cause = cause.__cause__
    match cause:
        case BodyTooSlowError():
            pace = settings.BODY_BYTES_PER_SECOND / 1024
            return MalformedError(
                f"请求体没有及时传完：应在 {settings.BODY_SECONDS:g} 秒内传完，较大的每秒不少于 {pace:g} KiB"
            )
        case TooManyBodiesError():
            return ForbiddenError(
                f"同时传送的请求体过多：最多 {settings.BODIES_AT_ONCE} 个",
                retry_after=math.ceil(settings.BODY_SECONDS),
            )
    return MalformedError("请求体没有传完")


def _log(exc: BaseException | None, request: object) -> str:
    # Never the query: it carries tokens and signatures (threats.md 4).
    error_id = secrets.token_hex(4)
    where = f"{getattr(request, 'method', '')} {getattr(request, 'path', '')}"
    logger.error("error %s at %s", error_id, where, exc_info=exc or False)
    return error_id


@csrf_exempt
def unknown_verb(request: HttpRequest, verb: str = "") -> HttpResponse:
    return error_response(NotFoundError(f"没有接口 {shorten(verb)}"), _partner_of(request))


def _partner_of(request: HttpRequest) -> Partner | None:
    """Only for the style of an answer that is an error anyway."""
    token = presented_token(request.META)
    try:
        return None if token is None else authenticate(token).partner
    except ProtocolError:
        return None


def replaced(response: HttpResponseBase, request: HttpRequest) -> HttpResponse:
    """The envelope in place of an answer that is none: a page of Django's, a redirect, an empty body."""
    status = response.status_code
    if status == 403:
        return error_response(ForbiddenError("权限出错"))
    if status == 404 or 300 <= status < 400:
        return error_response(NotFoundError("不存在"))
    if 400 <= status < 500:
        return error_response(MalformedError("请求格式错误"))
    return error_response(InternalError(f"程序内部出现异常（错误编号 {_log(None, request)}）"))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if is_service_path(request.path_info):
        return error_response(as_protocol_error(exception, request))
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if is_service_path(request.path_info):
        return error_response(ForbiddenError("权限出错"))
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if is_service_path(request.path_info):
        return unknown_verb(request, request.path_info.removeprefix("/service/"))
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    if is_service_path(request.path_info):
        # Django calls this while it handles the exception, and hands it to nobody.
        return error_response(as_protocol_error(sys.exc_info()[1] or RuntimeError("unknown"), request))
    return defaults.server_error(request)
