"""在线统计: who sees which cameras, the ways through it, what was reported, and CSV."""

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import StreamingHttpResponse
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from time_machine import TimeMachineFixture

from access.days import ZONE, day_of
from access.models import BehaviourLog, Organisation
from access.services.organisations import place_department
from cameras.choices import OnlineStatus
from cameras.models import Camera
from ministry.models import CameraDelivery, UpperPlatform
from rates.models import CameraDay, CountedDay
from rates.timing import next_count
from tests.cast import Caller
from tests.console.desk import Desk, text_of
from tests.console.uplink import NOON
from tests.ptz.ledger import make_camera, make_gateway

pytestmark = pytest.mark.django_db

TODAY = day_of(NOON)
ONE = timedelta(days=1)


@pytest.fixture(autouse=True)
def clock(time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    return time_machine


def count(camera: Camera, shift: int = 0, **counts: Any) -> CameraDay:
    """A day that lies `shift` days back, 100 slots all good unless said otherwise."""
    usual = {"slots": 100, "missed": 0, "claimed": 100, "pictured": 100, "good": 100, "hollow": 0}
    place = {"organisation_id": camera.organisation_id, "gateway_id": camera.gateway_id, "road": camera.road}
    day = TODAY - shift * ONE
    CountedDay.objects.get_or_create(day=day, defaults={"counted_at": NOON})
    values = {**usual, "offline_seconds": 0, "flaps": 0, **place, **counts}
    return CameraDay.objects.create(day=day, camera=camera, **values)


def words(part: str) -> str:
    return " ".join(re.sub(r"^[^>]*>|<[^>]*>", " ", part).split())


def rows_of(page: str, kind: str = "rate") -> list[str]:
    return [words(part.split("</tr>")[0]) for part in page.split(f'data-testid="{kind}"')[1:]]


def sum_of(page: str, name: str) -> str:
    return words(page.split(f'data-testid="{name}"')[1].split("</dd>")[0])


# Rights -------------------------------------------------------------------------------------------


def test_another_company_sees_nothing_of_it(desk: Desk, other_desk: Desk, camera: Camera) -> None:
    count(camera, offline_seconds=60, flaps=1, hollow=1)
    page = desk.page("online")
    assert rows_of(page)[0].startswith("山东高速 1 100.00%")
    assert camera.stake in page
    other = other_desk.page("online")
    assert camera.stake not in other
    assert (sum_of(other, "claimed"), rows_of(other)) == ("—", [])
    for by in ("company", "road", "gateway", "camera"):
        assert len(table_of(other_desk, by=by)) == (1 if by == "camera" else 2)
    assert other_desk.get("online", org=camera.organisation_id).status_code == 404


def test_who_watches_nothing_is_refused(auditor_desk: Desk) -> None:
    assert "没有“查看视频”权限" in text_of(auditor_desk.get("online"))
    assert auditor_desk.get("online_table").status_code == 403


def test_a_moved_camera_leaves_its_past_behind(
    desk: Desk, other_desk: Desk, camera: Camera, other_company: Organisation
) -> None:
    count(camera, shift=1, offline_seconds=60)
    Camera.objects.filter(pk=camera.pk).update(organisation=other_company)
    yesterday = TODAY - ONE
    # It counts where it was; it is named where it is.
    assert sum_of(desk.page("online", on=yesterday), "pictured") == "100.00%"
    assert camera.stake not in desk.page("online", on=yesterday)
    assert sum_of(other_desk.page("online", on=yesterday), "pictured") == "—"


def test_a_deleted_camera_still_counts(desk: Desk, camera: Camera) -> None:
    count(camera, pictured=0, good=0, offline_seconds=60)
    Camera.objects.filter(pk=camera.pk).update(deleted_at=NOON)
    page = desk.page("online")
    assert sum_of(page, "pictured") == "0.00%"
    assert rows_of(page, "worst-row") == []


# Figures ------------------------------------------------------------------------------------------


def test_the_whole_and_its_parts(
    desk: Desk, camera: Camera, gantry: Camera, company: Organisation, province: Organisation
) -> None:
    second = place_department(within=province, department="山东高速", road_section="青岛管理处")
    Camera.objects.filter(pk=gantry.pk).update(organisation=second, road="S11")
    gantry.refresh_from_db()
    count(camera, claimed=99, pictured=95, good=90, hollow=4, offline_seconds=3600, flaps=2)
    count(gantry, slots=50, missed=50, claimed=50, pictured=50, good=50)
    page = desk.page("online")
    assert rows_of(page) == ["山东高速 2 99.33% 96.66% 93.33% 2.66% 30 分钟 2 50"]
    assert [sum_of(page, name) for name in ("claimed", "pictured", "good", "hollow", "missed")] == [
        *("99.33%", "96.66%", "93.33%", "2.66%", "50")
    ]
    assert f'href="?on={TODAY}&amp;org={company.pk}"' in page.replace("by=company&amp;span=day&amp;", "")
    offices = rows_of(desk.page("online", org=company.pk))
    assert [row.split()[0] for row in offices] == ["济南管理处", "青岛管理处"]
    assert [row.split()[:2] for row in rows_of(desk.page("online", by="road"))] == [["G2", "1"], ["S11", "1"]]


def test_by_gateway_and_without_one(
    desk: Desk, camera: Camera, gantry: Camera, gateway_partner: Caller
) -> None:
    gateway = make_gateway(gateway_partner.partner, "http://10.0.0.7")
    Camera.objects.filter(pk=camera.pk).update(gateway=gateway)
    camera.refresh_from_db()
    count(camera, pictured=50, good=50)
    count(gantry)
    assert [row.split()[:2] for row in rows_of(desk.page("online", by="gateway"))] == [
        [str(gateway), "1"],
        ["未接网关", "1"],
    ]


def test_days_weeks_and_months(desk: Desk, camera: Camera) -> None:
    """NOON is the 22nd."""
    for shift, pictured in ((0, 100), (1, 80), (6, 60), (7, 40), (21, 20), (22, 0)):
        count(camera, shift, pictured=pictured)
    pages = {span: desk.page("online", span=span) for span in ("day", "week", "month")}
    shown = {span: sum_of(page, "pictured") for span, page in pages.items()}
    assert shown == {"day": "100.00%", "week": "80.00%", "month": "60.00%"}
    # A camera of many days is one camera.
    assert rows_of(pages["month"])[0].startswith("山东高速 1 ")
    assert f"{TODAY - 6 * ONE} 至 {TODAY}" in pages["week"]
    assert sum_of(desk.page("online", span="month", on="2026-10-03"), "pictured") == "0.00%"
    assert 'data-testid="later"' not in pages["week"]
    earlier = desk.page("online", span="week", on=TODAY - 7 * ONE)
    assert sum_of(earlier, "pictured") == "40.00%"
    assert f"on={TODAY}" in earlier.split('data-testid="later"')[0].rsplit("<a", 1)[1]


def test_the_worst_are_named_first(desk: Desk, office: Organisation) -> None:
    for number in range(1, 25):
        count(make_camera(office, number), offline_seconds=number * 60, hollow=number % 3, flaps=0)
    page = desk.page("online")
    offline, hollow, flaps = (part.split("</section>")[0] for part in page.split("<section")[1:])
    assert (rows_of(offline, "worst-row")[0], len(rows_of(offline, "worst-row"))) == (
        *("G2 K1100+024 上行 G2 济南段 24 号 截图 24 分钟 100.00%", 20),
    )
    assert len(rows_of(hollow, "worst-row")) == 16
    assert (rows_of(flaps, "worst-row"), "没有" in flaps) == ([], True)
    assert "/snapshots/?camera=" in page


def test_nothing_was_counted_yet(desk: Desk) -> None:
    page = desk.page("online")
    next_time = f"{next_count(timezone.now()).astimezone(ZONE):%H:%M}"
    assert f'今天还没有统计，下一次在 <span class="mono">{next_time}</span>' in page
    # Not counted is not none.
    assert re.search(r'<dt>摄像机</dt><dd class="mono">—</dd>', page)
    assert "这段时间没有统计" in desk.page("online", on="2026-10-01")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"by": "colour"}, "by 的值“colour”"),
        ({"span": "year"}, "span 的值“year”"),
        ({"on": "soon"}, "on 的值“soon”"),
    ],
)
def test_what_is_asked_wrongly_is_named(desk: Desk, query: dict[str, str], said: str) -> None:
    refused = desk.get("online", **query)
    assert refused.status_code == 400
    assert said in text_of(refused)


