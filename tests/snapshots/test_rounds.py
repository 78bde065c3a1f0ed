"""Rounds: a picture of each camera or a gap with its reason, however often a shard runs."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import connection
from PIL import Image
from time_machine import TimeMachineFixture

from access.models import Alarm, Organisation
from cameras.choices import Classify
from cameras.models import Camera
from snapshots.capture.crew import Shot
from snapshots.choices import SnapshotResult
from snapshots.models import CaptureShard, JpegRule, RetentionRule, Snapshot
from snapshots.services import rounds
from snapshots.services.planning import begin_round, lost_shards, plan_round
from snapshots.services.rounds import ShardEnd, capture_shard, take_round
from snapshots.services.rows import save_shots
from snapshots.signals import pictures_taken
from snapshots.slots import slot_at
from tests.ptz.ledger import make_camera
from tests.snapshots.clips import HEADER, make_tag
from tests.snapshots.files import path_of
from tests.snapshots.flv_server import FlvServer, Peer, empty_once, ended, live, status
from tests.snapshots.streams import Streams

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pictures")]

# 2026-11-22 12:00 in Shanghai.
NOON = int(datetime(2026, 11, 22, 4, 0, tzinfo=UTC).timestamp())
NOON_AT = slot_at(NOON)
HEVC = live(HEADER, make_tag(b"\x1c\x00\x00\x00\x00hvcC"))


@pytest.fixture
def pictures(tmp_path: Path, settings: LazySettings, time_machine: TimeMachineFixture) -> Path:
    settings.SNAPSHOT_ROOT = tmp_path / "snapshots"
    settings.SNAPSHOT_TIMEOUT_SECONDS = 90
    time_machine.move_to(NOON_AT + timedelta(seconds=20))
    return tmp_path / "snapshots"


@pytest.fixture
def streams(media: FlvServer) -> Streams:
    return Streams(media)


@pytest.fixture
def camera(office: Organisation, media: FlvServer, road_clip: bytes) -> Camera:
    camera = make_camera(office, 1)
    media.behaviours[f"/live/{camera.pk}.flv"] = live(road_clip)
    return camera


def run(
    streams: Streams, *, slot: int = NOON, shard: int = 0, shards: int = 1, is_forced: bool = False
) -> rounds.ShardReport:
    return capture_shard(slot=slot, shard=shard, shards=shards, is_forced=is_forced, targets=streams)


def test_picture_is_kept_with_its_row(camera: Camera, streams: Streams, pictures: Path) -> None:
    report = run(streams)
    assert (report.end, report.cameras, report.taken) == (ShardEnd.DONE, 1, 1)
    row = Snapshot.objects.get()
    assert (row.pk, row.result, row.width, row.height) == (
        (camera.pk, NOON_AT),
        SnapshotResult.TAKEN,
        352,
        288,
    )
    assert row.taken_at is not None
    assert NOON + 20 <= row.taken_at.timestamp() < NOON + 60
    (file,) = pictures.rglob("*.*")
    assert file.relative_to(pictures) == Path(
        "20261122", "120000", str(camera.pk // 1000), f"{camera.pk}.jpg"
    )
    image = Image.open(BytesIO(file.read_bytes()))
    assert (image.format, image.size, file.stat().st_size) == ("JPEG", (352, 288), row.size_bytes)
    shard = CaptureShard.objects.get()
    assert (shard.slot_at, shard.shard, shard.cameras, shard.taken) == (NOON_AT, 0, 1, 1)
    assert shard.finished_at is not None


def test_every_gap_has_its_reason(
    office: Organisation, streams: Streams, media: FlvServer, road_clip: bytes
) -> None:
    cameras = [make_camera(office, number) for number in range(1, 9)]
    good, offline, unwanted_codec, refused, gone, hevc, stuck, damaged = (camera.pk for camera in cameras)
    streams.without_stream = {offline: "", unwanted_codec: "H265"}
    damage = road_clip[:3000] + bytes(500) + road_clip[3500:]
    behaviours = {
        good: live(road_clip),
        refused: status(403),
        gone: status(404),
        hevc: HEVC,
        stuck: ended(),
        damaged: live(damage),
    }
    media.behaviours = {f"/live/{pk}.flv": behaviour for pk, behaviour in behaviours.items()}
    report = run(streams)
    assert (report.cameras, report.taken) == (8, 1)
    results = dict(Snapshot.objects.values_list("camera_id", "result"))
    assert results == {
        good: SnapshotResult.TAKEN,
        offline: SnapshotResult.OFFLINE,
        unwanted_codec: SnapshotResult.NOT_H264,
        refused: SnapshotResult.REFUSED,
        gone: SnapshotResult.OFFLINE,
        hevc: SnapshotResult.NOT_H264,
        stuck: SnapshotResult.NO_KEY_FRAME,
        damaged: SnapshotResult.UNDECODABLE,
    }
    gaps = Snapshot.objects.exclude(camera_id=good)
    assert set(gaps.values_list("taken_at", "size_bytes", "width", "height")) == {(None, None, None, None)}


def test_finished_shard_is_not_run_again(camera: Camera, streams: Streams) -> None:
    run(streams)
    report = run(streams)
    assert (report.end, report.cameras, report.taken) == (ShardEnd.ALREADY, 1, 1)
    assert streams.asked == [camera.pk]


def test_rerun_after_a_kill_takes_only_what_is_missing(
    camera: Camera, office: Organisation, streams: Streams, media: FlvServer, road_clip: bytes
) -> None:
    run(streams)
    before = Snapshot.objects.values().get()
    # As a killed worker leaves it: begun, not finished, one camera not seen to.
    CaptureShard.objects.update(finished_at=None)
    second = make_camera(office, 2)
    media.behaviours[f"/live/{second.pk}.flv"] = live(road_clip)
    report = run(streams)
    assert (report.end, report.cameras, report.taken) == (ShardEnd.DONE, 2, 2)
    assert streams.asked == [camera.pk, second.pk]
    assert Snapshot.objects.values().get(camera_id=camera.pk) == before


def test_gap_never_replaces_a_picture_but_a_picture_a_gap(
    camera: Camera, streams: Streams, media: FlvServer
) -> None:
    good = media.behaviours[f"/live/{camera.pk}.flv"]
    media.behaviours[f"/live/{camera.pk}.flv"] = status(404)
    run(streams)
    assert Snapshot.objects.get().result == SnapshotResult.OFFLINE
    media.behaviours[f"/live/{camera.pk}.flv"] = good
    run(streams, is_forced=True)
    assert Snapshot.objects.get().result == SnapshotResult.TAKEN
    taken = Snapshot.objects.values().get()
    save_shots([Shot(camera.pk, SnapshotResult.OFFLINE)], NOON_AT)
    assert Snapshot.objects.values().get() == taken


def test_camera_that_went_offline_shows_no_old_picture(
    camera: Camera, streams: Streams, media: FlvServer, time_machine: TimeMachineFixture
) -> None:
    run(streams)
    media.behaviours[f"/live/{camera.pk}.flv"] = status(404)
    time_machine.move_to(NOON_AT + timedelta(seconds=320))
    run(streams, slot=NOON + 300)
    first, second = Snapshot.objects.order_by("slot_at")
    assert (first.result, second.result) == (SnapshotResult.TAKEN, SnapshotResult.OFFLINE)
    assert path_of(camera.pk, first.slot_at).exists()
    assert not path_of(camera.pk, second.slot_at).exists()


def test_late_shard_is_dropped(camera: Camera, streams: Streams, time_machine: TimeMachineFixture) -> None:
    time_machine.move_to(NOON_AT + timedelta(seconds=300))
    assert run(streams).end == ShardEnd.LATE
    assert not Snapshot.objects.exists()
    assert not CaptureShard.objects.exists()


def test_cameras_beyond_the_budget_are_gaps_too(
    office: Organisation, streams: Streams, media: FlvServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "BUDGET", 0.0)
    cameras = [make_camera(office, number) for number in (1, 2)]
    report = run(streams)
    assert (report.end, report.taken) == (ShardEnd.DONE, 0)
    assert set(Snapshot.objects.values_list("camera_id", "result")) == {
        (camera.pk, SnapshotResult.NOT_RUN) for camera in cameras
    }


def test_slow_camera_does_not_hold_up_the_others(
    office: Organisation, streams: Streams, media: FlvServer, road_clip: bytes
) -> None:
    """Two dead ones first in the queue; the pictures of the rest are there while those still wait."""
    cameras = [make_camera(office, number) for number in range(1, 25)]
    taken_before_the_dead: list[int] = []

    def dead(peer: Peer) -> None:
        empty_once(lambda: there() == 22)(peer)
        taken_before_the_dead.append(there())

    def there() -> int:
        return sum(1 for pk in pks if path_of(pk, NOON_AT).exists())

    pks = [camera.pk for camera in cameras[2:]]
    media.behaviours = {f"/live/{camera.pk}.flv": live(road_clip) for camera in cameras[2:]}
    media.behaviours |= {f"/live/{camera.pk}.flv": dead for camera in cameras[:2]}
    assert run(streams).taken == 22
    assert taken_before_the_dead == [22, 22]


def test_deleted_and_pending_cameras_have_no_slots(
    camera: Camera, office: Organisation, streams: Streams
) -> None:
    make_camera(office, 2, deleted_at=NOON_AT)
    make_camera(office, 3, is_pending=True)
    assert run(streams).cameras == 1
    assert Snapshot.objects.get().camera_id == camera.pk


def test_shards_share_the_cameras_and_keep_their_place(
    office: Organisation, streams: Streams, settings: LazySettings
) -> None:
    settings.SNAPSHOT_SHARD_SIZE = 3
    cameras = [make_camera(office, number) for number in range(1, 9)]
    streams.without_stream = {camera.pk: "" for camera in cameras}
    plan = plan_round()
    assert (plan.slot, plan.shards, plan.expires_at) == (NOON, 3, NOON_AT + timedelta(seconds=300))
    assert [plan.delay(shard) for shard in range(3)] == [0, 60, 120]
    counts = [run(streams, shard=shard, shards=3).cameras for shard in range(3)]
    assert sum(counts) == 8
    assert sorted(streams.asked) == sorted(camera.pk for camera in cameras)
    assert Snapshot.objects.count() == 8


def test_kind_of_place_may_have_its_own_look(
    office: Organisation, streams: Streams, media: FlvServer, road_clip: bytes, pictures: Path
) -> None:
    usual, tunnel = make_camera(office, 1), make_camera(office, 2, classify=Classify.TUNNEL)
    media.behaviours = {f"/live/{camera.pk}.flv": live(road_clip) for camera in (usual, tunnel)}
    JpegRule.objects.create(classify=Classify.TUNNEL, quality=40)
    assert run(streams).taken == 2
    plain, small = (path_of(camera.pk, NOON_AT).stat().st_size for camera in (usual, tunnel))
    assert small < plain * 0.7


def test_organisation_that_keeps_longer_has_its_own_folder(
    camera: Camera, office: Organisation, streams: Streams
) -> None:
    RetentionRule.objects.create(organisation=office, days=90)
    run(streams)
    assert Snapshot.objects.get().keep_days == 90
    assert path_of(camera.pk, NOON_AT, 90).exists()


def test_storage_that_fails_is_a_reason_and_an_alarm(
    camera: Camera, streams: Streams, pictures: Path
) -> None:
    pictures.write_text("a file where the folder should be")
    run(streams)
    assert Snapshot.objects.get().result == SnapshotResult.STORAGE
    assert Alarm.objects.get(closed_at=None).title == "截图无法保存"
    pictures.unlink()
    run(streams, is_forced=True)
    assert Snapshot.objects.get().result == SnapshotResult.TAKEN
    assert not Alarm.objects.filter(closed_at=None).exists()


def test_command_takes_the_present_slot(office: Organisation, capsys: pytest.CaptureFixture[str]) -> None:
    """Through capture_targets of streaming: a camera without a stream is a gap."""
    make_camera(office, 1, has_stream=False)
    call_command("take_snapshots")
    assert "摄像机 1 路，当前时段已有截图 0 路" in capsys.readouterr().out
    assert Snapshot.objects.get().pk[1] == NOON_AT
    assert take_round().cameras == 1


@pytest.mark.django_db(transaction=True)
def test_same_shard_at_the_same_moment_is_taken_once(
    camera: Camera, streams: Streams, media: FlvServer, road_clip: bytes
) -> None:
    """Two deliveries of one task: one works, the other leaves; a third after it finds it finished."""
    begun, go_on = threading.Event(), threading.Event()

    def slow(peer: Peer) -> None:
        begun.set()
        go_on.wait(10)
        live(road_clip)(peer)

    media.behaviours[f"/live/{camera.pk}.flv"] = slow

    def work() -> rounds.ShardReport:
        try:
            return run(streams)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(work)
        assert begun.wait(10)
        assert run(streams).end == ShardEnd.BUSY
        go_on.set()
        assert first.result().end == ShardEnd.DONE
    assert run(streams).end == ShardEnd.ALREADY
    assert streams.asked == [camera.pk]
    assert Snapshot.objects.get().result == SnapshotResult.TAKEN


def test_shard_of_a_killed_worker_is_free_at_once(camera: Camera, streams: Streams) -> None:
    """The lock dies with the connection, so the task that comes back does not meet a dead owner."""
    worker = connection.copy()
    with worker.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [rounds.lock_key(NOON, 0)])
    assert run(streams).end == ShardEnd.BUSY
    # Not unlocked: the system closes the connection of a killed process.
    worker.close()
    deadline = time.monotonic() + 10
    while (report := run(streams)).end == ShardEnd.BUSY:
        assert time.monotonic() < deadline
    assert report.taken == 1


def test_a_storage_that_was_away_gets_another_try_within_the_slot(
    camera: Camera, streams: Streams, pictures: Path, time_machine: TimeMachineFixture
) -> None:
    pictures.write_text("a file where the folder should be")
    plan = begin_round()
    end = capture_shard(slot=NOON, shard=0, shards=plan.shards, targets=streams)
    assert (end.taken, Snapshot.objects.get().result) == (0, SnapshotResult.STORAGE)
    pictures.unlink()
    time_machine.move_to(NOON_AT + timedelta(seconds=90))
    assert [lost.shard for lost in lost_shards()] == [0]
    assert capture_shard(slot=NOON, shard=0, shards=plan.shards, targets=streams).taken == 1
    assert Snapshot.objects.get().result == SnapshotResult.TAKEN


def test_a_storage_that_stays_away_is_tried_twice_a_slot(
    camera: Camera, streams: Streams, pictures: Path
) -> None:
    pictures.write_text("a file where the folder should be")
    for end in (ShardEnd.DONE, ShardEnd.DONE, ShardEnd.ALREADY):
        assert capture_shard(slot=NOON, shard=0, shards=1, targets=streams).end is end


def test_a_server_that_sends_nothing_of_any_camera_is_held_against_none(
    office: Organisation, media: FlvServer, streams: Streams, road_clip: bytes
) -> None:
    told: dict[int, SnapshotResult] = {}

    def hear(*, shots: list[Shot], **_: object) -> None:
        told.update({shot.camera_id: shot.result for shot in shots})

    pictures_taken.connect(hear)
    try:
        cameras = [make_camera(office, number) for number in range(1, 13)]
        media.behaviours = {f"/live/{camera.pk}.flv": ended() for camera in cameras}
        run(streams, is_forced=True)
        assert set(Snapshot.objects.values_list("result", flat=True)) == {SnapshotResult.UNREACHABLE}
        assert set(told.values()) == {SnapshotResult.UNREACHABLE}
        # Where others have pictures, it is the camera.
        media.behaviours |= {f"/live/{camera.pk}.flv": live(road_clip) for camera in cameras[1:]}
        run(streams, is_forced=True)
        assert (told[cameras[0].pk], told[cameras[1].pk]) == (SnapshotResult.NO_KEY_FRAME, SnapshotResult.TAKEN)
    finally:
        pictures_taken.disconnect(hear)
