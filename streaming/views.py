"""Callbacks of media servers. They tell what happened; signatures were checked by the server itself."""

import hmac
import ipaddress
import json
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from streaming.choices import VideoType
from streaming.models import MediaServer
from streaming.selectors import camera_of_stream
from streaming.services import presence
from streaming.services.pushes import is_coming, request_high_stream


@csrf_exempt
@require_POST
def media_hook(request: HttpRequest, name: str) -> JsonResponse:
    """One event of the media server `name`; header X-Media-Secret."""
    server = MediaServer.objects.filter(name=name, is_active=True).first()
    secret = request.headers.get("X-Media-Secret", "")
    if (
        server is None
        or not server.secret
        or not hmac.compare_digest(secret.encode("utf-8", "replace"), server.secret.encode())
    ):
        return JsonResponse({"code": 403, "msg": "媒体服务器未登记或密钥不符"}, status=403)
    try:
        event = json.loads(request.body)
        kind, stream = str(event["event"]), str(event["stream"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return JsonResponse({"code": 400, "msg": "回调应为含 event 与 stream 的 JSON 对象"}, status=400)
    return JsonResponse({"code": 0, "wait": _handle(server, kind, stream, event)})


def _handle(server: MediaServer, kind: str, stream: str, event: dict[str, Any]) -> bool:
    """True only for `not_found` of a stream that is on its way."""
    match kind:
        case "publish":
            presence.stream_appeared(server=server, stream=stream)
        case "unpublish":
            presence.stream_vanished(server=server, stream=stream)
        case "refused_codec":
            presence.stream_refused(stream=stream, codec=_text(event, "codec"))
        case "play":
            presence.viewer_came(
                stream=stream,
                uid=_text(event, "uid"),
                address=_address(_text(event, "address")),
                protocol=_text(event, "protocol"),
            )
        case "stop":
            presence.viewer_left(stream=stream)
        case "not_found":
            return _is_coming(stream)
    return False


def _text(event: dict[str, Any], name: str) -> str:
    # PostgreSQL refuses NUL and lone surrogates in text.
    return str(event.get(name) or "").replace("\0", "").encode("utf-8", "replace").decode()


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def _is_coming(stream: str) -> bool:
    found = camera_of_stream(stream)
    if found is None:
        return False
    camera, video_type = found
    if video_type == VideoType.HIGH:
        request_high_stream(camera=camera)
    return is_coming(camera=camera, video_type=video_type)