# Reported upward -----------------------------------------------------------------------------------


def tell(platform: UpperPlatform, camera: Camera, status: int | None) -> None:
    CameraDelivery.objects.create(platform=platform, camera=camera, version=1, status=status)


def test_what_the_ministry_holds_stands_beside_it(
    desk: Desk, camera: Camera, gantry: Camera, office: Organisation, platform: UpperPlatform
) -> None:
    Camera.objects.update(status_at=NOON)
    tell(platform, camera, OnlineStatus.ONLINE)
    tell(platform, gantry, OnlineStatus.OFFLINE)
    # Not heard of, and so told by nobody.
    make_camera(office, 3, status=OnlineStatus.OFFLINE)
    count(camera)
    page = desk.page("online")
    assert sum_of(page, "reported") == "2 / 1，1 路不一致"
    assert rows_of(page)[0].endswith("2 1")
    CameraDelivery.objects.filter(camera=gantry).update(status=OnlineStatus.ONLINE)
    assert sum_of(desk.page("online"), "reported") == "2 / 2"
    # Of the past nothing is known but what was counted.
    assert 'data-testid="reported"' not in desk.page("online", on=TODAY - ONE)


# CSV ----------------------------------------------------------------------------------------------


def table_of(desk: Desk, **query: object) -> list[list[str]]:
    response = desk.get("online_table", **query)
    assert isinstance(response, StreamingHttpResponse)
    text = b"".join(map(bytes, response)).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def test_tables_to_take_away(desk: Desk, camera: Camera) -> None:
    Camera.objects.filter(pk=camera.pk).update(name="=HYPERLINK(1)")
    count(camera, claimed=99, pictured=95, good=90, hollow=4, offline_seconds=3600, flaps=2)
    head, row, total = table_of(desk)
    figures = ["100", "0", "99", "95", "90", "4", "99.0", "95.0", "90.0", "3600", "2"]
    assert (row, total) == (["山东高速", "1", *figures], ["合计", "1", *figures])
    assert len(head) == len(row)
    head, row = table_of(desk, by="camera")
    assert row == [camera.number, "'=HYPERLINK(1)", "济南管理处", "G2", camera.stake, "", *figures]
    assert len(head) == len(row)
    logged = BehaviourLog.objects.filter(verb="导出在线统计").values_list("object_name", flat=True)
    assert list(logged) == ["按摄像机 20261122-20261122", "按单位 20261122-20261122"]


