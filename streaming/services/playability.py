"""Whether cameras that we call online can be played, tried as third parties try it: before the ministry does.

Every camera once an hour, in small slices, over its public address: HTTP 200 and two pieces of 512 bytes in time.
"""

import math
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Final

import urllib3
from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from access.choices import Severity
from access.services.alarms import close_alarm, raise_alarm
from cameras.choices import OnlineStatus
from cameras.models import Camera
from protocol.connections import Deadline, connection_pool
from protocol.errors import RemoteError
from protocol.play_urls import CAPTURE_UID
from protocol.tls import tls_fault
from streaming.addresses import Outlet, Signer
from streaming.choices import Audience, PlayResult, VideoType
from streaming.models import PlayCheck, PushSession
from streaming.selectors import CONFIRMED_FAILURES, Placement, unplayable

# What a third party wants to see of a stream.
PIECES: Final = 2
PIECE_BYTES: Final = 512
# One that failed is tried again so soon: once may be a gateway that reconnects.
AGAIN_SECONDS: Final = 300
ALARM_KEY: Final = "play-check"
_AT_ONCE: Final = 8
# A run leaves the rest to the next one, a minute later.
_BUDGET_SECONDS: Final = 40.0
_RUNS_AN_HOUR: Final = 60
_EXAMPLES: Final = 3


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one address; `first_byte_ms` from the request to the first byte of the stream."""

    result: PlayResult
    first_byte_ms: int | None = None
    detail: str = ""


def check_playability(*, now: datetime | None = None) -> int:
    """The slice that is due; how many were tried."""
    at = now or timezone.now()
    placement = Placement()
    if not placement.has_server:
        return 0
    cameras = _due(at)
    servers = dict(
        PushSession.objects.filter(
            camera__in=[camera.pk for camera in cameras], video_type=VideoType.LOW
        ).values_list("camera_id", "media_server_id")
    )
    # Looked up here: a thread that asks the database would leave its connection behind.
    wanted = [(camera, placement.outlet(servers.get(camera.pk), Audience.PARTNERS)) for camera in cameras]
    ends_at = time.monotonic() + _BUDGET_SECONDS

    def try_one(camera: Camera, outlet: Outlet) -> tuple[Camera, Tried] | None:
        if time.monotonic() > ends_at:
            return None
        # Signed right before use, as for somebody who plays at once; a signer is not for several threads.
        url, _ = Signer(CAPTURE_UID, settings.PLAY_URL_TTL_SECONDS).sign(
            outlet, camera.stream_name(VideoType.LOW)
        )
        return camera, try_url(url, ca_file="" if outlet.domain else outlet.adapter.server.ca_file)

    with ThreadPoolExecutor(_AT_ONCE) as crew:
        tried = [found for found in crew.map(lambda pair: try_one(*pair), wanted) if found is not None]
    _keep(tried, at)
    _tell_alarm()
    return len(tried)


def try_url(url: str, *, ca_file: str = "") -> Tried:
    """Open an HTTP-FLV address and read the beginning of it; never raises what the other side is to blame for."""
    began = time.monotonic()
    seconds = float(settings.PLAY_CHECK_SECONDS)
    timeout = urllib3.Timeout(connect=seconds, read=seconds)
    first_byte_ms: int | None = None
    with Deadline(seconds) as deadline:
        try:
            answer = connection_pool(url, ca_file or None).request(
                "GET", url, preload_content=False, redirect=False, retries=False, timeout=timeout
            )
            try:
                if answer.status != 200:
                    return _turned_away(answer.status)
                found = b""
                while len(found) < PIECES * PIECE_BYTES and (piece := answer.read1(PIECE_BYTES)):
                    if first_byte_ms is None:
                        first_byte_ms = round((time.monotonic() - began) * 1000)
                    found += piece
            finally:
                # A stream has no end to be read to.
                answer.close()
        except (urllib3.exceptions.HTTPError, OSError, RemoteError) as error:
            is_late = deadline.is_over or isinstance(error, urllib3.exceptions.ReadTimeoutError)
            if is_late or first_byte_ms is not None:
                return Tried(PlayResult.SILENT, first_byte_ms, f"{seconds:.0f} 秒内没有足够的数据")
            return Tried(PlayResult.UNREACHABLE, None, tls_fault(error) or type(error).__name__)
    if not found.startswith(b"FLV"):
        return Tried(PlayResult.NOT_VIDEO, first_byte_ms, "不是 FLV 数据" if found else "没有数据")
    if len(found) < PIECES * PIECE_BYTES:
        return Tried(PlayResult.SILENT, first_byte_ms, f"只有 {len(found)} 字节")
    return Tried(PlayResult.PLAYABLE, first_byte_ms)


def _turned_away(status: int) -> Tried:
    known = {401: PlayResult.REFUSED, 403: PlayResult.REFUSED, 404: PlayResult.ABSENT}
    return Tried(known.get(status, PlayResult.UNREACHABLE), None, f"HTTP {status}")


def _due(at: datetime) -> list[Camera]:
    """Those tried longest ago, and with a share of their own those that failed; in the order to be tried.

    Were they to share, what failed would wait for its confirmation behind all that was not tried yet.
    """
    online = Camera.objects.filter(deleted_at=None, is_pending=False, status=OnlineStatus.ONLINE)
    hour_ago, lately = at - timedelta(hours=1), at - timedelta(seconds=AGAIN_SECONDS)
    # One more, so that the hour suffices for those that came online meanwhile.
    share = math.ceil(online.count() / _RUNS_AN_HOUR) + 1
    hourly = online.filter(Q(play_check=None) | Q(play_check__checked_at__lte=hour_ago))
    hourly = hourly.order_by(F("play_check__checked_at").asc(nulls_first=True), "pk")[:share]
    failed = online.filter(play_check__checked_at__gt=hour_ago, play_check__checked_at__lte=lately)
    failed = failed.exclude(play_check__result=PlayResult.PLAYABLE).select_related("play_check")
    again = list(failed.order_by("play_check__failures", "play_check__checked_at", "pk")[:share])
    in_doubt = [camera for camera in again if camera.play_check.failures < CONFIRMED_FAILURES]
    # In turn, since time may not suffice for all; what is known to fail, perhaps slowly, comes last.
    in_turn = [camera for pair in zip_longest(hourly, in_doubt) for camera in pair if camera is not None]
    return in_turn + again[len(in_doubt) :]


def _keep(tried: Iterable[tuple[Camera, Tried]], at: datetime) -> None:
    rows = [
        PlayCheck(
            camera=camera,
            checked_at=at,
            result=one.result,
            first_byte_ms=one.first_byte_ms,
            detail=one.detail[:100],
            failures=0 if one.result == PlayResult.PLAYABLE else 1,
        )
        for camera, one in tried
    ]
    known = dict(
        PlayCheck.objects.filter(camera__in=[row.camera_id for row in rows]).values_list("camera", "failures")
    )
    for row in rows:
        if row.failures:
            row.failures += known.get(row.camera_id, 0)
    PlayCheck.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["camera"],
        update_fields=["checked_at", "result", "first_byte_ms", "detail", "failures"],
    )


def _tell_alarm() -> None:
    found = unplayable(Camera.objects.all())
    count = found.count()
    if not count:
        close_alarm(key=ALARM_KEY)
        return
    examples = "；".join(f"{check.camera.name} {check.get_result_display()}" for check in found[:_EXAMPLES])
    raise_alarm(
        key=ALARM_KEY,
        title="在线摄像机无法播放",
        message=f"{count} 路摄像机状态为在线，但按播放地址连续取不到视频。例如：{examples}",
        severity=Severity.WARNING,
    )
