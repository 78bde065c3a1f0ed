"""截图回看: who gets in, the days of a camera, a day as ZIP."""

import io
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import connection
from django.http import StreamingHttpResponse
from django.test.utils import CaptureQueriesContext
from time_machine import TimeMachineFixture

from access.days import day_of
from access.models import BehaviourLog
from cameras.choices import OnlineStatus, StatusSource
from cameras.models import Camera, StatusChange
from quality.choices import ALL_GOOD, QualitySource
from quality.models import CameraQuality, QualityChange
from snapshots.capture.store import keep_picture
from snapshots.choices import SnapshotResult
from snapshots.models import HeldPicture, PictureHold, Snapshot
from snapshots.services.partitions import ensure_day
from tests.console.desk import Desk, refusal_of

pytestmark = pytest.mark.django_db

# 00:22:30 in Shanghai: four slots are over.
NOW = datetime(2026, 11, 21, 16, 22, 30, tzinfo=UTC)
FIRST = NOW.replace(minute=0, second=0)
SLOT = timedelta(minutes=5)
JPEG = b"\xff\xd8picture\xff\xd9"


@pytest.fixture
def old_camera(
    camera: Camera, settings: LazySettings, tmp_path: Path, time_machine: TimeMachineFixture
) -> Camera:
    """In the ledger since two days."""
    time_machine.move_to(NOW, tick=False)
    settings.SNAPSHOT_ROOT = tmp_path
    Camera.objects.filter(pk=camera.pk).update(created_at=FIRST - timedelta(days=2))
    for shift in range(3):
        ensure_day(day_of(NOW) - timedelta(days=shift))
    return camera


def keep(camera: Camera, number: int, result: SnapshotResult = SnapshotResult.TAKEN) -> None:
    at = FIRST + number * SLOT
    taken_at = at + timedelta(seconds=12) if result == SnapshotResult.TAKEN else None
    Snapshot.objects.create(camera=camera, slot_at=at, taken_at=taken_at, result=result)
    if taken_at:
        keep_picture(camera.pk, at, JPEG)


def test_a_week_slot_by_slot(desk: Desk, old_camera: Camera) -> None:
    keep(old_camera, 0)
    keep(old_camera, 1)
    keep(old_camera, 2, SnapshotResult.NO_KEY_FRAME)
    keep(old_camera, 4)
    StatusChange.objects.create(
        camera=old_camera, at=FIRST, status=OnlineStatus.ONLINE, source=StatusSource.STREAM
    )
    blurred = "000100000"
    CameraQuality.objects.create(camera=old_camera, flags=blurred, sources="d" * 9, since=[1.0] * 9)
    QualityChange.objects.create(
        camera=old_camera,
        at=FIRST + SLOT + SLOT / 2,
        before=ALL_GOOD,
        after=blurred,
        source=QualitySource.STAFF,
    )
    found = desk.json("days", old_camera.pk)
    *earlier, yesterday, today = found["days"]
    # A picture, one that is blurred, a gap of the camera, one of the platform; the picture of the present slot.
    assert (today["day"], today["slots"]) == ("2026-11-22", "pbCGp")
    assert (found["reasons"]["C"], found["reasons"]["G"]) == ("取流超时", "平台未运行")
    assert [letter in found["missed"] for letter in "CG"] == [False, True]
    assert today["taken"][:6] == [12, 12, None, None, 12, None]
    counts = ("counted", "missed", "claimed", "pictured", "good")
    assert [today[name] for name in counts] == [3, 1, 3, 2, 1]
    assert [yesterday[name] for name in counts] == [0, 288, 0, 0, 0]
    # In the ledger since the day before yesterday.
    assert [day["slots"].strip("-") == "" for day in earlier] == [True, True, True, True, False]
    since = (FIRST + SLOT + SLOT / 2).timestamp()
    assert found["quality"] == [[None, ""], [since, "图像模糊"]]
    assert (found["period"], found["camera"]["id"]) == (300, old_camera.pk)


