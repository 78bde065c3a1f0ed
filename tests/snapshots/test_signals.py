"""What a round tells packages above of its pictures, and that their failures cost none."""

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import LazySettings
from time_machine import TimeMachineFixture

from access.models import Organisation
from cameras.models import Camera
from snapshots.capture.crew import Shot
from snapshots.choices import SnapshotResult
from snapshots.models import Snapshot
from snapshots.services import rounds
from snapshots.services.rounds import capture_shard
from snapshots.signals import pictures_taken
from snapshots.slots import slot_at
from streaming.selectors import CaptureTarget
from tests.ptz.ledger import make_camera
from tests.snapshots.flv_server import FlvServer, Peer, live, silent

pytestmark = pytest.mark.django_db

# 2026-11-22 12:00 in Shanghai.
NOON = int(datetime(2026, 11, 22, 4, 0, tzinfo=UTC).timestamp())
Heard = list[tuple[datetime, Shot]]


@pytest.fixture
def cameras(
    office: Organisation,
    media: FlvServer,
    road_clip: bytes,
    tmp_path: Path,
    settings: LazySettings,
    time_machine: TimeMachineFixture,
) -> list[Camera]:
    """The first has a stream, the second has none."""
    settings.SNAPSHOT_ROOT = tmp_path
    time_machine.move_to(slot_at(NOON) + timedelta(seconds=20))
    first, second = make_camera(office, 1), make_camera(office, 2, has_stream=False)
    media.behaviours[f"/live/{first.pk}.flv"] = live(road_clip)
    return [first, second]


@contextmanager
def listening(listener: Any) -> Iterator[None]:
    pictures_taken.connect(listener)
    try:
        yield
    finally:
        pictures_taken.disconnect(listener)


def take(media: FlvServer, cameras: list[Camera]) -> rounds.ShardReport:
    def targets(camera_ids: Iterable[int]) -> list[CaptureTarget]:
        url = f"{media.base}/live/{cameras[0].pk}.flv"
        return [
            CaptureTarget(pk, pk == cameras[0].pk, url if pk == cameras[0].pk else None, "H264")
            for pk in camera_ids
        ]

    return capture_shard(slot=NOON, shard=0, shards=1, targets=targets)


def test_listeners_get_planes_and_gaps_after_the_rows(cameras: list[Camera], media: FlvServer) -> None:
    heard: Heard = []
    rows: list[int] = []

    def listen(slot_at: datetime, shots: list[Shot], **_: object) -> None:
        heard.extend((slot_at, shot) for shot in shots)
        rows.append(Snapshot.objects.count())

    with listening(listen):
        take(media, cameras)
    assert rows == [2]
    assert {slot for slot, _ in heard} == {slot_at(NOON)}
    by_camera = {shot.camera_id: shot for _, shot in heard}
    picture = by_camera[cameras[0].pk].picture
    assert picture is not None
    assert picture.planes.y.shape == (288, 352)
    assert (by_camera[cameras[1].pk].result, by_camera[cameras[1].pk].picture) == (
        SnapshotResult.OFFLINE,
        None,
    )


def test_a_listener_that_fails_costs_no_picture(
    cameras: list[Camera], media: FlvServer, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("the engine is broken")

    with listening(fail), caplog.at_level(logging.ERROR):
        report = take(media, cameras)
    assert (report.cameras, report.taken) == (2, 1)
    assert "the engine is broken" in caplog.text


def test_beyond_its_budget_a_shard_tells_nobody(
    cameras: list[Camera], settings: LazySettings, monkeypatch: pytest.MonkeyPatch, media: FlvServer
) -> None:
    heard: list[object] = []

    def listen(**told: object) -> None:
        heard.append(told)

    passed: list[int] = []

    def outlast(peer: Peer) -> None:
        """The budget ends while this camera is waited for."""
        passed.append(settings.SNAPSHOT_PERIOD_SECONDS)
        silent(peer)

    monkeypatch.setattr(rounds, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + sum(passed)))
    settings.SNAPSHOT_TIMEOUT_SECONDS = 0.4
    media.behaviours = {f"/live/{cameras[0].pk}.flv": outlast}
    with listening(listen):
        take(media, cameras)
    assert heard == []
    assert Snapshot.objects.get(camera=cameras[0]).result == SnapshotResult.NO_KEY_FRAME
