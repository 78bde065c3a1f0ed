"""路线长卷: which roads there are, a day of the cameras that are near, saying what 截图回看 says, and their pictures."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings, settings
from django.db import connection
from django.http import StreamingHttpResponse
from django.test.utils import CaptureQueriesContext
from time_machine import TimeMachineFixture

from access.choices import Action
from access.days import day_of
from access.models import Organisation
from cameras.models import Camera, CameraException
from console.film import MOST_CAMERAS
from quality.choices import ALL_GOOD, QualitySource
from quality.models import CameraQuality, QualityChange
from snapshots.capture.store import keep_picture
from snapshots.choices import SnapshotResult
from snapshots.models import Snapshot
from snapshots.services.partitions import ensure_day
from tests.console.desk import Desk, refusal_of
from tests.ptz.ledger import make_camera

pytestmark = pytest.mark.django_db

# 00:22:30 in Shanghai: four slots are over.
NOW = datetime(2026, 11, 21, 16, 22, 30, tzinfo=UTC)
FIRST = NOW.replace(minute=0, second=0)
SLOT = timedelta(minutes=5)
TODAY = "2026-11-22"


@pytest.fixture(autouse=True)
def midnight(db: None, time_machine: TimeMachineFixture) -> None:
    time_machine.move_to(NOW, tick=False)
    for shift in range(3):
        ensure_day(day_of(NOW) - timedelta(days=shift))


def keep(camera: Camera, number: int, result: SnapshotResult = SnapshotResult.TAKEN) -> int:
    at = FIRST + number * SLOT
    taken_at = at + timedelta(seconds=12) if result == SnapshotResult.TAKEN else None
    Snapshot.objects.create(camera=camera, slot_at=at, taken_at=taken_at, result=result)
    return int(at.timestamp())


def age(days: int) -> None:
    Camera.objects.update(created_at=FIRST - timedelta(days=days))


def test_a_day_slot_by_slot_is_that_of_looking_back(desk: Desk, camera: Camera) -> None:
    age(2)
    newest = [keep(camera, number) for number in (0, 1, 3)][-1]
    keep(camera, 2, SnapshotResult.NO_KEY_FRAME)
    blurred = "000100000"
    CameraQuality.objects.create(camera=camera, flags=blurred, sources="d" * 9, since=[1.0] * 9)
    since = FIRST + SLOT + SLOT / 2
    QualityChange.objects.create(
        camera=camera, at=since, before=ALL_GOOD, after=blurred, source=QualitySource.STAFF
    )
    found = desk.json("film_day", TODAY, ids=camera.pk)
    row = found["cameras"][str(camera.pk)]
    assert (row["slots"], row["latest"]) == ("pbCb-", newest)
    assert row["quality"] == [[None, ""], [since.timestamp(), "图像模糊"]]
    assert (found["first"], found["period"], found["reasons"]["C"]) == (FIRST.timestamp(), 300, "取流超时")
    days = {day["day"]: day for day in desk.json("days", camera.pk)["days"]}
    for day, whole in days.items():
        # The present slot, and what is older than the camera, are the same in both as well.
        assert desk.json("film_day", day, ids=camera.pk)["cameras"][str(camera.pk)]["slots"] == whole["slots"]


def test_the_newest_picture_may_be_of_another_day(desk: Desk, camera: Camera, gantry: Camera) -> None:
    age(2)
    old = keep(camera, -20)
    found = desk.json("film_day", TODAY, ids=f"{camera.pk},{gantry.pk}")["cameras"]
    assert [found[str(one.pk)]["latest"] for one in (camera, gantry)] == [old, None]
    assert desk.json("film_day", "2026-11-21", ids=camera.pk)["cameras"][str(camera.pk)]["latest"] is None


@pytest.mark.parametrize("day", ["2026-11-13", "2026-11-23", "2027-01-01"])
def test_a_day_that_is_not_kept_has_no_slots(desk: Desk, camera: Camera, day: str) -> None:
    age(60)
    assert desk.json("film_day", day, ids=camera.pk)["cameras"][str(camera.pk)]["slots"] == ""


def test_cameras_of_another_company_are_left_out(desk: Desk, other_desk: Desk, camera: Camera) -> None:
    assert list(desk.json("film_day", TODAY, ids=f"{camera.pk},99999")["cameras"]) == [str(camera.pk)]
    assert other_desk.json("film_day", TODAY, ids=camera.pk)["cameras"] == {}
    assert other_desk.json("film_roads")["roads"] == []
    assert "没有可查看的摄像机" in refusal_of(other_desk.get("film_road", "G2"), 404)


@pytest.mark.parametrize(
    ("day", "ids", "said"),
    [
        ("soon", "1", "形如 2026-11-22"),
        ("0001-01-01", "1", "形如 2026-11-22"),
        (TODAY, "1,x", "应为"),
        (TODAY, ",".join(map(str, range(1, MOST_CAMERAS + 2))), "最多 80 个"),
    ],
)
def test_odd_questions_are_refused(desk: Desk, day: str, ids: str, said: str) -> None:
    assert said in refusal_of(desk.get("film_day", day, ids=ids), 400)


# Pictures of a whole view ------------------------------------------------------------------------


def jpeg_of(camera: Camera, number: int) -> bytes:
    return b"\xff\xd8" + f"{camera.pk} {number}".encode() * 40 + b"\xff\xd9"


@pytest.fixture
def stored(settings: LazySettings, tmp_path: Path, camera: Camera, gantry: Camera) -> int:
    """The first slot of the day: both have a picture of it, and of the next one only the first camera."""
    settings.SNAPSHOT_ROOT = tmp_path
    age(2)
    for one, number in ((camera, 0), (gantry, 0), (camera, 1)):
        keep(one, number)
        keep_picture(one.pk, FIRST + number * SLOT, jpeg_of(one, number))
    keep(gantry, 1, SnapshotResult.NO_KEY_FRAME)
    return int(FIRST.timestamp())


def pictures_of(desk: Desk, *pairs: tuple[int, int]) -> list[bytes]:
    response = desk.get("film_pictures", of=",".join(f"{pk}-{slot}" for pk, slot in pairs))
    assert response.status_code == 200
    assert "no-store" in response.headers["Cache-Control"]
    assert isinstance(response, StreamingHttpResponse)
    body, found = io.BytesIO(response.getvalue()), []
    while length := body.read(4):
        found.append(body.read(int.from_bytes(length)))
    return found


def test_pictures_of_a_view_come_in_the_order_asked_for(
    desk: Desk, camera: Camera, gantry: Camera, stored: int
) -> None:
    pairs = [(gantry.pk, stored), (camera.pk, stored), (gantry.pk, stored + 300), (camera.pk, stored + 300)]
    expected = [jpeg_of(gantry, 0), jpeg_of(camera, 0), b"", jpeg_of(camera, 1)]
    assert pictures_of(desk, *pairs) == expected
    assert pictures_of(desk) == []
    # What is no slot, no camera, or a file that was cut short, is nothing; the others come all the same.
    for path in Path(settings.SNAPSHOT_ROOT).rglob(f"{gantry.pk}.jpg"):
        path.write_bytes(b"\xff\xd8")
    assert pictures_of(desk, (99_999, stored), (camera.pk, 7), *pairs[:2]) == [b"", b"", b"", jpeg_of(camera, 0)]


def test_pictures_of_another_company_are_not_given_out(
    desk: Desk, other_desk: Desk, camera: Camera, company: Organisation, stored: int
) -> None:
    assert pictures_of(other_desk, (camera.pk, stored)) == [b""]
    CameraException.objects.create(
        user=desk.user, camera=camera, action=Action.SNAPSHOT, is_denied=True, organisation=company
    )
    assert pictures_of(desk, (camera.pk, stored)) == [b""]


@pytest.mark.parametrize(
    ("of", "said"),
    [
        ("1", "应为"),
        ("1-x", "应为"),
        ("x-300", "应为"),
        ("1-300-4", "应为"),
        (f"1-{10**15}", "应为"),
        (",".join(["1-300"] * (MOST_CAMERAS + 1)), "最多 80 个"),
    ],
)
def test_odd_views_are_refused(desk: Desk, of: str, said: str) -> None:
    assert said in refusal_of(desk.get("film_pictures", of=of), 400)


def test_roads_are_counted_and_a_junction_is_on_both(desk: Desk, office: Organisation) -> None:
    make_camera(office, 1)
    make_camera(office, 2, road="G2&S38")
    make_camera(office, 3, road="G2", is_pending=True)
    assert desk.json("film_roads")["roads"] == [
        {"road": "G2", "name": "京沪高速", "cameras": 2},
        {"road": "S38", "name": "", "cameras": 1},
    ]
    assert [one[0] for one in desk.json("film_road", "S38")["cameras"]] == [Camera.objects.get(stake_m=1_100_002).pk]
    assert desk.json("film_road", "G2")["now"] == NOW.timestamp()


def asked_of(desk: Desk, cameras: list[Camera]) -> tuple[int, int, int]:
    with CaptureQueriesContext(connection) as day:
        found = desk.json("film_day", TODAY, ids=",".join(str(camera.pk) for camera in cameras))
    with CaptureQueriesContext(connection) as road:
        desk.json("film_road", "G2")
    with CaptureQueriesContext(connection) as pictures:
        pictures_of(desk, *((camera.pk, int(FIRST.timestamp())) for camera in cameras))
    assert len(found["cameras"]) == len(cameras)
    return len(day), len(road), len(pictures)


def test_as_many_statements_for_many_as_for_few(desk: Desk, office: Organisation) -> None:
    cameras = [make_camera(office, at) for at in range(30)]
    age(2)
    for camera in cameras:
        keep(camera, 0)
        CameraQuality.objects.create(camera=camera, flags="000100000", sources="d" * 9, since=[1.0] * 9)
    # The first page of a session writes when it was seen.
    desk.page("film")
    assert asked_of(desk, cameras[:3]) == asked_of(desk, cameras)


def test_the_page_is_there_and_leads_to_case_files(desk: Desk) -> None:
    page = desk.page("film")
    assert 'data-testid="film-stage"' in page
    assert 'href="/cases/new/"' in page
