"""When which shard of a round is due: planned at the beginning of a slot, sent again when it was lost."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from access.services.alarms import close_alarm, raise_alarm
from cameras.models import Camera
from snapshots.models import CaptureShard
from snapshots.slots import slot_at, unix_slot

# Shards begin within this part of the period; the rest is for the last of them to finish.
SPREAD = 0.6
# A shard that is not finished this part of the period after it was due or sent is sent again. What a killed worker
# held would come back from the broker only after the visibility time-out, when its slot is long over.
PATIENCE = 0.15
_MISSED_ALARM, _BEHIND_ALARM = "snapshots:missed", "snapshots:behind"


@dataclass(frozen=True)
class RoundPlan:
    """A slot (its unix second) and how many shards it has; shard n begins `delay(n)` seconds after the plan."""

    slot: int
    shards: int
    expires_at: datetime

    def delay(self, shard: int) -> float:
        return due_after(shard, self.shards)


def due_after(shard: int, shards: int) -> float:
    """Seconds of the slot after which a shard is due."""
    period: int = settings.SNAPSHOT_PERIOD_SECONDS
    return SPREAD * period * shard / shards


def slot_end(slot: int) -> datetime:
    return slot_at(slot + settings.SNAPSHOT_PERIOD_SECONDS)


def plan_round(*, now: datetime | None = None) -> RoundPlan:
    """The round of the present slot. Shards are cut by camera id, so that a camera keeps its place in the period."""
    slot = unix_slot(now or timezone.now())
    cameras = Camera.objects.filter(deleted_at=None, is_pending=False).count()
    return RoundPlan(slot, -(-cameras // settings.SNAPSHOT_SHARD_SIZE), slot_end(slot))


def begin_round(*, now: datetime | None = None) -> RoundPlan:
    """Plan the present slot and keep the plan, so that what gets lost on the way is found. Tells what was missed."""
    now = now or timezone.now()
    plan = plan_round(now=now)
    _look_back(slot_at(plan.slot))
    _keep_plan(plan, now)
    return plan


def _keep_plan(plan: RoundPlan, now: datetime) -> None:
    rows = (
        CaptureShard(slot_at=slot_at(plan.slot), shard=shard, shards=plan.shards, sent_at=now)
        for shard in range(plan.shards)
    )
    CaptureShard.objects.bulk_create(rows, ignore_conflicts=True)


@dataclass(frozen=True)
class LostShard:
    slot: int
    shard: int
    shards: int


def lost_shards(*, now: datetime | None = None) -> list[LostShard]:
    """Shards of the present slot that are overdue, from now on counted as sent again.

    Sending one twice does no harm: whoever comes second leaves (`ShardEnd.BUSY`, `ALREADY`).
    """
    now = now or timezone.now()
    slot = unix_slot(now)
    patience = timedelta(seconds=PATIENCE * settings.SNAPSHOT_PERIOD_SECONDS)
    with transaction.atomic():
        rows = CaptureShard.objects.select_for_update(skip_locked=True).filter(
            slot_at=slot_at(slot), finished_at=None, shards__gt=0, sent_at__lt=now - patience
        )
        lost = [
            row
            for row in rows
            if row.slot_at + timedelta(seconds=due_after(row.shard, row.shards)) < now - patience
        ]
        CaptureShard.objects.filter(pk__in=[row.pk for row in lost]).update(sent_at=now)
    return [LostShard(slot, row.shard, row.shards) for row in lost]


def is_planned(*, now: datetime | None = None) -> bool:
    return CaptureShard.objects.filter(slot_at=slot_at(unix_slot(now or timezone.now()))).exists()


def _look_back(slot: datetime) -> None:
    """Rounds that nobody took: no row tells of them (`SnapshotResult.NOT_RUN` is what has none), so people are told."""
    period = timedelta(seconds=settings.SNAPSHOT_PERIOD_SECONDS)
    last = CaptureShard.objects.filter(slot_at__lt=slot).values_list("slot_at", flat=True).first()
    if last is None:
        return
    missed = int((slot - last) / period) - 1
    if missed > 0:
        first, end = (timezone.localtime(moment) for moment in (last + period, slot))
        raise_alarm(
            key=_MISSED_ALARM,
            title="截图曾经中断",
            message=f"{first:%m-%d %H:%M} 至 {end:%m-%d %H:%M} 平台没有截图，共 {missed} 轮，不计入摄像机的在线率",
        )
    else:
        close_alarm(key=_MISSED_ALARM)
    unfinished = CaptureShard.objects.filter(slot_at=last, finished_at=None, shards__gt=0).count()
    if unfinished:
        raise_alarm(
            key=_BEHIND_ALARM,
            title="截图没有按时完成",
            message=f"{timezone.localtime(last):%m-%d %H:%M} 一轮有 {unfinished} 个分片没有完成，"
            "请查看 captures 任务进程是否在运行、数量是否足够",
        )
    else:
        close_alarm(key=_BEHIND_ALARM)
