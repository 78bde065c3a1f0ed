"""How much room pictures have left: a warning before it is full, an alarm when they cannot be written."""

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db.models import Min, QuerySet, Sum
from django.utils import timezone

from access.choices import Severity
from access.days import day_of, day_start
from access.services.alarms import close_alarm, raise_alarm
from snapshots.choices import SnapshotResult
from snapshots.models import HeldPicture, PictureHold, StoredDay
from snapshots.storage.contract import Room, pictures

_FULL_ALARM, _ROOM_ALARM = "snapshots:storage", "snapshots:room"
# The warning ends this far below where it began, or it would come and go.
_BACK_PERCENT = 2
_GIB = 1 << 30
# A disk with less than this is called full: pictures of one moment need more.
_FULL_BYTES = 16 << 20
_FULL_FILES_PERCENT = 99.9


@dataclass(frozen=True)
class Space:
    """`room` is that of the disk or of the quota, whichever is fuller; None without either."""

    room: Room | None
    is_quota: bool
    # Yesterday's.
    day_bytes: int
    # If every day writes as much as yesterday; infinite where as much goes as comes, None where nothing is known.
    days_left: float | None


def stored_bytes() -> int:
    days = StoredDay.objects.aggregate(size=Sum("size_bytes"))["size"] or 0
    return int(days) + _held_bytes()


def _held_bytes() -> int:
    """What is held for cases beside the days that are there."""
    holds = PictureHold.objects.filter(released_at=None)
    oldest = StoredDay.objects.filter(keep_days=0).aggregate(day=Min("day"))["day"]
    if settings.SNAPSHOT_STORAGE != "folder" or oldest is None:
        return _sum_of(holds)
    # A link to a picture takes no room while its day lives; an organisation's longer days are left out of account.
    since = day_start(oldest)
    parted = holds.filter(begins_at__lt=since, ends_at__gt=since)
    return _sum_of(holds.filter(ends_at__lte=since)) + _sum_of(
        HeldPicture.objects.filter(hold__in=parted, slot_at__lt=since)
    )


def _sum_of(sized: QuerySet[PictureHold] | QuerySet[HeldPicture]) -> int:
    return int(sized.aggregate(size=Sum("size_bytes"))["size"] or 0)


def measure() -> Space:
    """Raises OSError when the storage does not answer."""
    now = timezone.now()
    days = list(StoredDay.objects.all())
    day_bytes = sum(day.size_bytes for day in days if day.day == day_of(now) - timedelta(days=1))
    disk, quota = pictures().room(), _quota()
    rooms = [room for room in (disk, quota) if room is not None]
    fullest = max(rooms, key=lambda room: room.percent, default=None)
    left = _days_left(fullest, days, now) if fullest and day_bytes else None
    return Space(fullest, fullest is not None and fullest is quota, day_bytes, left)


def _days_left(room: Room, days: Sequence[StoredDay], now: datetime) -> float:
    """Day by day: each brings what yesterday brought, and at its end those go whose time is over."""
    today = day_of(now)
    coming = {day.keep_days: day.size_bytes for day in days if day.day == today - timedelta(days=1)}
    going: Counter[date] = Counter()
    for day in days:
        going[_last_day(day.day, day.keep_days)] += day.size_bytes
    free, passed = room.total - room.used, 0.0
    part = (day_start(today + timedelta(days=1)) - now) / timedelta(days=1)
    # Once all that is there has gone, every day is like the one before it.
    end = max(*going, *(_last_day(today, keep_days) for keep_days in coming))
    while today <= end:
        written = part * sum(coming.values())
        if free < written:
            return passed + part * max(0.0, free / written)
        for keep_days, size in coming.items():
            going[_last_day(today, keep_days)] += round(part * size)
        free += going[today] - round(written)
        today, passed, part = today + timedelta(days=1), passed + part, 1.0
    return math.inf


def _last_day(day: date, keep_days: int) -> date:
    """At its end the whole retention lies behind every picture of `day`."""
    return day + timedelta(days=max(keep_days, settings.SNAPSHOT_RETENTION_DAYS))


def _quota() -> Room | None:
    total: int = settings.SNAPSHOT_QUOTA_BYTES
    return Room(stored_bytes(), total) if total else None


def has_room() -> bool:
    """Whether the quota is not spent; a full disk says so itself."""
    quota = _quota()
    return quota is None or quota.used < quota.total


def is_full() -> bool:
    """Whether a picture could not be kept for want of room, so that trying again is of no use."""
    if not has_room():
        return True
    try:
        room = pictures().room()
    except OSError:
        return False
    return room is not None and (
        room.total - room.used < _FULL_BYTES or room.files_percent > _FULL_FILES_PERCENT
    )


def watch() -> Space:
    """Open or close the warning that there is little room left."""
    space = measure()
    percent = space.room.percent if space.room else 0.0
    if percent >= settings.SNAPSHOT_WARN_PERCENT:
        raise_alarm(key=_ROOM_ALARM, title="截图存储空间将满", message=_words(space))
    elif percent < settings.SNAPSHOT_WARN_PERCENT - _BACK_PERCENT:
        close_alarm(key=_ROOM_ALARM)
    return space


def _words(space: Space) -> str:
    room = space.room or Room(0, 0)
    what = "配额 SNAPSHOT_QUOTA_BYTES " if space.is_quota else f"{settings.SNAPSHOT_ROOT} 所在磁盘"
    if room.is_short_of_files:
        return f"{what}可建的文件数（inode）已用 {room.files_percent:.0f}%，空间尚有；请换用 inode 更多的文件系统或缩短保留天数"
    words = f"{what}已用 {room.percent:.0f}%（{room.used / _GIB:.1f} / {room.total / _GIB:.1f} GiB）"
    left = space.days_left
    if left is None:
        return words
    end = "到期删除的不少于写入的，不会写满" if math.isinf(left) else f"约 {left:.1f} 天后写满"
    return f"{words}；昨日写入 {space.day_bytes / _GIB:.2f} GiB，{end}"


def tell_storage(results: Collection[SnapshotResult]) -> None:
    """What a shard learned of the storage: pictures could not be written, or they could again."""
    if SnapshotResult.STORAGE in results:
        raise_alarm(
            key=_FULL_ALARM,
            title="截图无法保存",
            message=_why(),
            severity=Severity.CRITICAL,
        )
    elif SnapshotResult.TAKEN in results:
        close_alarm(key=_FULL_ALARM)


def _why() -> str:
    if not has_room():
        return "截图配额 SNAPSHOT_QUOTA_BYTES 已用完，新的截图不再保存；请增加配额、缩短保留天数或解除留存"
    try:
        room = pictures().room()
    except OSError:
        room = None
    if room is not None and room.files_percent > _FULL_FILES_PERCENT:
        return f"截图目录 {settings.SNAPSHOT_ROOT} 所在磁盘可建的文件数（inode）已用完，新的截图无法保存"
    if room is not None and room.total - room.used < _FULL_BYTES:
        return f"截图目录 {settings.SNAPSHOT_ROOT} 所在磁盘已满，新的截图无法保存；请清理磁盘或扩容"
    if settings.SNAPSHOT_STORAGE == "s3":
        return f"写入对象存储 {settings.SNAPSHOT_S3_ENDPOINT} 的桶 {settings.SNAPSHOT_S3_BUCKET} 失败，请检查其状态与权限"
    return f"截图目录 {settings.SNAPSHOT_ROOT} 写入失败，请检查磁盘空间与权限"
