"""kill -9 in the middle of a slot, of a real worker on a real broker: no hole, no duplicate."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from celery.app import app_or_default
from django.conf import LazySettings, settings
from django.db import connection
from django.utils import timezone

from access.models import Organisation
from cameras.models import Camera
from deploy.processes import children
from snapshots.choices import SnapshotResult
from snapshots.models import CaptureShard, Snapshot
from snapshots.services.planning import begin_round, lost_shards
from snapshots.services.rounds import ShardEnd
from snapshots.services.rounds import capture_shard as run_here
from snapshots.slots import slot_at, unix_slot
from snapshots.tasks import capture_shard
from streaming.choices import MediaKind
from streaming.models import MediaServer
from tests.ptz.ledger import make_camera
from tests.snapshots.flv_server import FlvServer, Peer, live

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
# One batch of rows is written while the others still wait for their streams.
READY, HELD_UP = 50, 10
SECONDS = 60


class Gate:
    """Streams of the last cameras begin only when it is open."""

    def __init__(self, clip: bytes) -> None:
        self.clip = clip
        self.is_open = threading.Event()

    def __call__(self, peer: Peer) -> None:
        while not self.is_open.wait(0.1):
            if peer.closing.is_set():
                return
        live(self.clip)(peer)


@pytest.fixture
def gate(road_clip: bytes) -> Gate:
    return Gate(road_clip)


@pytest.fixture
def cameras(
    office: Organisation, media: FlvServer, gate: Gate, tmp_path: Path, settings: LazySettings
) -> list[Camera]:
    settings.SNAPSHOT_ROOT = tmp_path / "snapshots"
    MediaServer.objects.create(
        name="embedded", kind=MediaKind.EMBEDDED, rtmp_url="rtmp://127.0.0.1", http_url=media.base
    )
    cameras = [make_camera(office, number) for number in range(1, READY + HELD_UP + 1)]
    for number, camera in enumerate(cameras):
        behaviour = live(gate.clip) if number < READY else gate
        media.behaviours[f"/live/{camera.stream_name(0)}.flv"] = behaviour
    return cameras


@pytest.fixture(autouse=True)
def _empty_queue() -> Iterator[None]:
    with app_or_default().connection_for_write() as broker:
        yield
        channel: Any = broker.default_channel
        channel.queue_purge("captures")
        # What the killed worker had taken would come back among other tests.
        channel.client.delete("unacked", "unacked_index")


@contextmanager
def worker(folder: Path) -> Iterator[int]:
    """A capture worker with one child, on the database and the broker of the tests."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    environment = {
        **os.environ,
        "DATABASE_URL": urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}")),
        "SNAPSHOT_ROOT": str(folder),
        "SNAPSHOT_TIMEOUT_SECONDS": str(SECONDS),
        "IS_DEMO": "1",
        "LOG_LEVEL": "WARNING",
    }
    words = ["-A", "province", "worker", "-Q", "captures", "-c", "1", "--without-gossip", "--without-mingle"]
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", *words, "--loglevel", "WARNING"],
        env=environment,
        cwd=ROOT,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
    )
    try:
        yield process.pid
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


def kill_all(worker_pid: int) -> None:
    os.killpg(worker_pid, signal.SIGKILL)


def kill_child(worker_pid: int) -> None:
    (child,) = children(worker_pid)
    os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize("kill", [kill_all, kill_child])
def test_shard_of_a_killed_worker_has_no_hole_and_no_duplicate(
    cameras: list[Camera],
    media: FlvServer,
    gate: Gate,
    kill: Callable[[int], None],
) -> None:
    # The next slot: this one may be about to end.
    slot = unix_slot(timezone.now()) + settings.SNAPSHOT_PERIOD_SECONDS
    plan = begin_round(now=slot_at(slot))
    assert (plan.slot, plan.shards) == (slot, 1)
    folder = settings.SNAPSHOT_ROOT
    with worker(folder) as first:
        capture_shard.delay(slot, 0, 1)
        wait_until(lambda: Snapshot.objects.count() == READY, "the first rows")
        before = {row["camera_id"]: row for row in Snapshot.objects.values()}
        kill(first)
        gate.is_open.set()
        if kill is kill_child:
            # Its parent puts the task back at once.
            wait_until(is_finished, "the shard to be finished")
    if kill is kill_all:
        assert not is_finished()
        (lost,) = lost_shards(now=slot_at(slot) + timedelta(seconds=60))
        assert (lost.slot, lost.shard, lost.shards) == (slot, 0, 1)
        with worker(folder):
            capture_shard.delay(lost.slot, lost.shard, lost.shards)
            wait_until(is_finished, "the shard to be finished")
    after = {row["camera_id"]: row for row in Snapshot.objects.values()}
    assert {row["result"] for row in after.values()} == {SnapshotResult.TAKEN}
    assert set(after) == {camera.pk for camera in cameras}
    assert {pk: after[pk] for pk in before} == before
    assert len([path for path in folder.rglob("*") if path.is_file()]) == READY + HELD_UP
    asked = [line.split()[1].partition("?")[0] for line in media.requests]
    assert {asked.count(f"/live/{camera.stream_name(0)}.flv") for camera in cameras[:READY]} == {1}
    # What the broker still holds comes back one day, or was sent twice.
    assert lost_shards(now=slot_at(slot) + timedelta(seconds=200)) == []
    assert run_here(slot=slot, shard=0, shards=1).end == ShardEnd.ALREADY


def is_finished() -> bool:
    return CaptureShard.objects.filter(finished_at__isnull=False).exists()
