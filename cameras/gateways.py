"""Our client to roadside gateways (document section 3), in the dialect of each gateway's record.

Every call raises `RemoteError` when the gateway refuses, fails or stays silent; `permanent` tells
whether the same order may be tried again.
"""

import ipaddress
import socket
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from access.services.tokens import newest_used_token
from cameras.choices import GatewayStyle
from cameras.models import Gateway
from protocol.client import Method, Param, call_with_token
from protocol.codes import ItemStatus, PtzAction, VideoType
from protocol.commands import PushCommand
from protocol.configuration import REFRESH_CONFIGURATION
from protocol.envelope import Answer, parse_number
from protocol.errors import RemoteError, shorten

ORDER_TIMEOUT_SECONDS = 5.0


def begin_push(gateway: Gateway, camera_number: str, video_type: VideoType, command: PushCommand) -> Answer:
    """VideoTransBegin; code 201 (already pushing there) is success."""
    return _call(
        gateway,
        "VideoTransBegin",
        "POST",
        {"cameraNum": camera_number, "videoType": int(video_type)},
        command.to_wire(port_as_string=gateway.has_port_as_string),
    )


def finish_push(gateway: Gateway, camera_number: str, video_type: VideoType) -> Answer:
    """VideoTransFinish; a stream that the gateway does not push (code 404) is finished as well."""
    try:
        return _call(
            gateway,
            "VideoTransFinish",
            "GET",
            {"cameraNum": camera_number, "videoType": int(video_type)},
        )
    except RemoteError as error:
        if error.remote_code == 404:
            return Answer(code=200, msg=error.message, body={}, http_status=200)
        raise


def order_ptz(
    gateway: Gateway,
    camera_number: str,
    action: PtzAction,
    step: int,
    *,
    timeout_seconds: float = ORDER_TIMEOUT_SECONDS,
) -> Answer:
    """PTZControl of the gateway; it may also refuse the way we do (document 2.2), by `status` under code 200."""
    answer = _call(
        gateway,
        "PTZControl",
        "GET",
        {"cameraNum": camera_number, "action": int(action), "step": step},
        timeout_seconds=timeout_seconds,
    )
    result = answer.body.get("PTZControl")
    if isinstance(result, dict) and not _is_done(result):
        raise RemoteError(
            _reason(result) or shorten(answer.msg) or "无说明",
            permanent=True,
            remote_code=answer.code,
            http_status=answer.http_status,
        )
    return answer


def order_refresh(gateway: Gateway, *, timeout_seconds: float = ORDER_TIMEOUT_SECONDS) -> Answer:
    """RefreshConfiguration: the gateway is to fetch its configuration again."""
    return _call(gateway, REFRESH_CONFIGURATION, "POST", {}, timeout_seconds=timeout_seconds)


def _is_done(result: dict[str, object]) -> bool:
    status = result.get("status")
    return status is None or parse_number(status) == ItemStatus.DONE


def _reason(result: dict[str, object]) -> str:
    said = result.get("message")
    return shorten(said.strip()) if isinstance(said, str) else ""


def _call(
    gateway: Gateway,
    verb: str,
    method: Method,
    params: dict[str, Param],
    body: dict[str, object] | None = None,
    *,
    timeout_seconds: float = ORDER_TIMEOUT_SECONDS,
) -> Answer:
    if not gateway.can_push:
        raise RemoteError("网关未启用或未登记地址", permanent=True)
    check_gateway_address(gateway.base_url)
    # Appendix 2: the gateway is shown the newest token that it has used itself.
    token = newest_used_token(gateway.partner)
    if token is None:
        raise RemoteError("网关尚未使用过令牌，无法向其下发指令", permanent=False)
    try:
        answer = call_with_token(
            gateway.base_url,
            verb,
            token=token,
            method=method,
            params={**params, "user": gateway.partner.user},
            body=body,
            style="single" if gateway.style == GatewayStyle.SINGLE else "verbs",
            ca_file=gateway.ca_file or None,
            timeout=timeout_seconds,
        )
    except RemoteError as error:
        _remember(gateway, error.message if error.remote_code is None else "")
        raise
    _remember(gateway, "", answer)
    if not answer.ok:
        raise answer.error("网关")
    return answer


def _remember(gateway: Gateway, error: str, answer: Answer | None = None) -> None:
    # Only a change is written: orders come many times a second.
    now = timezone.now()
    fresh = gateway.last_answer_at and (now - gateway.last_answer_at).total_seconds() < 10
    if error == gateway.last_error and (error or fresh):
        return
    gateway.last_error = error[:200]
    if not error:
        gateway.last_answer_at = now
    told = {"last_error": gateway.last_error, "last_answer_at": gateway.last_answer_at}
    if answer is not None:
        software = "".join(filter(str.isprintable, answer.server))[:100]
        told |= {"software": software, "certificate_until": answer.certificate_until}
    Gateway.objects.filter(pk=gateway.pk).update(**told)


def check_gateway_address(base_url: str) -> None:
    """Refuse a gateway outside the allowed networks (threats.md 19); raises `RemoteError`."""
    host = urlsplit(base_url).hostname
    if not host:
        raise RemoteError(f"网关地址无效：{base_url[:80]}", permanent=True)
    try:
        found = {row[4][0] for row in socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)}
    except OSError as error:
        raise RemoteError(f"网关地址无法解析：{host}") from error
    networks = [ipaddress.ip_network(text) for text in settings.GATEWAY_NETWORKS]
    for address in found:
        if not any(ipaddress.ip_address(address) in network for network in networks):
            raise RemoteError(f"网关地址 {address} 不在允许的网段内", permanent=True)