def test_page_and_table_say_the_same_figure(desk: Desk, camera: Camera) -> None:
    """Rounded to the nearest it would be 100 %, which only what is whole may be."""
    count(camera, slots=30_000, claimed=30_000, pictured=29_999, good=29)
    head, row, _ = table_of(desk)
    told = dict(zip(head, row, strict=True))
    assert [told[name] for name in ("报告在线率%", "真实在线率%", "画面良好率%")] == ["100.0", "99.99", "0.09"]
    page = desk.page("online")
    assert [sum_of(page, name) for name in ("claimed", "pictured", "good")] == ["100.00%", "99.99%", "0.09%"]


@pytest.mark.parametrize("amount", [3, 30])
@pytest.mark.parametrize("by", ["company", "road", "gateway"])
def test_queries_do_not_grow(
    amount: int, by: str, desk: Desk, office: Organisation, platform: UpperPlatform
) -> None:
    for number in range(amount):
        camera = make_camera(office, number, road=f"G{number + 1}")
        count(camera, offline_seconds=60, hollow=1, flaps=1)
        tell(platform, camera, OnlineStatus.ONLINE)
    desk.page("online", by=by)
    with CaptureQueriesContext(connection) as queries:
        desk.page("online", by=by)
    assert len(queries) == {"company": 27, "road": 24, "gateway": 24}[by]