def test_a_week_that_ends_earlier(desk: Desk, old_camera: Camera) -> None:
    found = desk.json("days", old_camera.pk, until="2026-11-21")
    assert [day["day"] for day in found["days"]][::6] == ["2026-11-15", "2026-11-21"]
    assert desk.json("days", old_camera.pk, until="2026-12-24")["days"][-1]["day"] == "2026-11-22"
    assert "until 的值“soon”" in refusal_of(desk.get("days", old_camera.pk, until="soon"), 400)


def test_what_is_kept_longer_or_for_a_case_can_be_reached(desk: Desk, old_camera: Camera) -> None:
    day = day_of(NOW) - timedelta(days=20)
    at = FIRST - timedelta(days=20) + SLOT
    Camera.objects.filter(pk=old_camera.pk).update(created_at=at - timedelta(days=30))
    assert desk.json("days", old_camera.pk)["oldest"] == desk.json("days", old_camera.pk)["kept"]
    case = {"camera": old_camera, "begins_at": at, "ends_at": at + SLOT, "reason": "事故", "held_by": "王工"}
    hold = PictureHold.objects.create(**case)
    size = {"size_bytes": 9, "width": 352, "height": 288}
    HeldPicture.objects.create(hold=hold, camera=old_camera, slot_at=at, taken_at=at, **size)
    found = desk.json("days", old_camera.pk, until=day.isoformat())
    assert (found["oldest"], found["kept"]) == (day.isoformat(), "2026-11-15")
    last = found["days"][-1]
    # Nothing else is known of a day that was dropped: it counts for nothing.
    assert (last["slots"][:3], last["slots"].strip("-")) == ("-p-", "p")
    assert (last["counted"], last["missed"], last["taken"][1]) == (0, 0, 0)


def test_a_day_as_zip(desk: Desk, old_camera: Camera) -> None:
    keep(old_camera, 0)
    response = desk.get("day_archive", old_camera.pk, "2026-11-22")
    assert isinstance(response, StreamingHttpResponse)
    assert response.headers["Content-Type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(b"".join(map(bytes, response))))
    assert archive.namelist() == ["G2 济南段 1 号_20261122_0000.jpg", "缺失时段.csv"]
    row = BehaviourLog.objects.get(verb="下载截图")
    assert (row.actor_name, row.object_id) == ("王工", str(old_camera.pk))


def test_a_day_that_is_none_is_said(desk: Desk, old_camera: Camera) -> None:
    assert refusal_of(desk.get("day_archive", old_camera.pk, "2026-11-01"), 404) == "2026-11-01 没有截图"
    assert "day 的值“soon”" in refusal_of(desk.get("day_archive", old_camera.pk, "soon"), 400)


def test_a_day_of_another_company_is_not_there(desk: Desk, other_desk: Desk, old_camera: Camera) -> None:
    keep(old_camera, 0)
    assert desk.get("day_archive", old_camera.pk, "2026-11-22").status_code == 200
    assert refusal_of(other_desk.get("day_archive", old_camera.pk, "2026-11-22"), 404) == "摄像机不存在"
    assert BehaviourLog.objects.filter(verb="下载截图").count() == 1


def test_the_page_names_its_way_in_the_top_bar(desk: Desk, auditor_desk: Desk) -> None:
    assert 'href="/snapshots/" aria-current="page"' in desk.page("snapshots")
    assert 'href="/snapshots/"' in desk.page("wall")
    assert auditor_desk.get("snapshots").status_code == 403


@pytest.mark.parametrize("count", [3, 30])
def test_queries_do_not_grow(count: int, desk: Desk, old_camera: Camera) -> None:
    for number in range(count):
        keep(old_camera, number - 30)
        QualityChange.objects.create(
            camera=old_camera, at=FIRST - number * SLOT, before=ALL_GOOD, after=ALL_GOOD, source="d"
        )
    desk.json("days", old_camera.pk)
    with CaptureQueriesContext(connection) as queries:
        desk.json("days", old_camera.pk)
    assert len(queries) == 23
