"""Settings under which pictures would be lost or the document broken."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register


@register
def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if not _is_writable(settings.SNAPSHOT_ROOT):
        found.append(Error(f"截图目录 {settings.SNAPSHOT_ROOT} 不可写", id="snapshots.E001"))
    if settings.SNAPSHOT_PERIOD_SECONDS < 1 or settings.SNAPSHOT_SHARD_SIZE < 1:
        found.append(Error("SNAPSHOT_PERIOD_SECONDS 与 SNAPSHOT_SHARD_SIZE 须为正数", id="snapshots.E002"))
    elif not _is_on_the_clock(settings.SNAPSHOT_PERIOD_SECONDS):
        words = "SNAPSHOT_PERIOD_SECONDS 须能整除一小时，为整分钟（试验可短于一分钟），且不超过 300 秒"
        found.append(Error(words, id="snapshots.E003"))
    if settings.SNAPSHOT_RETENTION_DAYS < 7:
        found.append(Warning("截图保留少于 7 天，不符合文件 4.1 第 2 条 c 款", id="snapshots.W001"))
    return found


def _is_on_the_clock(period: int) -> bool:
    """Rounds begin by the clock (province.celery), and five minutes is the most of document 4.1 2.c."""
    return 3600 % period == 0 and (period < 60 or period % 60 == 0) and period <= 300


def _is_writable(folder: Path) -> bool:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
