"""Room for pictures: told before it is used up, told when it is, and never a picture that is half there."""

import math
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import LazySettings
from django.core.checks import run_checks
from time_machine import TimeMachineFixture

from access.choices import Severity
from access.models import Alarm, Organisation
from cameras.models import Camera
from snapshots.choices import SnapshotResult
from snapshots.models import PictureHold, Snapshot, StoredDay
from snapshots.services import space
from snapshots.services.rounds import ShardReport, capture_shard
from snapshots.slots import slot_at
from snapshots.storage.contract import Room
from snapshots.tasks import watch_space
from tests.ptz.ledger import make_camera
from tests.snapshots.flv_server import FlvServer, live
from tests.snapshots.streams import Streams

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]
NOON = int(datetime(2026, 11, 22, 4, 0, tzinfo=UTC).timestamp())
GIB = 1 << 30


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: LazySettings, time_machine: TimeMachineFixture) -> Path:
    settings.SNAPSHOT_ROOT = tmp_path / "snapshots"
    time_machine.move_to(slot_at(NOON) + timedelta(seconds=20))
    return tmp_path / "snapshots"


@pytest.fixture
def streams(media: FlvServer) -> Streams:
    return Streams(media)


@pytest.fixture
def camera(office: Organisation, media: FlvServer, road_clip: bytes) -> Camera:
    camera = make_camera(office, 1)
    media.behaviours[f"/live/{camera.pk}.flv"] = live(road_clip)
    return camera


def run(streams: Streams) -> ShardReport:
    return capture_shard(slot=NOON, shard=0, shards=1, is_forced=True, targets=streams)


def open_alarm() -> Alarm | None:
    return Alarm.objects.filter(closed_at=None).first()


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """The system writes so much of a file and no more, as on a disk that fills up within it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room", [0, 4000])
def test_picture_that_does_not_fit_is_a_gap_and_an_alarm(
    camera: Camera, streams: Streams, folder: Path, room: int
) -> None:
    with files_no_larger_than(room):
        run(streams)
    assert Snapshot.objects.get().result == SnapshotResult.STORAGE
    assert files(folder) == []
    alarm = open_alarm()
    assert alarm is not None
    assert (alarm.title, alarm.severity) == ("截图无法保存", Severity.CRITICAL)
    assert run(streams).taken == 1
    assert open_alarm() is None
    (file,) = files(folder)
    assert file.read_bytes()[-2:] == b"\xff\xd9"


def test_picture_that_was_there_survives_one_that_does_not_fit(
    camera: Camera, streams: Streams, folder: Path
) -> None:
    run(streams)
    (file,) = files(folder)
    before = file.read_bytes()
    Snapshot.objects.update(result=SnapshotResult.OFFLINE)
    with files_no_larger_than(4000):
        run(streams)
    assert (files(folder), file.read_bytes()) == ([file], before)


# Fills a disk of 200 KB in a mount namespace of its own, which any user may have where the kernel allows it.
_FILL = """
import os, sys
import django
django.setup()
from django.conf import settings
from snapshots.capture.errors import CaptureError
from snapshots.capture.store import keep_picture, name_of, open_whole
from snapshots.services.space import _why
from snapshots.slots import slot_at
jpeg = os.urandom(15_000) + b"\\xff\\xd9"
kept, lost = [], []
for camera in range(1, 31):
    try:
        keep_picture(camera, slot_at(1795320000), jpeg)
        kept.append(camera)
    except CaptureError as error:
        lost.append((camera, error.result.name, error.detail))
