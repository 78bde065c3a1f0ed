"""Alarms about what piles up on the way to an upper platform; they close themselves."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.conf import settings
from django.utils import timezone

from access.services.alarms import close_alarm, raise_alarm
from ministry.choices import Interface
from ministry.models import UpperPlatform
from ministry.selectors import Backlog, backlog_by_interface
from ministry.selectors.overview import parked_items
from ministry.services.health import Topic, alarm_key, settle_interface

_EXAMPLES: Final = 3


def watch_platforms() -> None:
    """Of those that are switched off nothing is awaited."""
    now = timezone.now()
    for platform in UpperPlatform.objects.select_related("organisation"):
        waiting = backlog_by_interface(platform) if platform.is_active else {}
        for interface, kind in waiting.items():
            if not kind.waiting and not kind.hourly:
                settle_interface(platform, interface)
        _watch_backlog(platform, waiting, now)
        _watch_parked(platform, waiting)


def _watch_backlog(platform: UpperPlatform, waiting: Mapping[Interface, Backlog], now: datetime) -> None:
    key = alarm_key(platform, Topic.BACKLOG)
    oldest = min((kind.oldest for kind in waiting.values() if kind.oldest), default=now)
    seconds = int((now - oldest).total_seconds())
    if seconds <= settings.MINISTRY_BACKLOG_ALARM_SECONDS:
        close_alarm(key=key)
        return
    # Those parked may be due hourly only, and not among those that wait.
    counts = {interface: max(0, kind.waiting - kind.parked) for interface, kind in waiting.items()}
    raise_alarm(
        key=key,
        title=f"{platform.name}：上报积压",
        message=f"{_counted(counts)}等待上报，最早的已等待 {seconds // 60} 分钟",
    )


def _watch_parked(platform: UpperPlatform, waiting: Mapping[Interface, Backlog]) -> None:
    key = alarm_key(platform, Topic.PARKED)
    counts = {interface: kind.parked for interface, kind in waiting.items()}
    if not any(counts.values()):
        close_alarm(key=key)
        return
    reasons = "；".join(
        f"{item.camera.name}（{item.interface.label}）：{item.reason}"
        for item in parked_items(platform, _EXAMPLES)
    )
    raise_alarm(
        key=key,
        title=f"{platform.name}：{sum(counts.values())} 项上报被反复拒绝",
        message=f"{_counted(counts)}已搁置，每小时重试一次。{reasons}",
    )


def _counted(counts: Mapping[Interface, int]) -> str:
    return "、".join(f"{interface.label} {count} 项" for interface, count in counts.items() if count)
