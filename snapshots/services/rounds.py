"""A round: a picture of every camera in one slot, in shards that may run anywhere and more than once."""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from django.conf import settings
from django.db.models import F, QuerySet
from django.utils import timezone

from access.days import day_of
from access.locks import try_lock
from cameras.models import Camera
from snapshots.capture.crew import Crew, Shot
from snapshots.capture.decode import Picture, Style
from snapshots.capture.errors import CaptureError
from snapshots.capture.store import keep_picture
from snapshots.capture.turns import Targets, Turns
from snapshots.choices import SnapshotResult, is_in_doubt
from snapshots.models import CaptureShard, Snapshot
from snapshots.services.partitions import ensure_day
from snapshots.services.planning import due_after, plan_round, slot_end
from snapshots.services.rows import save_shots
from snapshots.services.silence import excused, silent_servers
from snapshots.services.space import has_room, is_full, tell_storage
from snapshots.services.ways import Ways, ways_of
from snapshots.signals import pictures_taken
from snapshots.slots import slot_at
from snapshots.storage.contract import pictures
from streaming.selectors import capture_targets

logger = logging.getLogger(__name__)

# A shard begins no further camera after this part of the period; the task's own limits lie behind it.
BUDGET = 0.75
# A shard that began later than this part of the period after it was due leaves out the cameras in doubt: the workers
# are behind, and those that answer come first.
_MOST_LATE = 0.1
_ROWS_AT_ONCE = 50
_WRITTEN_EVERY_SECONDS = 1.0


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
class _Task:
    """One shard of one slot and until when (of the monotonic clock) it may begin cameras, and those in doubt."""

    slot: int
    shard: int
    shards: int
    until: float
    doubt_until: float

    @property
    def moment(self) -> datetime:
        return slot_at(self.slot)


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
    left = (slot_end(slot) - timezone.now()).total_seconds()
    if left <= 0:
        # A picture of another time would be worse than the gap.
        logger.warning("shard %s of slot %s came too late and is dropped", shard, slot_at(slot))
        return ShardReport(ShardEnd.LATE)
    task = _task(slot, shard, shards, left, is_forced)
    # The hourly task makes days ahead, but it may have been down since.
    ensure_day(day_of(task.moment))
    with try_lock(lock_key(slot, shard)) as is_ours:
        if not is_ours:
            return ShardReport(ShardEnd.BUSY)
        row, _ = CaptureShard.objects.get_or_create(slot_at=task.moment, shard=shard)
        if row.finished_at is not None and not is_forced:
            return ShardReport(ShardEnd.ALREADY, row.cameras, row.taken)
        is_first, row.shards = row.started_at is None, shards
        row.started_at = row.started_at or timezone.now()
        row.save()
        ids = list(_cameras().annotate(part=F("pk") % shards).filter(part=shard).values_list("pk", flat=True))
        results = _capture(ids, task, targets)
        row.cameras, row.taken = len(ids), _taken(ids, task.moment).count()
        # A storage that was away for a moment may be back while the slot lasts: sent again once, as if it were lost.
        is_worth_more = is_first and SnapshotResult.STORAGE in results and not is_full()
        row.finished_at = None if is_worth_more else timezone.now()
        row.save()
    return ShardReport(ShardEnd.DONE, row.cameras, row.taken)


def _task(slot: int, shard: int, shards: int, left: float, is_forced: bool) -> _Task:
    period = settings.SNAPSHOT_PERIOD_SECONDS
    late = period - left - due_after(shard, shards)
    until = time.monotonic() + min(left, BUDGET * period)
    is_behind = late > _MOST_LATE * period and not is_forced
    return _Task(slot, shard, shards, until, time.monotonic() if is_behind else until)


def _cameras() -> QuerySet[Camera]:
    return Camera.objects.filter(deleted_at=None, is_pending=False).order_by("pk")


def _taken(ids: Sequence[int], moment: datetime) -> QuerySet[Snapshot]:
    return Snapshot.objects.filter(camera_id__in=ids, slot_at=moment, result=SnapshotResult.TAKEN)


def lock_key(slot: int, shard: int) -> int:
    return (slot << 24) + shard