whole = [camera for camera in range(1, 31) if open_whole(name_of(camera, slot_at(1795320000)))]
files = [name for _, _, names in os.walk(settings.SNAPSHOT_ROOT) for name in names]
assert kept and lost and whole == kept and len(files) == len(kept), (kept, lost, files)
assert {name for _, name, _ in lost} == {"STORAGE"}
assert all("No space left" in why or "not be written whole" in why for _, _, why in lost), lost
print(_why())
"""


def test_disk_that_is_full(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    script = f'mount -t tmpfs -o size=200k none {disk} && exec {sys.executable} -W ignore -c "$FILL"'
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    if subprocess.run([*command, "true"], capture_output=True).returncode:
        pytest.skip("this system has no user namespaces")
    done = subprocess.run(
        [*command, script],
        env={**os.environ, "FILL": _FILL, "SNAPSHOT_ROOT": str(disk / "snapshots"), "IS_DEMO": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "所在磁盘已满" in done.stdout


def store(size: int, *, days_ago: int = 0, keep_days: int = 0) -> None:
    day = datetime(2026, 11, 22).date() - timedelta(days=days_ago)  # noqa: DTZ001
    StoredDay.objects.update_or_create(
        day=day, keep_days=keep_days, defaults={"size_bytes": size, "pictures": 1}
    )


def test_warning_comes_before_the_quota_is_spent_and_ends_below_it(settings: LazySettings) -> None:
    settings.SNAPSHOT_QUOTA_BYTES, settings.SNAPSHOT_WARN_PERCENT = 100 * GIB, 80
    store(10 * GIB, days_ago=1)
    store(69 * GIB)
    watch_space()
    assert open_alarm() is None
    store(70 * GIB)
    watch_space()
    alarm = open_alarm()
    assert alarm is not None
    assert (alarm.title, alarm.severity) == ("截图存储空间将满", Severity.WARNING)
    assert alarm.message == (
        "配额 SNAPSHOT_QUOTA_BYTES 已用 80%（80.0 / 100.0 GiB）；昨日写入 10.00 GiB，约 2.0 天后写满"
    )
    # A little less is no reason to come and go.
    store(69 * GIB)
    watch_space()
    assert open_alarm() is not None
    store(67 * GIB)
    watch_space()
    assert open_alarm() is None


def test_days_that_go_make_room_for_those_that_come(settings: LazySettings) -> None:
    """Eight days are there just before midnight, when the first of them goes: 688 of 800 GiB."""
    settings.SNAPSHOT_QUOTA_BYTES = 800 * GIB
    for days_ago in range(1, 8):
        store(86 * GIB, days_ago=days_ago)
    store(43 * GIB)
    assert space.measure().days_left == math.inf
    watch_space()
    settings.SNAPSHOT_WARN_PERCENT = 75
    watch_space()
    alarm = open_alarm()
    assert alarm is not None
    assert alarm.message.endswith("昨日写入 86.00 GiB，到期删除的不少于写入的，不会写满")


def test_days_that_grow_fill_it_all_the_same(settings: LazySettings) -> None:
    """Since yesterday three times as much comes as goes."""
    settings.SNAPSHOT_QUOTA_BYTES = 200 * GIB
    for days_ago in range(2, 8):
        store(10 * GIB, days_ago=days_ago)
    store(30 * GIB, days_ago=1)
    store(15 * GIB)
    # 105 now, at noon; at midnight 110 are left of 120, after four more days 190: a third of the fifth fills it.
    assert space.measure().days_left == pytest.approx(0.5 + 4 + 1 / 3, abs=0.01)


def test_what_is_kept_longer_goes_later(settings: LazySettings) -> None:
    settings.SNAPSHOT_QUOTA_BYTES = 60 * GIB
    for days_ago in range(1, 8):
        store(1 * GIB, days_ago=days_ago)
        store(1 * GIB, days_ago=days_ago, keep_days=30)
    store(GIB // 2)
    store(GIB // 2, keep_days=30)
    # In the end 8 days of the one and 31 of the other.
    assert space.measure().days_left == math.inf
    settings.SNAPSHOT_QUOTA_BYTES = 36 * GIB
    # 15 at midnight, one more each day: 35 after 20 of them.
    assert space.measure().days_left == pytest.approx(0.5 + 20 + 0.5, abs=0.01)


def test_held_pictures_count_once_while_their_day_lives(
    settings: LazySettings, office: Organisation
) -> None:
    """A link takes no room; when the day has gone, it is what keeps the picture."""
    settings.SNAPSHOT_QUOTA_BYTES = 100 * GIB
    camera = make_camera(office, 1)
    first = slot_at(NOON) - timedelta(days=2)
    hold = PictureHold.objects.create(
        camera=camera,
        begins_at=first,
        ends_at=first + timedelta(days=1, hours=1),
        reason="案件",
        pictures=2,
        size_bytes=7 * GIB,
    )
    facts = {"taken_at": first, "width": 352, "height": 288, "camera": camera}
    for days, size in ((0, 1 << 30), (1, 1 << 29)):
        hold.held.create(slot_at=first + timedelta(days=days), size_bytes=size, **facts)
    store(10 * GIB, days_ago=1)
    store(10 * GIB, days_ago=2)
    assert space.stored_bytes() == 20 * GIB
    StoredDay.objects.filter(day=first.date()).delete()
    assert space.stored_bytes() == 11 * GIB
    store(0, days_ago=0)
    StoredDay.objects.exclude(size_bytes=0).delete()
    assert space.stored_bytes() == 7 * GIB
    settings.SNAPSHOT_STORAGE = "s3"
    store(10 * GIB, days_ago=2)
    assert space.stored_bytes() == 17 * GIB


def test_disk_is_watched_too(settings: LazySettings, folder: Path) -> None:
    room = space.measure().room
    assert room is not None
    assert 0 < room.percent < 100
    settings.SNAPSHOT_WARN_PERCENT = room.percent / 2
    watch_space()
    alarm = open_alarm()
    assert alarm is not None
    assert alarm.message.startswith(f"{folder} 所在磁盘已用 ")
    settings.SNAPSHOT_WARN_PERCENT = 99.9
    watch_space()
    assert open_alarm() is None


def test_fuller_of_disk_and_quota_counts(settings: LazySettings) -> None:
    settings.SNAPSHOT_QUOTA_BYTES = 1 << 60
    assert not space.measure().is_quota
    settings.SNAPSHOT_QUOTA_BYTES = 100
    store(99)
    assert space.measure() == space.Space(Room(99, 100), True, 0, None)


def test_spent_quota_is_a_gap_and_an_alarm(
    camera: Camera, streams: Streams, settings: LazySettings, folder: Path
) -> None:
    settings.SNAPSHOT_QUOTA_BYTES = 1000
    store(1000, days_ago=1)
    run(streams)
    assert Snapshot.objects.get().result == SnapshotResult.STORAGE
    assert files(folder) == []
    alarm = open_alarm()
    assert alarm is not None
    assert "配额 SNAPSHOT_QUOTA_BYTES 已用完" in alarm.message
    settings.SNAPSHOT_QUOTA_BYTES = 1 << 30
    assert run(streams).taken == 1
    assert open_alarm() is None


def test_settings_that_cannot_be_are_told(settings: LazySettings) -> None:
    def found() -> set[str]:
        return {message.id for message in run_checks() if message.id and message.id.startswith("snapshots.")}

    assert found() == set()
    settings.SNAPSHOT_WARN_PERCENT, settings.SNAPSHOT_READS_PER_SERVER = 100, 0
    assert found() == {"snapshots.E005", "snapshots.E006"}
    settings.SNAPSHOT_WARN_PERCENT, settings.SNAPSHOT_READS_PER_SERVER = 85, 1
    for quality, seconds in ((0, 0), (101, -1), (101, settings.SNAPSHOT_PERIOD_SECONDS)):
        settings.SNAPSHOT_JPEG_QUALITY, settings.SNAPSHOT_TIMEOUT_SECONDS = quality, seconds
        assert found() == {"snapshots.E009", "snapshots.E010"}
    settings.SNAPSHOT_JPEG_QUALITY, settings.SNAPSHOT_TIMEOUT_SECONDS = 100, 0.5
    settings.SNAPSHOT_STORAGE = "ftp"
    assert found() == {"snapshots.E007"}
    settings.SNAPSHOT_STORAGE = "s3"
    assert found() == {"snapshots.E008"}
    settings.SNAPSHOT_S3_BUCKET = settings.SNAPSHOT_S3_ACCESS_KEY = settings.SNAPSHOT_S3_SECRET_KEY = "x"
    assert found() == {"snapshots.W002"}
    settings.SNAPSHOT_QUOTA_BYTES = 1
    assert found() == set()


def test_a_disk_that_has_room_and_no_files_left_is_told_as_such(
    folder: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir(parents=True)
    found = os.statvfs(folder)
    few = SimpleNamespace(
        f_blocks=1000, f_bfree=900, f_bavail=900, f_frsize=4096, f_files=1000, f_ffree=50, f_favail=50
    )
    assert found.f_files >= 0
    monkeypatch.setattr(os, "statvfs", lambda _: few)
    room = space.measure().room
    assert room is not None and (round(room.percent), room.is_short_of_files) == (95, True)
    watch_space()
    assert "inode" in Alarm.objects.get(key="snapshots:room").message
    few.f_ffree = few.f_favail = 0
    assert space.is_full()
    space.tell_storage({SnapshotResult.STORAGE})
    assert "inode" in Alarm.objects.get(key="snapshots:storage").message
