"""Many cameras at once: servers that are slow, cameras that are dead, servers without a GOP cache."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from time_machine import TimeMachineFixture

from access.models import Organisation
from cameras.models import Camera
from snapshots.capture import crew
from snapshots.capture.crew import Shot
from snapshots.choices import SnapshotResult
from snapshots.models import Snapshot
from snapshots.services.partitions import ensure_day
from snapshots.services.rounds import ShardReport, capture_shard
from snapshots.services.rows import save_shots
from snapshots.signals import pictures_taken
from snapshots.slots import slot_at
from tests.ptz.ledger import make_camera
from tests.snapshots.clips import HEADER, tags_of
from tests.snapshots.files import path_of
from tests.snapshots.flv_server import Behaviour, FlvServer, Peer, empty_once, ended, live
from tests.snapshots.streams import Streams

pytestmark = pytest.mark.django_db

# 2026-11-22 12:00 in Shanghai.
NOON = int(datetime(2026, 11, 22, 4, 0, tzinfo=UTC).timestamp())
NOON_AT = slot_at(NOON)


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, settings: LazySettings, time_machine: TimeMachineFixture) -> None:
    settings.SNAPSHOT_ROOT = tmp_path
    settings.SNAPSHOT_TIMEOUT_SECONDS = 90
    time_machine.move_to(NOON_AT + timedelta(seconds=20))


@pytest.fixture
def streams(media: FlvServer) -> Streams:
    return Streams(media)


def cameras_of(office: Organisation, number: int) -> list[Camera]:
    return [make_camera(office, index) for index in range(1, number + 1)]


def serve(server: FlvServer, cameras: list[Camera], behaviour: Behaviour) -> None:
    server.behaviours |= {f"/live/{camera.pk}.flv": behaviour for camera in cameras}


def run(streams: Streams) -> ShardReport:
    return capture_shard(slot=NOON, shard=0, shards=1, targets=streams)


def results() -> dict[int, int]:
    return dict(Snapshot.objects.filter(slot_at=NOON_AT).values_list("camera_id", "result"))


class Counting:
    """A server without pictures, and how many it kept waiting before the first of them left: when it `is_time`."""

    def __init__(self, is_time: Callable[[], bool]) -> None:
        self.most = 0
        self._is_time = is_time
        self._has_left = False
        self._lock = threading.Lock()

    def __call__(self, peer: Peer) -> None:
        with self._lock:
            self.most += not self._has_left
        empty_once(self._is_time)(peer)
        self._has_left = True


def test_slow_server_takes_no_more_than_its_share(
    office: Organisation, streams: Streams, media: FlvServer, road_clip: bytes, settings: LazySettings
) -> None:
    """Its cameras come first and fill every place that they may have; the other server's are taken meanwhile."""
    settings.SNAPSHOT_READS_AT_ONCE, settings.SNAPSHOT_READS_PER_SERVER = 6, 4
    cameras = cameras_of(office, 28)
    stuck, good = cameras[:8], cameras[8:]
    counting = Counting(lambda: all(path_of(camera.pk, NOON_AT).exists() for camera in good))
    with FlvServer() as slow:
        serve(slow, stuck, counting)
        serve(media, good, live(road_clip))
        streams.elsewhere = {camera.pk: slow for camera in stuck}
        assert run(streams).taken == 20
    assert counting.most == 4
    found = results()
    assert {found[camera.pk] for camera in stuck} == {SnapshotResult.NO_KEY_FRAME}


def dead_last_time(cameras: list[Camera]) -> None:
    before = NOON_AT - timedelta(seconds=300)
    ensure_day(before.date())
    save_shots([Shot(camera.pk, SnapshotResult.NO_KEY_FRAME) for camera in cameras], before)


