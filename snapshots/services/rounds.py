"""A round: a picture of every camera in one slot, in shards that may run anywhere and more than once."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import partial
from itertools import islice

from django.conf import settings
from django.db import connection
from django.db.models import F, QuerySet
from django.utils import timezone

from access.days import day_of
from access.services.alarms import close_alarm, raise_alarm
from cameras.models import Camera
from snapshots.capture.crew import Crew, Shot
from snapshots.capture.decode import Picture
from snapshots.capture.store import keep_picture
from snapshots.choices import SnapshotResult
from snapshots.models import CaptureShard, Snapshot
from snapshots.services.partitions import ensure_day
from snapshots.signals import pictures_taken
from snapshots.slots import slot_at, unix_slot
from streaming.selectors import CaptureTarget, capture_targets

logger = logging.getLogger(__name__)

# Shards begin within this part of the period; the rest is for the last of them to finish.
SPREAD = 0.6
# A shard begins no further camera after this part of the period; the task's own limits lie behind it.
BUDGET = 0.75
# Addresses are signed for so many cameras at a time.
_SIGNED_AT_ONCE = 48
_ROWS_AT_ONCE = 50
_STORAGE_ALARM = "snapshots:storage"

# A picture replaces whatever is there, a gap only another gap.
_SAVE = """
INSERT INTO snapshots_snapshot AS kept (camera_id, slot_at, taken_at, result, size_bytes, width, height)
SELECT shot.camera_id, %s, shot.taken_at, shot.result, shot.size_bytes, shot.width, shot.height
FROM unnest(%s::bigint[], %s::timestamptz[], %s::smallint[], %s::integer[], %s::smallint[], %s::smallint[])
    AS shot (camera_id, taken_at, result, size_bytes, width, height)
ORDER BY shot.camera_id
ON CONFLICT (camera_id, slot_at) DO UPDATE SET taken_at = EXCLUDED.taken_at, result = EXCLUDED.result,
    size_bytes = EXCLUDED.size_bytes, width = EXCLUDED.width, height = EXCLUDED.height
