"""What media servers send out, against what the province has to have (300 Mbit/s per 1,000 cameras)."""

from typing import Final

from django.conf import settings
from django.db.models import Sum

from access.choices import Severity
from access.services.alarms import close_alarm, raise_alarm
from cameras.models import Camera
from streaming.models import MediaServer

ALARM_KEY: Final = "media-egress"
# Below it a handful of viewers would be an alarm.
_FEWEST_CAMERAS: Final = 1000
# An alarm is over below this part of the plan: around the plan itself it would open and close every few seconds.
_CALM: Final = 0.9


def egress_kbps() -> int:
    """Of all servers in use, reckoned from bit rates and viewers as they were listed last; none tells what it sends."""
    servers = MediaServer.objects.filter(is_active=True)
    return servers.aggregate(total=Sum("egress_kbps"))["total"] or 0


def egress_limit_kbps() -> int:
    cameras = Camera.objects.filter(deleted_at=None, is_pending=False).count()
    return max(cameras, _FEWEST_CAMERAS) * int(settings.EGRESS_KBPS_PER_CAMERA)


def judge_egress() -> None:
    """An alarm is raised when more goes out than was planned for, and stands until it is clearly less."""
    total = egress_kbps()
    # The ledger is counted only when there is much to compare with it.
    if total <= _CALM * _FEWEST_CAMERAS * settings.EGRESS_KBPS_PER_CAMERA:
        close_alarm(key=ALARM_KEY)
        return
    most = egress_limit_kbps()
    if total <= most:
        if total <= _CALM * most:
            close_alarm(key=ALARM_KEY)
        return
    raise_alarm(
        key=ALARM_KEY,
        title="媒体服务器出口流量超过规划",
        message=f"按码率与观看数估算合计 {total / 1000:.0f} Mbit/s，规划为 {most / 1000:.0f} Mbit/s（每路 {settings.EGRESS_KBPS_PER_CAMERA} kbit/s）",
        severity=Severity.WARNING,
    )