def _capture(ids: Sequence[int], task: _Task, targets: Targets) -> set[SnapshotResult]:
    """What kinds of results there were."""
    missing = set(ids) - set(_taken(ids, task.moment).values_list("camera_id", flat=True))
    ways = ways_of(missing)
    crew, turns = _crew(task, ways), _turns(missing, task, targets)
    results: dict[int, SnapshotResult] = {}
    blind: list[Shot] = []
    # Rows are written while pictures are still being taken: a kill costs the last few only.
    for batch in _batches(crew.shoot(turns)):
        save_shots(batch, task.moment, keep_days=ways.keep_days)
        # Whether a camera or its server is to blame for a stream without a picture shows in the end.
        blind += [shot for shot in batch if shot.result == SnapshotResult.NO_KEY_FRAME]
        _tell_taken([shot for shot in batch if shot.result != SnapshotResult.NO_KEY_FRAME], task)
        missing -= {shot.camera_id for shot in batch}
        results |= {shot.camera_id: shot.result for shot in batch}
    _settle(blind, silent_servers(results, turns.servers), turns, task, ways)
    # Whoever is missing without such a reason was deleted meanwhile.
    now, left_out = time.monotonic(), set[int]()
    if now >= task.until:
        left_out = missing
    elif now >= task.doubt_until:
        left_out = missing.intersection(turns.in_doubt)
    if left_out:
        gaps = [Shot(camera_id, SnapshotResult.NOT_RUN) for camera_id in left_out]
        save_shots(gaps, task.moment, keep_days=ways.keep_days)
    tell_storage(set(results.values()))
    return set(results.values())


def _settle(blind: list[Shot], silent: set[str], turns: Turns, task: _Task, ways: Ways) -> None:
    if silent:
        logger.error("media servers %s send no pictures of any camera", sorted(silent))
        blind = excused(blind, turns.servers, silent)
        save_shots(blind, task.moment, keep_days=ways.keep_days)
    _tell_taken(blind, task)


def _batches(shots: Iterable[Shot | None]) -> Iterator[list[Shot]]:
    """What is there is not held up by those who still wait for their streams."""
    batch: list[Shot] = []
    written_at = time.monotonic()
    for shot in shots:
        if shot is not None:
            batch.append(shot)
        is_due = shot is None and time.monotonic() - written_at >= _WRITTEN_EVERY_SECONDS
        if batch and (is_due or len(batch) >= _ROWS_AT_ONCE):
            yield batch
            batch, written_at = [], time.monotonic()
    if batch:
        yield batch


def _crew(task: _Task, ways: Ways) -> Crew:
    room = has_room()

    def keep(camera_id: int, picture: Picture) -> None:
        if not room:
            raise CaptureError(SnapshotResult.STORAGE, "the quota is spent")
        keep_picture(camera_id, task.moment, picture.jpeg, ways.keep_days.get(camera_id, 0))

    return Crew(
        keep=keep,
        until=task.until,
        timeout_seconds=settings.SNAPSHOT_TIMEOUT_SECONDS,
        style=Style(settings.SNAPSHOT_JPEG_QUALITY),
        styles=ways.styles,
        size=settings.SNAPSHOT_READS_AT_ONCE,
        writers=pictures().writes_at_once,
    )


def _turns(missing: Iterable[int], task: _Task, targets: Targets) -> Turns:
    before = task.moment - timedelta(seconds=settings.SNAPSHOT_PERIOD_SECONDS)
    ids = sorted(missing)
    last = Snapshot.objects.filter(camera_id__in=ids, slot_at=before).values_list("camera_id", "result")
    doubtful = {camera_id for camera_id, result in last if is_in_doubt(result)}
    return Turns(
        [pk for pk in ids if pk not in doubtful],
        sorted(doubtful),
        targets,
        per_server=settings.SNAPSHOT_READS_PER_SERVER,
        doubt_until=task.doubt_until,
    )


def _tell_taken(shots: list[Shot], task: _Task) -> None:
    # Beyond its budget a shard has no time for listeners either: they would run into the limits of the task.
    if shots and time.monotonic() < task.until:
        # Robust, and logged by Django: a listener that fails must never cost a picture.
        pictures_taken.send_robust(CaptureShard, slot_at=task.moment, shots=shots)
