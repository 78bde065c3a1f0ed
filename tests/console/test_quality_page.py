"""图像质量: who sees which cameras, what is said of each abnormality, and who may judge it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from time_machine import TimeMachineFixture

from access.choices import Role
from access.days import day_of
from access.models import BehaviourLog, Organisation
from access.services.staff import create_staff
from cameras.models import Camera
from quality.choices import QualityFlag, QualitySource
from quality.models import CameraDiagnosis, CameraQuality
from quality.services.verdicts import Verdict, record_quality
from snapshots.choices import SnapshotResult
from snapshots.models import Snapshot
from snapshots.services.partitions import ensure_day
from tests.cast import PASSWORD
from tests.console.desk import Desk, content_of, refusal_of, text_of
from tests.ptz.ledger import make_camera
from tests.quality.engine import GREY, ToldEngine, judge

pytestmark = pytest.mark.django_db

# 12:00 in Shanghai, when a slot begins.
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
BLURRED, OFFLINE, BOTH = "000100000", "100000000", "100100000"
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def clock(time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    return time_machine


@pytest.fixture
def keeper(company: Organisation) -> Desk:
    """Keeps the ledger of the company."""
    role = Role.SECTION_ADMIN
    user = create_staff(username="wu", password=PASSWORD, full_name="吴工", role=role, organisation=company)
    return Desk(user)


def tell(flags: str, *cameras: Camera) -> None:
    verdicts = {camera.pk: Verdict(flags) for camera in cameras}
    record_quality(verdicts=verdicts, source=QualitySource.GATEWAY)


def picture(camera: Camera, ago: timedelta = timedelta()) -> str:
    """Where a picture of that slot is to be had."""
    at = NOON - ago
    ensure_day(day_of(at))
    Snapshot.objects.create(camera=camera, slot_at=at, taken_at=at, result=SnapshotResult.TAKEN)
    return f"/snapshots/{camera.pk}/{int(at.timestamp())}.jpg"


def shown(page: str) -> list[int]:
    return [int(pk) for pk in re.findall(r'<tr id="camera-(\d+)"', page)]


def marks(page: str) -> list[tuple[int, int]]:
    return [(int(pk), int(flag)) for pk, flag in re.findall(r'id="mark-(\d+)-(\d)"', page)]


def counts(page: str) -> list[int]:
    found = re.findall(r'data-testid="count-\d">[^<]*<b class="mono[^"]*">(\d+)</b>', page)
    return [int(count) for count in found]


def test_what_is_wrong_since_when_and_by_which_picture(
    desk: Desk, camera: Camera, clock: TimeMachineFixture
) -> None:
    engine = ToldEngine({GREY: "-00100000"})
    # Late in its turn: since when it holds lies in the next slot already.
    clock.move_to(NOON - HOUR + timedelta(minutes=6))
    judge(engine, NOON - HOUR, camera.pk)
    clock.move_to(NOON)
    told, newest = picture(camera, HOUR), picture(camera)
    page = desk.page("quality")
    assert marks(page) == [(camera.pk, QualityFlag.BLURRED)]
    for words in ("图像模糊", "11:06:00", "已 54 分钟", "平台诊断，把握 80%", "标准", "济南管理处"):
        assert words in page
    assert page.count(told) == 1
    # In the row and beside the one that told it.
    assert page.count(newest) == 2
    assert counts(page) == [0, 0, 0, 1, 0, 0, 0, 0, 0]
    assert 'href="/quality/" aria-current="page"' in page
    assert 'href="/quality/"' in desk.page("wall")


def test_a_picture_that_is_no_more_is_told(desk: Desk, camera: Camera) -> None:
    tell(BLURRED, camera)
    page = desk.page("quality")
    assert "该时段没有截图，或已过保留期" in page
    assert "暂无截图" in page
    assert "网关上报" in page


def test_what_a_gateway_said_has_the_picture_of_its_slot(
    desk: Desk, camera: Camera, clock: TimeMachineFixture
) -> None:
    clock.move_to(NOON + timedelta(minutes=3))
    tell(BLURRED, camera)
    told = picture(camera)
    clock.move_to(NOON + HOUR)
    assert told in desk.page("quality").split("判定时")[1].split("最新")[0]


def test_another_company_sees_nothing(
    desk: Desk, other_desk: Desk, auditor_desk: Desk, camera: Camera
) -> None:
    tell(BLURRED, camera)
    assert shown(desk.page("quality")) == [camera.pk]
    for name in ("quality", "quality_standing"):
        page = other_desk.page(name)
        assert (shown(page), counts(page), camera.name in page) == ([], [0] * 9, False)
        assert "没有符合条件的异常" in page
        assert auditor_desk.get(name).status_code == 403


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({}, ["both", "blurred"]),
        ({"flag": "3"}, ["both", "blurred"]),
        ({"flag": "0"}, ["offline", "both"]),
        ({"flag": "4"}, []),
        ({"road": "g2"}, ["both"]),
        ({"road": "G20"}, ["blurred"]),
        ({"road": "S29"}, ["blurred"]),
        ({"road": "S2"}, []),
    ],
)
def test_the_list_is_narrowed(
    desk: Desk, office: Organisation, params: dict[str, str], found: list[str]
) -> None:
    """Offline alone is no fault of a picture, and has a column of its own."""
    cameras = {
        "blurred": make_camera(office, 1, road="G20&S29"),
        "both": make_camera(office, 2),
        "offline": make_camera(office, 3),
        "good": make_camera(office, 4),
    }
    for name, flags in (("blurred", BLURRED), ("both", BOTH), ("offline", OFFLINE), ("good", "000000000")):
        tell(flags, cameras[name])
    assert shown(desk.page("quality", **params)) == [cameras[name].pk for name in found]


def test_one_organisation_alone(
    desk: Desk, camera: Camera, company: Organisation, office: Organisation
) -> None:
    at_company = make_camera(company, 2)
    tell(BLURRED, camera, at_company)
    assert shown(desk.page("quality", organisation=office.pk)) == [camera.pk]
    assert counts(desk.page("quality", organisation=office.pk))[3] == 1
    assert len(shown(desk.page("quality", organisation=company.pk))) == 2


def test_an_organisation_elsewhere_is_not_there(
    desk: Desk, other_company: Organisation, province: Organisation
) -> None:
    for organisation in (other_company, province):
        assert desk.get("quality", organisation=organisation.pk).status_code == 404
        assert organisation.name not in desk.page("quality")


@pytest.mark.parametrize(
    "params", [{"flag": "9"}, {"flag": "x"}, {"road": "G2("}, {"road": "G" * 21}, {"before": "x"}]
)
def test_what_makes_no_sense_is_told(desk: Desk, params: dict[str, str]) -> None:
    assert desk.get("quality", **params).status_code == 400


def test_more_than_a_page_is_walked_through(
    desk: Desk, office: Organisation, clock: TimeMachineFixture
) -> None:
    cameras = [make_camera(office, n) for n in range(1, 121)]
    tell(BLURRED, *cameras)
    seen: list[int] = []
    url = "/quality/?flag=3"
    for _ in range(3):
        page = text_of(desk.client.get(url))
        seen += shown(page)
        assert ">120</b>" in page
        older = re.search(r'href="(\?[^"]*before=[^"]*)" data-testid="older"', page)
        url = "/quality/" + older[1].replace("&amp;", "&") if older else ""
    assert seen == [camera.pk for camera in reversed(cameras)]
    assert (url, "回到最新" in page) == ("", True)


def test_a_confirmed_alarm_stays_and_says_by_whom(keeper: Desk, camera: Camera) -> None:
    tell(BLURRED, camera)
    said = content_of(keeper.post("judge_quality", camera.pk, body={"flag": 3, "is_real": True}))
    assert said == {"message": "K1100+001 图像模糊：已确认属实"}
    page = keeper.page("quality_standing")
    for words in ("已确认", "吴工 12:00:00 确认属实", "已调高 0.2"):
        assert words in page
    assert BehaviourLog.objects.get(verb="确认质量告警").actor_name == "吴工"


def test_a_false_alarm_is_gone(keeper: Desk, camera: Camera) -> None:
    tell(BLURRED, camera)
    said = content_of(keeper.post("judge_quality", camera.pk, body={"flag": 3, "is_real": False}))
    assert said == {"message": "K1100+001 图像模糊：已判为误报"}
    assert shown(keeper.page("quality_standing")) == []
    assert CameraQuality.objects.get().flags == "000000000"
    refused = keeper.post("judge_quality", camera.pk, body={"flag": 3, "is_real": False})
    assert refusal_of(refused, 400) == "该摄像机当前没有“图像模糊”"


def test_judging_is_for_who_keeps_the_ledger(
    desk: Desk, keeper: Desk, neighbour_desk: Desk, camera: Camera
) -> None:
    tell(BLURRED, camera)
    body = {"flag": 3, "is_real": False}
    assert refusal_of(desk.post("judge_quality", camera.pk, body=body), 403) == "没有“维护台账”权限"
    assert refusal_of(neighbour_desk.post("judge_quality", camera.pk, body=body), 404) == "摄像机不存在"
    assert "确认属实或误报需要“维护台账”权限" in desk.page("quality")
    assert 'data-real="false"' not in desk.page("quality")
    assert 'data-real="false"' in keeper.page("quality")
    assert CameraQuality.objects.get().flags == BLURRED
    assert not CameraDiagnosis.objects.exists()


def test_who_watches_here_and_keeps_there_judges_there_alone(
    other_company: Organisation, company: Organisation, keeper: Desk
) -> None:
    elsewhere = make_camera(other_company, 7)
    keeper.user.roles.create(role=Role.MONITOR, organisation=other_company)
    tell(BLURRED, elsewhere)
    page = keeper.page("quality")
    assert (shown(page), 'data-real="false"' in page) == ([elsewhere.pk], False)
    refused = keeper.post("judge_quality", elsewhere.pk, body={"flag": 3, "is_real": True})
    assert refusal_of(refused, 403) == "没有该摄像机的“维护台账”权限"


@pytest.mark.parametrize(
    "body",
    [{}, {"flag": 3}, {"flag": 9, "is_real": True}, {"flag": 3, "is_real": 1}, {"flag": 0, "is_real": True}],
)
def test_a_word_that_is_none_is_refused(keeper: Desk, camera: Camera, body: dict[str, object]) -> None:
    tell(BOTH, camera)
    assert keeper.post("judge_quality", camera.pk, body=body).status_code == 400
    assert keeper.get("judge_quality", camera.pk).status_code == 405


def test_offline_needs_no_word(keeper: Desk, camera: Camera) -> None:
    tell(OFFLINE, camera)
    page = keeper.page("quality", flag=0)
    assert marks(page) == [(camera.pk, 0)]
    assert "不需人工确认" in page
    assert 'data-real="true"' not in page


def test_names_stay_text(desk: Desk, office: Organisation) -> None:
    camera = make_camera(office, 1, name="<img src=x onerror=alert(1)>")
    tell(BLURRED, camera)
    page = desk.page("quality")
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_queries_do_not_grow_with_the_list(keeper: Desk, office: Organisation) -> None:
    keeper.page("quality")
    told = []
    cameras = [make_camera(office, n) for n in range(1, 31)]
    for some in (cameras[:3], cameras):
        tell("011111111", *some)
        with CaptureQueriesContext(connection) as queries:
            assert len(shown(keeper.page("quality"))) == len(some)
        told.append(len(queries))
    assert told[0] == told[1]
    assert told[0] <= 20
