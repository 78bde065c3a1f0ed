"""SnapShot as protocol.md section 4 has it, and the pictures its addresses open."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from django.conf import LazySettings
from django.db import connection
from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.test import Client
from django.test.utils import CaptureQueriesContext
from time_machine import TimeMachineFixture

from access.days import day_of
from access.models import Organisation, User
from cameras.models import Camera
from snapshots import api
from snapshots.capture.store import keep_picture
from snapshots.choices import SnapshotResult
from snapshots.models import Snapshot
from snapshots.selectors import PictureEntry, day_strip, latest_pictures
from snapshots.services.links import picture_url
from snapshots.services.listing import issue_pictures, picture_time
from snapshots.services.partitions import ensure_day
from snapshots.slots import slot_at
from tests.cast import Caller
from tests.ptz.ledger import make_camera
from tests.snapshots.files import path_of

pytestmark = pytest.mark.django_db

# 2026-11-22 09:05 in Shanghai.
NINE = int(datetime(2026, 11, 22, 1, 5, tzinfo=UTC).timestamp())
JPEG = b"\xff\xd8 a picture \xff\xd9"
DEPARTMENT = "山东高速"


@pytest.fixture(autouse=True)
def pictures(tmp_path: Path, settings: LazySettings, time_machine: TimeMachineFixture) -> Path:
    settings.SNAPSHOT_ROOT = tmp_path
    settings.PUBLIC_BASE_URL = "https://video.example.cn"
    time_machine.move_to(slot_at(NINE + 3600), tick=False)
    return tmp_path


@pytest.fixture
def camera(office: Organisation) -> Camera:
    return make_camera(office, 1, created_at=slot_at(NINE))


def add(
    camera: Camera, slot: int, *, after: float = 12.9, result: SnapshotResult = SnapshotResult.TAKEN
) -> None:
    """A row of `slot`, its picture taken `after` seconds."""
    moment = slot_at(slot)
    ensure_day(day_of(moment))
    taken_at = moment + timedelta(seconds=after) if result == SnapshotResult.TAKEN else None
    Snapshot.objects.create(camera=camera, slot_at=moment, taken_at=taken_at, result=result)
    if taken_at:
        keep_picture(camera.pk, moment, JPEG)


def times(answer: dict[str, Any]) -> list[str]:
    return [entry["message"].split()[1] for entry in answer["snapShots"]]


def fetch(url: str, client: Client | None = None, **headers: str) -> HttpResponseBase:
    parts = urlsplit(url)
    return (client or Client()).get(f"{parts.path}?{parts.query}", headers=headers)


def test_answer_has_the_keys_of_the_document_in_its_order(ministry: Caller, camera: Camera) -> None:
    add(camera, NINE)
    answer = ministry.get("SnapShot", department=DEPARTMENT, startTime=NINE, endTime=NINE + 300)
    assert list(answer) == ["code", "msg", "snapShots", "message"]
    assert answer["code"] == 200
    (entry,) = answer["snapShots"]
    assert list(entry) == ["cameraNum", "url", "message"]
    assert entry["cameraNum"] == camera.number
    assert entry["message"] == "2026/11/22 9:05:12"
    assert entry["url"].startswith(f"https://video.example.cn/snapshots/{camera.pk}/{NINE}.jpg?expires=")


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        ((2019, 3, 1, 4, 0, 0), "2019/3/1 12:00:00"),
        ((2026, 12, 31, 16, 0, 5), "2027/1/1 0:00:05"),
        ((2026, 1, 9, 1, 7, 30), "2026/1/9 9:07:30"),
    ],
)
def test_time_is_written_as_in_the_document_s_sample(moment: tuple[int, ...], text: str) -> None:
    year, month, day, hour, minute, second = moment
    unix = int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp())
    assert picture_time(unix) == text


def test_what_needs_an_escape_in_json_has_one(settings: LazySettings) -> None:
    settings.PUBLIC_BASE_URL = 'https://video.example.cn/"省"'
    odd = PictureEntry(7, 'A"\\\n甲', 1_790_000_100, 1_790_000_107)
    (entry,) = orjson.loads(orjson.dumps(list(issue_pictures([odd]))))
    assert entry["cameraNum"] == odd.camera_num
    assert entry["url"].startswith(f"{settings.PUBLIC_BASE_URL}/snapshots/7/1790000100.jpg?expires=")


def test_pictures_of_a_time_by_camera_then_time(ministry: Caller, office: Organisation) -> None:
    first, second = make_camera(office, 1), make_camera(office, 2)
    for slot in (NINE + 300, NINE, NINE + 600):
        add(second, slot)
        add(first, slot)
    add(first, NINE + 900, result=SnapshotResult.OFFLINE)
    answer = ministry.get("SnapShot", department=DEPARTMENT, startTime=NINE, endTime=NINE + 1200)
    assert [entry["cameraNum"] for entry in answer["snapShots"]] == [first.number] * 3 + [second.number] * 3
    assert times(answer) == ["9:05:12", "9:10:12", "9:15:12"] * 2


@pytest.mark.parametrize("unit", [1, 1000])
def test_both_ends_count_and_milliseconds_are_recognised(ministry: Caller, camera: Camera, unit: int) -> None:
    """The time of the picture decides, to the second it is told with."""
    for slot in (NINE, NINE + 300, NINE + 600):
        add(camera, slot)
    span = {"startTime": (NINE + 12) * unit, "endtime": (NINE + 312) * unit}
    assert times(ministry.get("SnapShot", cameraNum=camera.number, **span)) == ["9:05:12", "9:10:12"]
    narrow = {"startTime": (NINE + 13) * unit, "endTime": (NINE + 311) * unit}
    assert times(ministry.get("SnapShot", cameraNum=camera.number, **narrow)) == []


def test_picture_taken_at_the_very_end_of_its_slot_is_found_by_its_own_time(
    ministry: Caller, camera: Camera
) -> None:
    add(camera, NINE, after=302)
    span = {"startTime": NINE + 300, "endTime": NINE + 320}
    assert times(ministry.get("SnapShot", cameraNum=camera.number, **span)) == ["9:10:02"]


def test_without_times_the_latest_picture_of_each(ministry: Caller, office: Organisation) -> None:
    live, offline, never = (make_camera(office, number) for number in (1, 2, 3))
    add(live, NINE)
    add(live, NINE + 600)
    add(offline, NINE - 2 * 86_400)
    for slot in (NINE, NINE + 300, NINE + 600):
        add(offline, slot, result=SnapshotResult.OFFLINE)
    add(never, NINE, result=SnapshotResult.REFUSED)
    answer = ministry.get("SnapShot", department=DEPARTMENT)
    assert [(entry["cameraNum"], entry["message"]) for entry in answer["snapShots"]] == [
        (live.number, "2026/11/22 9:15:12"),
        (offline.number, "2026/11/20 9:05:12"),
    ]
    assert ministry.get("SnapShot", cameraNum=never.number)["snapShots"] == []


@pytest.mark.parametrize(
    ("params", "place"),
    [
        ({}, "department"),
        ({"department": "", "cameraNum": ""}, "department"),
        ({"startTime": NINE}, "endTime"),
        ({"endTime": NINE}, "startTime"),
        ({"startTime": NINE + 1, "endTime": NINE}, "startTime"),
        ({"startTime": "yesterday", "endTime": NINE}, "startTime"),
        ({"startTime": NINE, "endTime": "-1"}, "endTime"),
        ({"startTime": NINE, "endTime": "9" * 30}, "endTime"),
        ({"startTime": [NINE, NINE], "endTime": NINE}, "startTime"),
    ],
)
def test_malformed_request_says_where(
    ministry: Caller, camera: Camera, params: dict[str, object], place: str
) -> None:
    if params and "department" not in params:
        params = {**params, "department": DEPARTMENT}
    answer = ministry.get("SnapShot", **params)
    assert answer["code"] == 400
    assert place in answer["msg"]
    assert "snapShots" not in answer


def test_the_whole_of_time_can_be_asked_for(ministry: Caller, camera: Camera) -> None:
    add(camera, NINE)
    for end in (99_999_999_999, 253_402_300_799_000):
        answer = ministry.get("SnapShot", cameraNum=camera.number, startTime=0, endTime=end)
        assert times(answer) == ["9:05:12"]


def test_outside_the_subtree_is_as_unknown(
    ministry: Caller, camera: Camera, other_company: Organisation, gateway_partner: Caller
) -> None:
    add(camera, NINE)
    ministry.partner.organisation = other_company
    ministry.partner.save()
    for params in ({"cameraNum": camera.number}, {"department": DEPARTMENT}, {"cameraNum": "nothing"}):
        assert ministry.get("SnapShot", **params)["code"] == 404
    assert gateway_partner.get("SnapShot", cameraNum=camera.number)["code"] == 403


@pytest.mark.parametrize("params", [{}, {"startTime": NINE, "endTime": NINE + 300}])
def test_query_count_does_not_grow(ministry: Caller, office: Organisation, params: dict[str, object]) -> None:
    ministry.get("SnapShot", department=DEPARTMENT)  # the first use of a token is noted
    counts = []
    for number in range(1, 31):
        add(make_camera(office, number), NINE)
        if number in (3, 30):
            with CaptureQueriesContext(connection) as queries:
                assert len(ministry.get("SnapShot", department=DEPARTMENT, **params)["snapShots"]) == number
            counts.append(len(queries))
    assert counts[0] == counts[1] < 10


def test_long_answer_is_written_while_it_is_read(
    ministry: Caller, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    for slot in range(NINE, NINE + 2100, 300):
        add(camera, slot)
    params = {"cameraNum": camera.number, "startTime": NINE, "endTime": NINE + 3600}
    whole = ministry.get("SnapShot", **params)
    assert len(whole["snapShots"]) == 7
    for size in (3, 7):
        monkeypatch.setattr(api, "_PIECE", size)
        response = ministry.request("GET", "SnapShot", params)
        assert response.streaming
        assert response.headers["Content-Type"] == "application/json; charset=utf-8"
        assert orjson.loads(b"".join(response)) == whole


def body_of(response: HttpResponseBase) -> bytes:
    assert isinstance(response, FileResponse)
    return response.getvalue()


def test_signed_address_opens_the_picture(ministry: Caller, camera: Camera) -> None:
    add(camera, NINE)
    (entry,) = ministry.get("SnapShot", cameraNum=camera.number)["snapShots"]
    response = fetch(entry["url"])
    assert (response.status_code, body_of(response)) == (200, JPEG)
    assert response.headers["Content-Type"] == "image/jpeg"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "private, max-age=86400, immutable"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Content-Length"] == str(len(JPEG))
    assert response.headers["Content-Disposition"] == f'inline; filename="{camera.pk}-{NINE}.jpg"'


def test_address_dies_on_time(
    ministry: Caller, camera: Camera, time_machine: TimeMachineFixture, settings: LazySettings
) -> None:
    settings.SNAPSHOT_URL_TTL_SECONDS = 3600
    add(camera, NINE)
    (entry,) = ministry.get("SnapShot", cameraNum=camera.number)["snapShots"]
    time_machine.move_to(slot_at(NINE + 7200), tick=False)
    assert body_of(fetch(entry["url"])) == JPEG
    time_machine.move_to(slot_at(NINE + 7201), tick=False)
    assert fetch(entry["url"]).status_code == 403


@pytest.mark.parametrize(("own", "seconds"), [(None, 3600), (60, 60), (30 * 86_400, 7 * 86_400)])
def test_partner_may_have_its_own_time_up_to_the_retention(
    ministry: Caller, camera: Camera, own: int | None, seconds: int
) -> None:
    add(camera, NINE)
    ministry.partner.snapshot_ttl_seconds = own
    ministry.partner.save()
    (entry,) = ministry.get("SnapShot", cameraNum=camera.number)["snapShots"]
    assert f"expires={NINE + 3600 + seconds}&" in entry["url"]


FORGERIES: dict[str, Callable[[str], str]] = {
    "later": lambda url: url.replace("expires=1", "expires=2"),
    "other slot": lambda url: url.replace(str(NINE), str(NINE + 300)),
    "no signature": lambda url: url.partition("&signature")[0],
    "no query": lambda url: url.partition("?")[0],
    "empty signature": lambda url: url.partition("signature=")[0] + "signature=",
    "cut signature": lambda url: url[:-1],
    "not ASCII": lambda url: url[:-1] + "%C3%A9",
    "odd time": lambda url: url.replace("expires=", "expires=+"),
    "endless time": lambda url: url.replace("expires=", "expires=" + "9" * 5000),
}


@pytest.mark.parametrize("forgery", list(FORGERIES))
def test_forged_address_is_refused(camera: Camera, forgery: str) -> None:
    for slot in (NINE, NINE + 300):
        add(camera, slot)
    url = picture_url(camera.pk, slot_at(NINE))
    response = fetch(FORGERIES[forgery](url))
    assert response.status_code == 403
    assert response.headers["Cache-Control"] == "no-store"


def test_signature_of_one_camera_does_not_open_another(camera: Camera, office: Organisation) -> None:
    other = make_camera(office, 2)
    add(other, NINE)
    url = picture_url(camera.pk, slot_at(NINE))
    assert fetch(url.replace(f"/{camera.pk}/", f"/{other.pk}/")).status_code == 403


def test_gap_is_404_and_never_the_picture_before(camera: Camera) -> None:
    add(camera, NINE)
    add(camera, NINE + 300, result=SnapshotResult.OFFLINE)
    for slot in (NINE + 300, NINE + 600, NINE + 1, 10**17):
        url = f"/snapshots/{camera.pk}/{slot}.jpg"
        signed = picture_url(camera.pk, slot_at(slot)) if slot < 10**17 else None
        if signed:
            assert fetch(signed).status_code == 404
        assert Client().get(url).status_code == 403
    path_of(camera.pk, slot_at(NINE)).unlink()
    assert fetch(picture_url(camera.pk, slot_at(NINE))).status_code == 404


def test_staff_see_pictures_of_their_cameras_only(
    camera: Camera, operator: User, outsider: User, superuser: User
) -> None:
    """The same address for all three; threats.md 14."""
    add(camera, NINE)
    url = f"/snapshots/{camera.pk}/{NINE}.jpg"
    statuses = {}
    for user in (operator, outsider, superuser):
        client = Client()
        client.force_login(user)
        response = client.get(url)
        statuses[user.username] = response.status_code
        assert response.status_code == 403 or body_of(response) == JPEG
        assert client.get(f"/snapshots/{camera.pk}/{10**30}.jpg").status_code in (403, 404)
        assert client.get(f"/snapshots/{10**30}/{NINE}.jpg").status_code in (403, 404)
    assert statuses == {"wang": 200, "li": 403, "admin": 200}
    assert Client().post(url).status_code == 405


def test_pages_of_other_origins_may_be_limited(camera: Camera, settings: LazySettings) -> None:
    settings.MEDIA_CORS_ORIGINS = ["https://wall.example.cn"]
    add(camera, NINE)
    url = picture_url(camera.pk, slot_at(NINE))
    allowed, other = (
        fetch(url, origin=origin) for origin in ("https://wall.example.cn", "https://evil.example")
    )
    assert body_of(allowed) == body_of(other) == JPEG
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://wall.example.cn"
    assert "Access-Control-Allow-Origin" not in other.headers
    assert "Origin" in other.headers["Vary"]


def test_day_strip_has_every_slot_since_the_camera_is_there(office: Organisation) -> None:
    camera = make_camera(office, 1)
    Camera.objects.filter(pk=camera.pk).update(created_at=slot_at(NINE + 100))
    camera.refresh_from_db()
    add(camera, NINE + 300)
    add(camera, NINE + 600, result=SnapshotResult.REFUSED)
    strip = day_strip(camera, day_of(slot_at(NINE)))
    # Registered at 9:06, now it is 10:05; the present slot may still be taken.
    assert [slot.unix_slot for slot in strip] == list(range(NINE, NINE + 3600, 300))
    assert [slot.reason for slot in strip[:4]] == ["平台未运行", "", "媒体服务器拒绝", "平台未运行"]
    assert [slot.has_picture for slot in strip[:4]] == [False, True, False, False]
    assert day_strip(camera, day_of(slot_at(NINE - 86_400))) == []


def test_latest_pictures_by_camera(office: Organisation) -> None:
    first, second, third = (make_camera(office, number) for number in (1, 2, 3))
    add(first, NINE)
    add(first, NINE + 300, result=SnapshotResult.OFFLINE)
    add(second, NINE + 300)
    found = latest_pictures([first, second, third])
    assert {pk: slot.unix_slot for pk, slot in found.items()} == {first.pk: NINE, second.pk: NINE + 300}
    assert found[second.pk].taken_at == slot_at(NINE + 312)


def test_a_picture_from_a_clock_that_was_ahead_does_not_hide_those_taken_since(office: Organisation) -> None:
    camera = make_camera(office, 1)
    add(camera, NINE)
    add(camera, NINE + 86_400)
    assert latest_pictures([camera])[camera.pk].unix_slot == NINE