def test_dead_cameras_come_last(
    office: Organisation, streams: Streams, media: FlvServer, road_clip: bytes, settings: LazySettings
) -> None:
    settings.SNAPSHOT_READS_AT_ONCE = settings.SNAPSHOT_READS_PER_SERVER = 2
    cameras = cameras_of(office, 8)
    dead_last_time(cameras[:2])
    serve(media, cameras[:2], ended())
    serve(media, cameras[2:], live(road_clip))
    assert run(streams).taken == 6
    paths = [line.split()[1] for line in media.requests]
    assert set(paths[-2:]) == {f"/live/{camera.pk}.flv" for camera in cameras[:2]}


def test_camera_that_is_back_has_its_picture_in_the_same_round(
    office: Organisation, streams: Streams, media: FlvServer, road_clip: bytes
) -> None:
    cameras = cameras_of(office, 3)
    dead_last_time(cameras)
    serve(media, cameras, live(road_clip))
    assert run(streams).taken == 3


def test_workers_that_are_behind_leave_dead_cameras_out(
    office: Organisation,
    streams: Streams,
    media: FlvServer,
    road_clip: bytes,
    time_machine: TimeMachineFixture,
) -> None:
    """This shard was due at 12:00:00; what is left of the period belongs to cameras that answer."""
    cameras = cameras_of(office, 4)
    dead_last_time(cameras[:2])
    serve(media, cameras, live(road_clip))
    time_machine.move_to(NOON_AT + timedelta(seconds=31))
    assert run(streams).taken == 2
    assert streams.asked == [camera.pk for camera in cameras[2:]]
    found = results()
    # Not asked is not dead: they are asked like all others in the next round.
    assert {found[camera.pk] for camera in cameras[:2]} == {SnapshotResult.NOT_RUN}


class WithoutGopCache:
    """Sends from the middle of a group of pictures; the next key frame comes when so many wait for theirs."""

    def __init__(self, clip: bytes, together: int) -> None:
        tags = tags_of(clip)
        keys = [number for number, tag in enumerate(tags) if tag.is_key_frame]
        config = [tag.raw for tag in tags if tag.is_config]
        self.begin = [HEADER, *config, *(tag.raw for tag in tags[keys[0] + 1 : keys[1]])]
        self.later = [tag.raw for tag in tags[keys[1] :]]
        self._barrier = threading.Barrier(together)

    def __call__(self, peer: Peer) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n", *self.begin)
        with suppress(threading.BrokenBarrierError):
            self._barrier.wait(timeout=60)
            peer.send(*self.later)
            peer.wait_until_it_leaves()


def test_server_without_gop_cache_costs_one_wait_and_not_one_for_each_camera(
    office: Organisation, streams: Streams, media: FlvServer, road_clip: bytes, settings: LazySettings
) -> None:
    settings.SNAPSHOT_READS_AT_ONCE = settings.SNAPSHOT_READS_PER_SERVER = 60
    cameras = cameras_of(office, 60)
    serve(media, cameras, WithoutGopCache(road_clip, together=60))
    assert run(streams).taken == 60


def test_rows_do_not_wait_for_the_slowest(
    office: Organisation, streams: Streams, media: FlvServer, road_clip: bytes
) -> None:
    """What is there is shown, and a kill in the tail of a shard costs nothing of it."""
    good, stuck = cameras_of(office, 2)
    written: list[int] = []
    is_written = threading.Event()

    def listen(*, shots: list[Shot], **_: object) -> None:
        written.append(len(shots))
        is_written.set()

    serve(media, [good], live(road_clip))
    serve(media, [stuck], empty_once(is_written.is_set))
    pictures_taken.connect(listen)
    try:
        run(streams)
    finally:
        pictures_taken.disconnect(listen)
    assert written == [1, 1]


def test_places_grow_while_all_keep_us_waiting(
    office: Organisation, streams: Streams, media: FlvServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "_FIRST_PLACES", 2)
    cameras = cameras_of(office, 12)
    counting = Counting(lambda: counting.most == 12)
    serve(media, cameras, counting)
    run(streams)
    assert counting.most == 12
