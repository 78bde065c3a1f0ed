"""Whether cameras that we call online can be played, tried as third parties try it: before the ministry does.

Every camera once an hour, in small slices, over its public address: HTTP 200 and two pieces of 512 bytes in time.
"""

import math
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Final

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from access.choices import Severity
from access.services.alarms import close_alarm, raise_alarm
from cameras.choices import OnlineStatus
from cameras.models import Camera
from protocol.play_urls import CAPTURE_UID
from streaming.addresses import Outlet, Signer
from streaming.choices import Audience, PlayResult, VideoType
from streaming.models import PlayCheck, PushSession
from streaming.selectors import CONFIRMED_FAILURES, Placement, unplayable
from streaming.services.opening import Tried, try_flv

# One that failed is tried again so soon: once may be a gateway that reconnects.
AGAIN_SECONDS: Final = 300
ALARM_KEY: Final = "play-check"
_AT_ONCE: Final = 8
# A run leaves the rest to the next one, a minute later.
_BUDGET_SECONDS: Final = 40.0
_RUNS_AN_HOUR: Final = 60
_EXAMPLES: Final = 3


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
        return camera, try_flv(url, ca_file="" if outlet.domain else outlet.adapter.server.ca_file)

    with ThreadPoolExecutor(_AT_ONCE) as crew:
        tried = [found for found in crew.map(lambda pair: try_one(*pair), wanted) if found is not None]
    _keep(tried, at)
    _tell_alarm()
    return len(tried)


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
