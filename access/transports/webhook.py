"""Webhooks: a JSON of our own by POST, signed with HMAC-SM3 or with a token (docs/alarms.md)."""

from typing import Any, Final

import orjson
import urllib3
from django.conf import settings
from urllib3.exceptions import HTTPError

from access.addresses import Place, allowed_place
from access.choices import WebhookProof
from access.models import AlarmTarget
from access.transports.base import Entry, Message
from protocol.connections import Deadline, pinned_pool
from protocol.errors import RemoteError, shorten
from protocol.sm2 import hmac_sm3
from protocol.tls import tls_fault

# What of an answer is read; nothing of it is needed but for the reason of a refusal.
_READ_BYTES: Final = 4096
_SHOWN: Final = 80


class WebhookTransport:
    def send(self, target: AlarmTarget, message: Message) -> None:
        """Success is 2xx; a redirect is none, it could lead anywhere."""
        place = allowed_place(target.url, settings.ALARM_NETWORKS)
        body = orjson.dumps(content_of(message))
        status, said = _post(target, place, body, headers_of(target, message, body))
        if not 200 <= status < 300:
            raise RemoteError(f"对方答复 HTTP {status} {said}".strip(), http_status=status)


def content_of(message: Message) -> dict[str, Any]:
    return {
        "platform": message.platform,
        "sentAt": message.sent_at.isoformat(timespec="seconds"),
        "alarms": [_entry(entry) for entry in message.entries],
    }


def headers_of(target: AlarmTarget, message: Message, body: bytes) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "User-Agent": "highway-video-cloud"}
    if target.proof == WebhookProof.HMAC_SM3:
        stamp = str(int(message.sent_at.timestamp()))
        signed = hmac_sm3(target.secret.encode(), f"{stamp}.".encode() + body)
        headers |= {"X-Alarm-Timestamp": stamp, "X-Alarm-Signature": f"sm3={signed.hex()}"}
    elif target.proof == WebhookProof.BEARER:
        headers["Authorization"] = f"Bearer {target.secret}"
    return headers


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "delivery": entry.delivery_id,
        "event": entry.event.value,
        "alarm": entry.alarm_id,
        "key": entry.key,
        "severity": int(entry.severity),
        "severityName": entry.severity.label,
        "title": entry.title,
        "message": entry.message,
        "organisation": entry.organisation,
        "beganAt": entry.began_at.isoformat(timespec="seconds"),
        "openedAt": entry.opened_at.isoformat(timespec="seconds"),
        "closedAt": entry.closed_at.isoformat(timespec="seconds") if entry.closed_at else None,
        "url": entry.url,
    }


def _post(target: AlarmTarget, place: Place, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    """Status and beginning of the answer; the whole of it within ALARM_SEND_SECONDS."""
    seconds = settings.ALARM_SEND_SECONDS
    pool = pinned_pool(place.scheme, place.host, place.address, place.port, target.ca_file or None)
    named = {**headers, "Host": urllib3.util.parse_url(target.url).netloc or place.host}
    with pool, Deadline(seconds) as deadline:
        try:
            response = pool.urlopen(
                "POST",
                urllib3.util.parse_url(target.url).request_uri,
                body=body,
                headers=named,
                timeout=urllib3.Timeout(connect=min(3, seconds), read=seconds),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            try:
                said = response.read(_READ_BYTES, decode_content=False) if response.status >= 300 else b""
            finally:
                response.close()
            deadline.check()
        except (HTTPError, OSError) as error:
            deadline.check()
            reason = tls_fault(error) or ("超时" if "timed out" in str(error) else "连接失败")
            raise RemoteError(f"{place.host} 无法访问：{reason}") from error
    return response.status, shorten(said.decode("utf-8", "replace").strip()[:_SHOWN])
