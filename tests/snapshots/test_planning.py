"""Rounds that are planned, lost, mended and missed."""

from datetime import UTC, datetime, timedelta
from queue import Empty

import pytest
import time_machine as machine
from celery.app import app_or_default
from django.conf import LazySettings

from access.models import Alarm, Organisation
from snapshots.models import CaptureShard
from snapshots.services.planning import begin_round, is_planned, lost_shards
from snapshots.slots import slot_at
from snapshots.tasks import mend_round
from tests.ptz.ledger import make_camera

pytestmark = pytest.mark.django_db

# 2026-11-22 12:00 in Shanghai.
NOON = int(datetime(2026, 11, 22, 4, 0, tzinfo=UTC).timestamp())


def at(seconds: float) -> datetime:
    return slot_at(NOON) + timedelta(seconds=seconds)


@pytest.fixture(autouse=True)
def _three_shards(office: Organisation, settings: LazySettings) -> None:
    """Due at 0, 60 and 120 s."""
    settings.SNAPSHOT_SHARD_SIZE = 2
    for number in range(1, 6):
        make_camera(office, number)


def lost(seconds: float) -> list[int]:
    return [shard.shard for shard in lost_shards(now=at(seconds))]


def finish(*shards: int, slot: int = NOON) -> None:
    CaptureShard.objects.filter(slot_at=slot_at(slot), shard__in=shards).update(finished_at=at(1))


def open_alarms() -> list[str]:
    return list(Alarm.objects.filter(closed_at=None).order_by("key").values_list("title", flat=True))


def test_plan_is_kept_and_planning_again_changes_nothing() -> None:
    assert not is_planned(now=at(1))
    begin_round(now=at(1))
    assert is_planned(now=at(1))
    assert not is_planned(now=at(300))
    rows = CaptureShard.objects.order_by("shard").values_list("shard", "shards", "sent_at", "started_at")
    assert list(rows) == [(shard, 3, at(1), None) for shard in range(3)]
    begin_round(now=at(2))
    assert list(rows.all()) == [(shard, 3, at(1), None) for shard in range(3)]


def test_shard_is_lost_when_it_is_overdue_and_not_before() -> None:
    begin_round(now=at(1))
    assert lost(44) == []
    assert lost(47) == [0]
    # Sent again; the next ones are due at 60 and 120 s.
    assert lost(90) == []
    assert lost(106) == [0, 1]
    finish(0, 1)
    assert lost(200) == [2]
    finish(2)
    assert lost(290) == []


def test_shards_of_another_slot_are_left_alone() -> None:
    begin_round(now=at(1))
    assert lost(301 + 290) == []


def queued() -> list[list[int]]:
    found = []
    with (
        app_or_default().connection_for_read() as connection,
        connection.SimpleQueue("captures") as queue,
        pytest.raises(Empty),
    ):
        while message := queue.get(block=False):
            message.ack()
            found.append(message.payload[0])
    return sorted(found)


def test_mending_sends_what_was_lost() -> None:
    queued()
    begin_round(now=at(1))
    finish(1)
    with machine.travel(at(170), tick=False):
        mend_round()
    assert queued() == [[NOON, 0, 3], [NOON, 2, 3]]
    with machine.travel(at(180), tick=False):
        mend_round()
    assert queued() == []


def test_mending_plans_a_round_that_nobody_planned() -> None:
    queued()
    with machine.travel(at(40), tick=False):
        mend_round()
    assert CaptureShard.objects.count() == 3
    assert queued() == [[NOON, 0, 3], [NOON, 1, 3], [NOON, 2, 3]]


def test_rounds_that_nobody_took_are_told_afterwards() -> None:
    begin_round(now=at(1))
    finish(0, 1, 2)
    begin_round(now=at(301))
    assert open_alarms() == []
    finish(0, 1, 2, slot=NOON + 300)
    # Down for an hour.
    begin_round(now=at(3902))
    alarm = Alarm.objects.get(closed_at=None)
    assert alarm.title == "截图曾经中断"
    assert alarm.message.startswith("11-22 12:10 至 11-22 13:05 平台没有截图，共 11 轮")
    finish(0, 1, 2, slot=NOON + 3900)
    begin_round(now=at(4201))
    assert open_alarms() == []


def test_round_that_was_not_finished_is_told() -> None:
    begin_round(now=at(1))
    finish(0)
    begin_round(now=at(301))
    alarm = Alarm.objects.get(closed_at=None)
    assert alarm.title == "截图没有按时完成"
    assert "12:00 一轮有 2 个分片没有完成" in alarm.message
    finish(0, 1, 2, slot=NOON + 300)
    begin_round(now=at(601))
    assert open_alarms() == []


def test_first_round_ever_has_missed_nothing() -> None:
    begin_round(now=at(1))
    assert open_alarms() == []
