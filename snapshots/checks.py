"""Settings under which pictures would be lost or the document broken."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from snapshots.models import LEAST_DAYS, MOST_DAYS


@register
def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.SNAPSHOT_PERIOD_SECONDS < 1 or settings.SNAPSHOT_SHARD_SIZE < 1:
        found.append(Error("SNAPSHOT_PERIOD_SECONDS 与 SNAPSHOT_SHARD_SIZE 须为正数", id="snapshots.E002"))
    elif not _is_on_the_clock(settings.SNAPSHOT_PERIOD_SECONDS):
        words = "SNAPSHOT_PERIOD_SECONDS 须能整除一小时，为整分钟（试验可短于一分钟），且不超过 300 秒"
        found.append(Error(words, id="snapshots.E003"))
    if not LEAST_DAYS <= settings.SNAPSHOT_RETENTION_DAYS <= MOST_DAYS:
        words = f"SNAPSHOT_RETENTION_DAYS 须为 {LEAST_DAYS} 至 {MOST_DAYS} 天（技术要求 4.1 第 2 条 c 款：不少于 7 天）"
        found.append(Error(words, id="snapshots.E004"))
    if min(settings.SNAPSHOT_READS_AT_ONCE, settings.SNAPSHOT_READS_PER_SERVER) < 1:
        words = "SNAPSHOT_READS_AT_ONCE 与 SNAPSHOT_READS_PER_SERVER 须为正数"
        found.append(Error(words, id="snapshots.E005"))
    if not 0 < settings.SNAPSHOT_WARN_PERCENT < 100:
        found.append(Error("SNAPSHOT_WARN_PERCENT 须在 0 与 100 之间，满之前才来得及", id="snapshots.E006"))
    if not 1 <= settings.SNAPSHOT_JPEG_QUALITY <= 100:
        found.append(Error("SNAPSHOT_JPEG_QUALITY 须为 1 至 100", id="snapshots.E009"))
    period = settings.SNAPSHOT_PERIOD_SECONDS
    if settings.SNAPSHOT_TIMEOUT_SECONDS <= 0 or 1 <= period <= settings.SNAPSHOT_TIMEOUT_SECONDS:
        words = "SNAPSHOT_TIMEOUT_SECONDS 须大于 0、短于 SNAPSHOT_PERIOD_SECONDS，否则取不到截图或等过了时段"
        found.append(Error(words, id="snapshots.E010"))
    return found + _check_storage()


def _check_storage() -> list[CheckMessage]:
    kind = settings.SNAPSHOT_STORAGE
    if kind == "folder":
        root = settings.SNAPSHOT_ROOT
        return [] if _is_writable(root) else [Error(f"截图目录 {root} 不可写", id="snapshots.E001")]
    if kind != "s3":
        return [Error("SNAPSHOT_STORAGE 须为 folder 或 s3", id="snapshots.E007")]
    names = ("SNAPSHOT_S3_BUCKET", "SNAPSHOT_S3_ACCESS_KEY", "SNAPSHOT_S3_SECRET_KEY")
    if missing := [name for name in names if not getattr(settings, name)]:
        return [Error(f"截图存于对象存储，须设置 {'、'.join(missing)}", id="snapshots.E008")]
    if not settings.SNAPSHOT_QUOTA_BYTES:
        words = "对象存储不报告余量；设置 SNAPSHOT_QUOTA_BYTES 才能在写满之前告警"
        return [Warning(words, id="snapshots.W002")]
    return []


def _is_on_the_clock(period: int) -> bool:
    """Rounds begin by the clock (province.celery), and five minutes is the most of document 4.1 2.c."""
    return 3600 % period == 0 and (period < 60 or period % 60 == 0) and period <= 300


def _is_writable(folder: Path) -> bool:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
