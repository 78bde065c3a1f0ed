"""A partition and a folder for every day: there in time, gone after the retention, and not a day sooner."""

import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.checks import run_checks
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from access import days
from access.days import day_of, day_start
from access.locks import Work
from access.models import Alarm, Organisation
from cameras.models import Camera
from snapshots.capture.store import keep_picture, name_of, open_whole
from snapshots.choices import SnapshotResult
from snapshots.models import CaptureShard, Snapshot
from snapshots.services import partitions
from snapshots.services.partitions import keep_partitions
from snapshots.slots import unix_slots
from snapshots.storage.folder import FolderStorage
from snapshots.tasks import keep_partitions as keep_partitions_task
from tests.ptz.gateway_double import wait_until
from tests.ptz.ledger import make_camera
from tests.snapshots.files import path_of

pytestmark = pytest.mark.django_db

# 00:30 in Shanghai, still the day before in UTC.
NOW = datetime(2026, 11, 21, 16, 30, tzinfo=UTC)
TODAY = date(2026, 11, 22)


@pytest.fixture
def pictures(tmp_path: Path, settings: LazySettings) -> Path:
    settings.SNAPSHOT_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def camera(office: Organisation) -> Camera:
    return make_camera(office, 1)


def partitions_there() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'snapshots_snapshot'::regclass ORDER BY 1"
        )
        return [name.removeprefix("snapshots_snapshot_") for (name,) in cursor.fetchall()]


def add_picture(camera: Camera, moment: datetime) -> None:
    partitions.ensure_day(day_of(moment))
    keep_picture(camera.pk, moment, b"picture\xff\xd9")
    CaptureShard.objects.create(slot_at=moment, shard=0)
    Snapshot.objects.create(camera=camera, slot_at=moment, taken_at=moment, result=SnapshotResult.TAKEN)


def test_days_are_made_ahead_and_only_once(pictures: Path) -> None:
    report = keep_partitions(now=NOW)
    assert report.made == [TODAY, TODAY + timedelta(1), TODAY + timedelta(2)]
    assert partitions_there() == ["20261122", "20261123", "20261124"]
    assert keep_partitions(now=NOW).made == []


def test_day_is_a_day_in_shanghai(camera: Camera, pictures: Path) -> None:
    assert unix_slots(TODAY)[0] == int(datetime(2026, 11, 21, 16, 0, tzinfo=UTC).timestamp())
    assert len(unix_slots(TODAY)) == 288
    keep_partitions(now=NOW)
    midnight = day_start(TODAY)
    Snapshot.objects.create(camera=camera, slot_at=midnight, result=SnapshotResult.OFFLINE)
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM snapshots_snapshot")
        assert cursor.fetchall() == [("snapshots_snapshot_20261122",)]
    assert path_of(camera.pk, midnight).parts[-4:-2] == ("20261122", "000000")


def test_row_without_a_partition_is_refused(camera: Camera, pictures: Path) -> None:
    with pytest.raises(IntegrityError, match="no partition"), transaction.atomic():
        Snapshot.objects.create(camera=camera, slot_at=NOW, result=SnapshotResult.OFFLINE)


def test_every_picture_is_kept_seven_whole_days(
    camera: Camera, pictures: Path, settings: LazySettings
) -> None:
    """Document 4.1 2.c: the last picture of a day counts, not the first."""
    last_of_the_day = day_start(TODAY - timedelta(7)) + timedelta(hours=23, minutes=55)
    add_picture(camera, last_of_the_day)
    add_picture(camera, last_of_the_day - timedelta(1))
    report = keep_partitions(now=last_of_the_day + timedelta(days=7))
    assert report.dropped == [TODAY - timedelta(8)]
    assert report.folders == ["20261114"]
    assert [row.slot_at for row in Snapshot.objects.all()] == [last_of_the_day]
    assert [shard.slot_at for shard in CaptureShard.objects.all()] == [last_of_the_day]
    assert open_whole(name_of(camera.pk, last_of_the_day - timedelta(1))) is None
    file = open_whole(name_of(camera.pk, last_of_the_day))
    assert file is not None
    file.close()
    report = keep_partitions(now=last_of_the_day + timedelta(days=7, minutes=5))
    assert (report.dropped, report.folders) == ([TODAY - timedelta(7)], ["20261115"])
    assert not Snapshot.objects.exists()


def test_folder_left_by_a_kill_goes_and_others_stay(pictures: Path) -> None:
    """The partition went, the process died before its folder did."""
    for name in ("20261001", "20261122", "2026", "evidence", "20261001.zip"):
        (pictures / name).mkdir()
    assert keep_partitions(now=NOW).folders == ["20261001"]
    assert sorted(folder.name for folder in pictures.iterdir()) == [
        "2026",
        "20261001.zip",
        "20261122",
        "evidence",
    ]


