"""A day as ZIP: what is in it, and that it is never in memory as a whole."""

import csv
import io
import tracemalloc
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.files.base import ContentFile
from time_machine import TimeMachineFixture

from access.actors import Actor
from access.choices import ActorKind
from access.days import day_of
from access.models import BehaviourLog, Organisation
from cameras.models import Camera
from protocol.errors import NotFoundError
from snapshots.capture.store import held_name, keep_picture
from snapshots.choices import SnapshotResult
from snapshots.models import HeldPicture, PictureHold, Snapshot
from snapshots.services.archives import GAPS_NAME, pack_day
from snapshots.services.partitions import ensure_day
from snapshots.storage.contract import pictures
from tests.ptz.ledger import make_camera
from tests.snapshots.files import path_of

pytestmark = pytest.mark.django_db

# 00:17 in Shanghai: three slots are over, the fourth is the present one.
NOW = datetime(2026, 11, 21, 16, 17, tzinfo=UTC)
DAY = day_of(NOW)
FIRST = NOW.replace(minute=0)
WANG = Actor(ActorKind.STAFF, 7, "王工", "10.1.1.1")
JPEG = b"\xff\xd8" + bytes(range(256)) * 60 + b"\xff\xd9"


@pytest.fixture
def camera(
    office: Organisation, settings: LazySettings, tmp_path: Path, time_machine: TimeMachineFixture
) -> Camera:
    time_machine.move_to(NOW, tick=False)
    settings.SNAPSHOT_ROOT = tmp_path
    ensure_day(DAY)
    camera = make_camera(office, 1, name="G2 济南段/东: 1 号")
    Camera.objects.filter(pk=camera.pk).update(created_at=NOW - timedelta(days=1))
    camera.refresh_from_db()
    return camera


def keep(camera: Camera, number: int, result: SnapshotResult = SnapshotResult.TAKEN) -> datetime:
    at = FIRST + timedelta(minutes=5 * number)
    taken_at = at + timedelta(seconds=40) if result == SnapshotResult.TAKEN else None
    Snapshot.objects.create(camera=camera, slot_at=at, taken_at=taken_at, result=result)
    if taken_at:
        keep_picture(camera.pk, at, JPEG)
    return at


def opened(camera: Camera) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join(pack_day(camera=camera, day=DAY, actor=WANG).pieces)))


def test_pictures_are_named_by_camera_and_time_and_gaps_are_listed(camera: Camera) -> None:
    keep(camera, 0)
    keep(camera, 1, SnapshotResult.OFFLINE)
    lost = keep(camera, 3)
    path_of(camera.pk, lost).unlink()
    archive = opened(camera)
    assert archive.testzip() is None
    picture, gaps = archive.infolist()
    assert picture.filename == "G2 济南段_东_ 1 号_20261122_0000.jpg"
    assert (picture.date_time, picture.compress_type) == ((2026, 11, 22, 0, 0, 40), zipfile.ZIP_STORED)
    assert archive.read(picture) == JPEG
    assert gaps.filename == GAPS_NAME
    assert list(csv.reader(io.StringIO(archive.read(gaps).decode("utf-8-sig")))) == [
        ["时段", "原因"],
        ["2026-11-22 00:05:00", "摄像机离线"],
        ["2026-11-22 00:10:00", "平台未运行"],
        ["2026-11-22 00:15:00", "图片缺失或暂时无法读取"],
    ]


def test_a_picture_is_found_where_its_organisation_or_a_case_keeps_it(camera: Camera) -> None:
    longer, held = (FIRST + timedelta(minutes=5 * number) for number in (0, 1))
    for at, keep_days in ((longer, 30), (held, 0)):
        Snapshot.objects.create(
            camera=camera, slot_at=at, taken_at=at, result=SnapshotResult.TAKEN, keep_days=keep_days
        )
    keep_picture(camera.pk, longer, JPEG, 30)
    case = {"camera": camera, "begins_at": FIRST, "reason": "事故", "held_by": "王工"}
    hold = PictureHold.objects.create(**case, ends_at=NOW)
    size = {"size_bytes": len(JPEG), "width": 352, "height": 288}
    HeldPicture.objects.create(hold=hold, camera=camera, slot_at=held, taken_at=held, **size)
    pictures().save(held_name(hold.pk, held), ContentFile(JPEG))
    assert [name[-8:-4] for name in opened(camera).namelist()[:-1]] == ["0000", "0005"]
    PictureHold.objects.update(released_at=NOW)
    assert [name[-8:-4] for name in opened(camera).namelist()[:-1]] == ["0000"]


def test_the_file_is_named_by_camera_and_day(camera: Camera) -> None:
    keep(camera, 0)
    archive = pack_day(camera=camera, day=DAY, actor=WANG)
    assert archive.filename == "G2 济南段_东_ 1 号_20261122.zip"


def test_a_download_leaves_its_row(camera: Camera) -> None:
    keep(camera, 0)
    keep(camera, 1, SnapshotResult.OFFLINE)
    pack_day(camera=camera, day=DAY, actor=WANG)
    row = BehaviourLog.objects.get()
    assert (row.verb, row.actor_name, row.object_id) == ("下载截图", "王工", str(camera.pk))
    assert row.detail == {"日期": "2026-11-22", "张数": 1, "缺失": 2}


def test_a_day_of_which_nothing_is_kept_is_not_there(camera: Camera) -> None:
    with pytest.raises(NotFoundError, match="2026-11-12 没有截图"):
        pack_day(camera=camera, day=DAY - timedelta(days=10), actor=WANG)
    assert not BehaviourLog.objects.exists()


def test_a_day_is_never_in_memory_as_a_whole(camera: Camera, settings: LazySettings) -> None:
    settings.SNAPSHOT_PERIOD_SECONDS = 5
    for number in range(180):
        at = FIRST + timedelta(seconds=5 * number)
        Snapshot.objects.create(camera=camera, slot_at=at, taken_at=at, result=SnapshotResult.TAKEN)
        keep_picture(camera.pk, at, JPEG * 20)
    archive = pack_day(camera=camera, day=DAY, actor=WANG)
    tracemalloc.start()
    total = sum(len(piece) for piece in archive.pieces)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total > 180 * len(JPEG) * 20
    assert peak < 10 * len(JPEG) * 20


def test_a_storage_that_fails_is_not_asked_for_each_of_hundreds(
    camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def failing(name: str) -> None:
        asked.append(name)
        raise OSError("no answer")

    monkeypatch.setattr("snapshots.services.archives.open_whole", failing)
    monkeypatch.setattr("snapshots.services.archives._MOST_FAILURES", 2)
    for number in range(3):
        keep(camera, number)
    archive = opened(camera)
    assert len(asked) == 2
    assert "图片缺失或暂时无法读取" in archive.read(GAPS_NAME).decode("utf-8-sig")