WHERE EXCLUDED.result = 0 OR kept.result <> 0
"""

Targets = Callable[[Iterable[int]], list[CaptureTarget]]


class ShardEnd(Enum):
    """DONE: its cameras were seen to. The others did nothing: finished before, under way elsewhere, too late."""

    DONE = "done"
    ALREADY = "already"
    BUSY = "busy"
    LATE = "late"


@dataclass(frozen=True)
class ShardReport:
    """What became of a shard: pictures there now of all its cameras."""

    end: ShardEnd
    cameras: int = 0
    taken: int = 0


@dataclass(frozen=True)
class RoundPlan:
    """A slot (its unix second) and how many shards it has; shard n begins `delay(n)` seconds after the plan."""

    slot: int
    shards: int
    expires_at: datetime

    def delay(self, shard: int) -> float:
        period: int = settings.SNAPSHOT_PERIOD_SECONDS
        return SPREAD * period * shard / self.shards


def plan_round(*, now: datetime | None = None) -> RoundPlan:
    """The round of the present slot. Shards are cut by camera id, so that a camera keeps its place in the period."""
    slot = unix_slot(now or timezone.now())
    shards = -(-_cameras().count() // settings.SNAPSHOT_SHARD_SIZE)
    return RoundPlan(slot, shards, slot_at(slot + settings.SNAPSHOT_PERIOD_SECONDS))


def take_round(*, now: datetime | None = None) -> ShardReport:
    """Take the present slot here and now: every camera that has no picture in it yet."""
    plan = plan_round(now=now)
    reports = [
        capture_shard(slot=plan.slot, shard=shard, shards=plan.shards, is_forced=True)
        for shard in range(plan.shards)
    ]
    cameras, taken = sum(report.cameras for report in reports), sum(report.taken for report in reports)
    return ShardReport(ShardEnd.DONE, cameras, taken)


def capture_shard(
    *, slot: int, shard: int, shards: int, is_forced: bool = False, targets: Targets = capture_targets
) -> ShardReport:
    """Pictures of the cameras whose id modulo `shards` is `shard`, for the slot that began at unix second `slot`.

    May be run again at any time: cameras that have their picture are left alone, a picture is never replaced by
    a gap. `is_forced` looks again although the shard was finished.
    """
    moment = slot_at(slot)
    left = (moment + timedelta(seconds=settings.SNAPSHOT_PERIOD_SECONDS) - timezone.now()).total_seconds()
    if left <= 0:
        # A picture of another time would be worse than the gap.
        logger.warning("shard %s of slot %s came too late and is dropped", shard, moment)
        return ShardReport(ShardEnd.LATE)
    # The hourly task makes days ahead, but it may have been down since.
    ensure_day(day_of(moment))
    with _held(slot, shard) as is_ours:
        if not is_ours:
            return ShardReport(ShardEnd.BUSY)
        row, _ = CaptureShard.objects.get_or_create(slot_at=moment, shard=shard)
        if row.finished_at is not None and not is_forced:
            return ShardReport(ShardEnd.ALREADY, row.cameras, row.taken)
        ids = list(_cameras().annotate(part=F("pk") % shards).filter(part=shard).values_list("pk", flat=True))
        until = time.monotonic() + min(left, BUDGET * settings.SNAPSHOT_PERIOD_SECONDS)
        _capture(ids, moment, until, targets)
        row.cameras, row.taken = len(ids), _taken(ids, moment).count()
        row.finished_at = timezone.now()
        row.save()
    return ShardReport(ShardEnd.DONE, row.cameras, row.taken)


def _cameras() -> QuerySet[Camera]:
    return Camera.objects.filter(deleted_at=None, is_pending=False).order_by("pk")


def _taken(ids: Sequence[int], moment: datetime) -> QuerySet[Snapshot]:
    return Snapshot.objects.filter(camera_id__in=ids, slot_at=moment, result=SnapshotResult.TAKEN)


def lock_key(slot: int, shard: int) -> int:
    return (slot << 24) + shard


@contextmanager
def _held(slot: int, shard: int) -> Iterator[bool]:
    """False while somebody else works on this shard. The lock ends with its process, so that the task which comes
    back after a kill goes on at once; a row would be held by a dead one."""
    key = lock_key(slot, shard)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        (is_ours,) = cursor.fetchone() or (False,)
        try:
            yield is_ours
        finally:
            if is_ours:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def _capture(ids: Sequence[int], moment: datetime, until: float, targets: Targets) -> None:
    missing = set(ids) - set(_taken(ids, moment).values_list("camera_id", flat=True))
    crew = Crew(
        keep=partial(_keep, moment),
        until=until,
        timeout_seconds=settings.SNAPSHOT_TIMEOUT_SECONDS,
        quality=settings.SNAPSHOT_JPEG_QUALITY,
    )
    results: set[SnapshotResult] = set()
    # Rows are written while pictures are still being taken: a kill costs the last few only.
    shots = crew.shoot(_signed(sorted(missing), targets))
    while batch := list(islice(shots, _ROWS_AT_ONCE)):
        save_shots(batch, moment)
        _tell_taken(batch, moment, until)
        missing -= {shot.camera_id for shot in batch}
        results |= {shot.result for shot in batch}
    if missing and time.monotonic() >= until:
        save_shots([Shot(camera_id, SnapshotResult.NOT_RUN) for camera_id in missing], moment)
    _tell_storage(results)


def _keep(moment: datetime, camera_id: int, picture: Picture) -> None:
    keep_picture(camera_id, moment, picture.jpeg)


def _signed(ids: Sequence[int], targets: Targets) -> Iterator[CaptureTarget]:
    for begin in range(0, len(ids), _SIGNED_AT_ONCE):
        yield from targets(ids[begin : begin + _SIGNED_AT_ONCE])


def save_shots(shots: Sequence[Shot], moment: datetime) -> None:
    """Write the rows of one slot in one statement."""
    pictures = [shot.picture for shot in shots]
    columns: list[list[object]] = [
        [shot.camera_id for shot in shots],
        [picture and picture.taken_at.astimezone(UTC) for picture in pictures],
        [int(shot.result) for shot in shots],
        [picture and len(picture.jpeg) for picture in pictures],
        [picture and picture.width for picture in pictures],
        [picture and picture.height for picture in pictures],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_SAVE, [moment, *columns])


def _tell_taken(shots: list[Shot], moment: datetime, until: float) -> None:
    # Beyond its budget a shard has no time for listeners either: they would run into the limits of the task.
    if time.monotonic() < until:
        # Robust, and logged by Django: a listener that fails must never cost a picture.
        pictures_taken.send_robust(CaptureShard, slot_at=moment, shots=shots)


def _tell_storage(results: set[SnapshotResult]) -> None:
    if SnapshotResult.STORAGE in results:
        raise_alarm(
            key=_STORAGE_ALARM,
            title="截图无法保存",
            message=f"截图目录 {settings.SNAPSHOT_ROOT} 写入失败，请检查磁盘空间与权限",
        )
    elif SnapshotResult.TAKEN in results:
        close_alarm(key=_STORAGE_ALARM)