@pytest.mark.django_db(transaction=True)
def test_slow_reader_delays_the_drop_and_nobody_else(
    camera: Camera, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(days, "_MOST_WAIT", "50ms")
    old = NOW - timedelta(days=20)
    add_picture(camera, old)
    with closing(connection.copy()) as reader:
        reader.set_autocommit(False)
        with reader.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM snapshots_snapshot")
        report = keep_partitions(now=NOW)
        # The next days are there all the same, and the picture goes with its row, not before.
        assert (len(report.made), report.dropped, report.folders) == (3, [], [])
        assert path_of(camera.pk, old).exists()
    report = keep_partitions(now=NOW)
    assert (report.dropped, report.folders) == ([day_of(old)], [f"{day_of(old):%Y%m%d}"])


def test_a_run_deletes_as_long_as_it_may_and_the_next_goes_on(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for slot in ("000000", "000500", "001000"):
        (pictures / "20261001" / slot / "0").mkdir(parents=True)
    monkeypatch.setattr(partitions, "BUDGET_SECONDS", 0)
    report = keep_partitions(now=NOW)
    assert (len(report.made), report.folders) == (3, [])
    assert len(list((pictures / "20261001").iterdir())) == 3
    monkeypatch.undo()
    assert keep_partitions(now=NOW).folders == ["20261001"]


def test_who_deletes_the_same_folder_does_no_harm(pictures: Path) -> None:
    """By hand, or a second platform on the same disk."""
    for number in range(400):
        (pictures / "20261001" / f"{number:06d}" / "0").mkdir(parents=True)
        (pictures / "20261001" / f"{number:06d}" / "0" / "1.jpg").touch()
    with ThreadPoolExecutor(3) as pool:
        until = time.monotonic() + 60
        runs = [pool.submit(FolderStorage().drop, "20261001", until=until) for _ in range(3)]
        assert all(run.result() for run in runs)
    assert not list(pictures.iterdir())


@pytest.mark.django_db(transaction=True)
def test_one_run_at_a_time(pictures: Path) -> None:
    (pictures / "20261001").mkdir()
    with closing(connection.copy()) as other:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [Work.PICTURE_DAYS])
        report = keep_partitions(now=NOW)
        assert (report.made, report.dropped, report.folders) == ([], [], [])
    assert (pictures / "20261001").exists()
    wait_until(lambda: keep_partitions(now=NOW).folders == ["20261001"], "the lock to end with its holder")


def test_task_keeps_the_days(pictures: Path) -> None:
    keep_partitions_task()
    assert f"{timezone.localtime():%Y%m%d}" in partitions_there()


@pytest.mark.parametrize("content", [b"", b"cut short", b"\x00" * 400])
def test_picture_cut_short_by_a_power_cut_is_not_given_out(
    camera: Camera, pictures: Path, content: bytes
) -> None:
    keep_picture(camera.pk, NOW, content)
    assert open_whole(name_of(camera.pk, NOW)) is None


@pytest.mark.parametrize("is_synced", [False, True])
def test_nothing_half_written_stays(
    camera: Camera, pictures: Path, settings: LazySettings, is_synced: bool
) -> None:
    settings.SNAPSHOT_FSYNC = is_synced
    keep_picture(camera.pk, NOW, b"first\xff\xd9")
    keep_picture(camera.pk, NOW, b"second\xff\xd9")
    (file,) = [path for path in pictures.rglob("*") if path.is_file()]
    assert (file, file.read_bytes()) == (path_of(camera.pk, NOW), b"second\xff\xd9")


def test_the_name_of_a_picture_is_synced_after_the_picture(
    camera: Camera, pictures: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a new day the folders above it too; of the second picture its own folder alone."""
    synced: list[str] = []
    fsync = os.fsync

    def listen(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink().name.split(".jpg")[0])
        fsync(handle)

    monkeypatch.setattr(os, "fsync", listen)
    keep_picture(camera.pk, NOW, b"not synced\xff\xd9")
    assert synced == []
    settings.SNAPSHOT_FSYNC = True
    shutil.rmtree(pictures / f"{timezone.localtime(NOW):%Y%m%d}")
    keep_picture(camera.pk, NOW, b"first\xff\xd9")
    folder = path_of(camera.pk, NOW).parent
    time_of_slot, day = folder.parent, folder.parent.parent
    above = [time_of_slot.name, day.name, pictures.name]
    assert synced == [*above, str(camera.pk), folder.name]
    synced.clear()
    keep_picture(camera.pk, NOW, b"second\xff\xd9")
    assert synced == [str(camera.pk), folder.name]


def test_settings_that_lose_pictures_are_told(settings: LazySettings, tmp_path: Path) -> None:
    settings.SNAPSHOT_ROOT = tmp_path / "new" / "folder"
    settings.SNAPSHOT_RETENTION_DAYS = 7
    assert not [message for message in run_checks() if message.id and message.id.startswith("snapshots.")]
    (tmp_path / "file").touch()
    settings.SNAPSHOT_ROOT = tmp_path / "file"
    settings.SNAPSHOT_RETENTION_DAYS = 6
    settings.SNAPSHOT_PERIOD_SECONDS = 0
    found = {message.id for message in run_checks() if message.id and message.id.startswith("snapshots.")}
    assert found == {"snapshots.E001", "snapshots.E002", "snapshots.E004"}


@pytest.mark.parametrize(
    ("period", "is_good"), [(300, True), (60, True), (10, True), (90, False), (420, False), (600, False)]
)
def test_rounds_that_do_not_fit_the_clock_are_refused(
    settings: LazySettings, period: int, is_good: bool
) -> None:
    settings.SNAPSHOT_PERIOD_SECONDS = period
    assert ("snapshots.E003" not in {message.id for message in run_checks()}) == is_good


def test_who_does_not_keep_up_with_deleting_goes_on_at_once_and_is_told(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snapshots.services.partitions.BUDGET_SECONDS", 0)
    (pictures / "20261101" / "part").mkdir(parents=True)
    report = keep_partitions()
    assert (report.folders, report.is_unfinished) == ([], True)
    alarm = Alarm.objects.get(key=partitions.OVERDUE_ALARM)
    assert "20261101" in alarm.message
    sent: list[dict[str, object]] = []
    monkeypatch.setattr(keep_partitions_task, "apply_async", lambda **how: sent.append(how))
    keep_partitions_task()
    assert [how["countdown"] for how in sent] == [5]
    monkeypatch.setattr("snapshots.services.partitions.BUDGET_SECONDS", 60)
    keep_partitions_task()
    assert (len(sent), (pictures / "20261101").exists()) == (1, False)
    alarm.refresh_from_db()
    assert alarm.closed_at is not None
