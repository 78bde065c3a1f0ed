"""Callbacks of media servers, and the two questions of a proxy before HLS. Who asks is checked here, no more."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from access.actors import address_of
from protocol.errors import ForbiddenError, NotFoundError
from streaming.media import MediaAdapter, adapter_for
from streaming.media.events import HookCall, HookError, Verdict
from streaming.models import MediaServer
from streaming.services import hls
from streaming.services.hooks import answer_event


@csrf_exempt
@require_POST
def media_hook(request: HttpRequest, name: str, hook: str = "") -> JsonResponse:
    """One callback of the media server `name`."""
    adapter = _adapter(name)
    call = HookCall(hook, request.GET.dict(), request.headers, request.body)
    try:
        if adapter is None or not adapter.is_genuine(call):
            return _refusal(403, "媒体服务器未登记或密钥不符")
        event = adapter.parse_hook(call)
    except HookError as error:
        return _refusal(400, str(error))
    verdict = answer_event(adapter=adapter, event=event) if event else Verdict()
    reply = adapter.hook_reply(event, verdict)
    return JsonResponse(reply.body, status=reply.status)


@require_safe
def hls_entry(request: HttpRequest, name: str, stream: str) -> HttpResponseBase:
    """The signed HLS address of a stream: on to a session of its own."""
    adapter = _adapter(name)
    if adapter is None:
        return _refusal(404, "媒体服务器未登记")
    query = request.META.get("QUERY_STRING", "")
    try:
        entry = hls.enter(adapter=adapter, stream=stream, query=query, address=address_of(request) or "")
    except (ForbiddenError, NotFoundError) as error:
        return _refusal(error.code, error.message)
    # A path without host stays right behind any proxy.
    return HttpResponseRedirect(entry.location, headers={"Cache-Control": "no-store"})


@require_safe
def hls_file(request: HttpRequest, name: str) -> HttpResponseBase:
    """May the file of X-Original-URI be had? 204 with its path at the server, or 403 (nginx auth_request)."""
    adapter = _adapter(name)
    try:
        if adapter is None:
            raise ForbiddenError("媒体服务器未登记")
        path = hls.file_of_session(adapter=adapter, uri=request.headers.get("X-Original-URI", ""))
    except ForbiddenError as error:
        return _refusal(403, error.message)
    return HttpResponse(status=204, headers={"X-Media-Path": path})


def _adapter(name: str) -> MediaAdapter | None:
    server = MediaServer.objects.filter(name=name, is_active=True).first()
    return adapter_for(server) if server else None


def _refusal(status: int, message: str) -> JsonResponse:
    return JsonResponse({"code": status, "msg": message}, status=status, headers={"Cache-Control": "no-store"})
