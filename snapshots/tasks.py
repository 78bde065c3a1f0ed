"""Celery tasks of snapshots: ids in, service called."""

import logging
from datetime import datetime

from celery import shared_task
from django.conf import settings

from snapshots.services import partitions, planning, rounds, space

logger = logging.getLogger(__name__)

# The limits of design.md section 4. The broker hands a task out again only after twice the hard one.
_PERIOD: int = settings.SNAPSHOT_PERIOD_SECONDS


@shared_task(soft_time_limit=50, time_limit=55, expires=_PERIOD // 2)
def plan_round() -> None:
    """At the beginning of every slot: hand out its shards, spread over the period. None outlives its slot."""
    plan = planning.begin_round()
    for shard in range(plan.shards):
        _send(plan.slot, shard, plan.shards, plan.expires_at, countdown=plan.delay(shard))


@shared_task(soft_time_limit=50, time_limit=55, expires=_PERIOD // 2)
def mend_round() -> None:
    """Send again what a killed worker or a lost message left undone in the present slot."""
    if not planning.is_planned():
        plan_round()
        return
    for lost in planning.lost_shards():
        logger.warning("shard %s/%s of slot %s is sent again", lost.shard, lost.shards, lost.slot)
        _send(lost.slot, lost.shard, lost.shards, planning.slot_end(lost.slot), countdown=0)


def _send(slot: int, shard: int, shards: int, expires: datetime, *, countdown: float) -> None:
    capture_shard.apply_async(args=(slot, shard, shards), countdown=countdown, expires=expires)


@shared_task(soft_time_limit=int(0.8 * _PERIOD) or 1, time_limit=int(0.9 * _PERIOD) or 2)
def capture_shard(slot: int, shard: int, shards: int) -> None:
    report = rounds.capture_shard(slot=slot, shard=shard, shards=shards)
    logger.info(
        "shard %s/%s of slot %s: %s, %s of %s",
        shard,
        shards,
        slot,
        report.end.value,
        report.taken,
        report.cameras,
    )


@shared_task(soft_time_limit=400, time_limit=430, expires=3000)
def keep_partitions() -> None:
    """Every hour: partitions of the next days made, days beyond the retention dropped."""
    report = partitions.keep_partitions()
    if report.is_unfinished:
        # Left to the next hour, a large province would delete less than it writes.
        keep_partitions.apply_async(countdown=5, expires=3000)
    logger.info("days made %s, dropped %s, folders deleted %s", report.made, report.dropped, report.folders)


@shared_task(soft_time_limit=50, time_limit=55, expires=60)
def watch_space() -> None:
    """Every minute: a warning before there is no room for pictures."""
    space.watch()
