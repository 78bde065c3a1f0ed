"""Settings under which the diagnosis would say nothing, or hold up the captures."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from quality.timing import MOST_AT_ONCE, ROUND_SECONDS

_SHORTEST_BURST = 1.0


@register
def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.QUALITY_LOST_CAPTURES < 1 or settings.QUALITY_MUTE_MINUTES < 0:
        words = "QUALITY_LOST_CAPTURES 须为正数，QUALITY_MUTE_MINUTES 不得为负"
        found.append(Error(words, id="quality.E001"))
    if settings.QUALITY_BURST_SECONDS < _SHORTEST_BURST:
        found.append(Error("QUALITY_BURST_SECONDS 不得短于 1 秒：看不出闪烁", id="quality.E002"))
    if settings.HISTORY_KEEP_DAYS < settings.SNAPSHOT_RETENTION_DAYS:
        words = "HISTORY_KEEP_DAYS 不得短于 SNAPSHOT_RETENTION_DAYS：在线统计要用那些天的变化"
        found.append(Error(words, id="quality.E004"))
    most = MOST_AT_ONCE * 60 // ROUND_SECONDS
    if not 0 <= settings.QUALITY_BURSTS_PER_MINUTE <= most:
        found.append(Error(f"QUALITY_BURSTS_PER_MINUTE 须在 0 至 {most} 之间", id="quality.E003"))
    # A round reads its streams at the same time: the longest wait is the time-out and the seconds behind it.
    if settings.QUALITY_BURST_SECONDS + settings.SNAPSHOT_TIMEOUT_SECONDS > ROUND_SECONDS:
        words = (
            f"QUALITY_BURST_SECONDS 与 SNAPSHOT_TIMEOUT_SECONDS 之和超过 {ROUND_SECONDS} 秒，"
            "短时分析会一轮压一轮，挤占截图"
        )
        found.append(Warning(words, id="quality.W001"))
    return found
