from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from access.days import day_of
from cameras.models import Camera
from snapshots.choices import SnapshotResult
from snapshots.models import Snapshot
from snapshots.services.partitions import ensure_day
from tests.console.desk import Desk, refusal_of

# 14:07:36 in Shanghai.
NOW = datetime(2026, 11, 22, 6, 7, 36, tzinfo=UTC)
SLOT = timedelta(minutes=5)
NEWEST = NOW.replace(minute=0, second=0)


@pytest.fixture
def old_camera(camera: Camera) -> Camera:
    """In the ledger since three days, with its days laid out."""
    Camera.objects.filter(pk=camera.pk).update(created_at=NOW - timedelta(days=3))
    for shift in (0, 1):
        ensure_day(day_of(NOW) - timedelta(days=shift))
    return camera


def keep(camera: Camera, slot_at: datetime, result: SnapshotResult = SnapshotResult.TAKEN) -> None:
    taken_at = slot_at + timedelta(seconds=12) if result == SnapshotResult.TAKEN else None
    Snapshot.objects.create(camera=camera, slot_at=slot_at, taken_at=taken_at, result=result)


@time_machine.travel(NOW, tick=False)
def test_last_hours_with_pictures_and_gaps(desk: Desk, old_camera: Camera) -> None:
    keep(old_camera, NEWEST)
    keep(old_camera, NEWEST - SLOT, SnapshotResult.NO_KEY_FRAME)
    strip = desk.json("strip", old_camera.pk)
    *_, missing, gap, picture = strip["slots"]
    unix = int(NEWEST.timestamp())
    assert picture == {
        "slot": unix,
        "taken_at": unix + 12,
        "url": f"/snapshots/{old_camera.pk}/{unix}.jpg",
        "reason": "",
    }
    assert (gap["url"], gap["reason"]) == (None, "取流超时")
    assert missing["url"] is None
    assert len(strip["slots"]) == 48
    # From 00:00 to 14:00, both included.
    assert (strip["day"], strip["taken"], strip["total"]) == ("2026-11-22", 1, 169)


@time_machine.travel(NOW, tick=False)
def test_after_midnight_the_strip_reaches_into_yesterday(desk: Desk, old_camera: Camera) -> None:
    with time_machine.travel(datetime(2026, 11, 21, 16, 12, tzinfo=UTC), tick=False):
        strip = desk.json("strip", old_camera.pk)
    assert (strip["day"], strip["total"], len(strip["slots"])) == ("2026-11-22", 2, 48)


@time_machine.travel(NOW, tick=False)
def test_a_whole_day(desk: Desk, old_camera: Camera) -> None:
    strip = desk.json("strip", old_camera.pk, day="2026-11-21")
    assert (strip["day"], len(strip["slots"]), strip["taken"]) == ("2026-11-21", 288, 0)


@time_machine.travel(NOW, tick=False)
def test_card_shows_the_newest_picture(desk: Desk, old_camera: Camera) -> None:
    keep(old_camera, NEWEST - SLOT)
    keep(old_camera, NEWEST, SnapshotResult.OFFLINE)
    picture = desk.json("card", old_camera.pk)["card"]["picture"]
    unix = int((NEWEST - SLOT).timestamp())
    assert picture == {"url": f"/snapshots/{old_camera.pk}/{unix}.jpg", "at": unix + 12}


@pytest.mark.parametrize("day", ["2026-13-01", "yesterday", "9999-12-31", "0001-01-01"])
def test_malformed_day_is_named(desk: Desk, camera: Camera, day: str) -> None:
    assert f"day 的值“{day}”应形如 2026-11-22" in refusal_of(desk.get("strip", camera.pk, day=day), 400)


@time_machine.travel(NOW, tick=False)
@pytest.mark.parametrize("day", ["2001-01-01", "2099-12-31"])
def test_days_nobody_kept_are_empty(desk: Desk, old_camera: Camera, day: str) -> None:
    assert desk.json("strip", old_camera.pk, day=day)["slots"] == []
