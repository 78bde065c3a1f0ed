"""智能分析: what the page shows, to whom, and how it is narrowed."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from time_machine import TimeMachineFixture

from access.days import day_of
from access.models import Organisation
from ministry.models import AnalysisDelivery, UpperPlatform
from snapshots.choices import SnapshotResult
from snapshots.models import Snapshot
from snapshots.services.partitions import ensure_day
from tests.cameras.ledger import camera, number, register, wire
from tests.cast import Caller
from tests.console.desk import Desk, text_of
from tests.mock_ministry.running import PRIVATE_KEY

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
HOSTILE = '{"subject": "speed", "meanSpeed": 80, "x": "<script>alert(1)</script>"}'


@pytest.fixture(autouse=True)
def clock(time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    return time_machine


@pytest.fixture
def gateway(gateway_partner: Caller) -> Caller:
    """Has registered camera 1 on G2 and camera 2 on G20 and S29."""
    register(gateway_partner, wire(1), wire(2, road="G20&S29", pileNum="K77+100"))
    return gateway_partner


def analyse(caller: Caller, n: int, **fields: Any) -> None:
    body = [{"cameraNum": number(n), "data": json.dumps(fields)}]
    assert caller.post("ReportAnalyse", body)["code"] == 200


def shown(page: str) -> int:
    return page.count('data-testid="finding"')


def test_events_and_figures_of_the_five_subjects(gateway: Caller, desk: Desk) -> None:
    analyse(gateway, 1, subject="congestion", congestionLevel="severe", queueLength=1800)
    analyse(gateway, 1, subject="accident", accidentType="collision", blockedLanes=2)
    analyse(gateway, 1, subject="speed", meanSpeed=80)
    analyse(gateway, 2, subject="speed", meanSpeed=90)
    analyse(gateway, 2, subject="flow", vehicles=100, interval=300)
    analyse(gateway, 2, subject="weather", phenomenon="fog", visibility=120)
    page = desk.page("analysis")
    assert shown(page) == 6
    for words in ("拥堵等级", "严重拥堵", "1800 m", "碰撞", "80 km/h", "100 辆", "120 m"):
        assert words in page
    text = " ".join(page.replace("<", " <").split())
    for figures in (
        '最长排队 <b class="mono">1800',
        '平均 <b class="mono">85 ',
        '平均 <b class="mono">1200 ',
        '最低能见度 <b class="mono">120 ',
    ):
        assert figures in text
    assert 'href="/analysis/" aria-current="page"' in page
    assert 'href="/analysis/"' in desk.page("wall")


def test_what_was_not_understood_is_shown_as_it_came(gateway: Caller, desk: Desk) -> None:
    analyse(gateway, 1, subject="speed", meanSpeed=999, note="<b>raw</b>")
    page = desk.page("analysis")
    assert "未识别：meanSpeed 的值“999”应为 0 至 300 的数（km/h）" in page
    assert "&lt;b&gt;raw&lt;/b&gt;" in page
    assert shown(desk.page("analysis", subject="unrecognised")) == 1
    assert shown(desk.page("analysis", subject="speed")) == 0


def test_raw_data_stays_text(gateway: Caller, desk: Desk) -> None:
    gateway.post("ReportAnalyse", [{"cameraNum": number(1), "data": HOSTILE}])
    page = desk.page("analysis")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_another_company_sees_nothing(
    gateway: Caller, desk: Desk, other_desk: Desk, auditor_desk: Desk
) -> None:
    analyse(gateway, 1, subject="speed", meanSpeed=83)
    assert shown(desk.page("analysis")) == 1
    page = other_desk.page("analysis")
    assert shown(page) == 0
    assert "83" not in page
    assert "这段时间内没有分析结果" in page
    assert "权限" in text_of(auditor_desk.get("analysis"))


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"road": "G2"}, 1),
        ({"road": "g20"}, 1),
        ({"road": "S29"}, 0),
        ({"q": "K77"}, 1),
        ({"q": "济南管理处"}, 2),
        ({"q": "济南段 K77"}, 1),
        ({"q": number(1)}, 1),
        ({"subject": "weather"}, 1),
        ({"subject": "weather", "road": "G2"}, 0),
        ({"from": "2026-11-22T12:00"}, 2),
        ({"to": "2026-11-22T12:00"}, 0),
        ({"from": "2026-11-21T11:59", "to": "2026-11-22T12:01"}, 2),
    ],
)
def test_the_list_is_narrowed(gateway: Caller, desk: Desk, params: dict[str, str], found: int) -> None:
    analyse(gateway, 1, subject="speed", meanSpeed=80)
    analyse(gateway, 2, subject="weather", phenomenon="rain")
    assert shown(desk.page("analysis", **params)) == found


def test_without_a_range_it_is_the_last_day(gateway: Caller, desk: Desk) -> None:
    analyse(gateway, 1, subject="speed", meanSpeed=80, time="2026-11-21 11:59:59")
    assert shown(desk.page("analysis")) == 0
    assert "收到" in desk.page("analysis", **{"from": "2026-11-21T00:00"})


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"subject": "traffic"}, "不是五个主题之一"),
        ({"from": "昨天"}, "应形如 2026-11-22T12:00"),
        ({"to": "9999-12-31T23:59"}, "应形如 2026-11-22T12:00"),
        ({"before": "x"}, "无法识别"),
        ({"before": "1e300-5"}, "无法识别"),
        ({"before": "1-99999999999999999999999"}, "无法识别"),
        ({"q": "x" * 101}, "超过 100 个字符"),
    ],
)
def test_what_makes_no_sense_is_told(desk: Desk, params: dict[str, str], said: str) -> None:
    response = desk.get("analysis", **params)
    assert response.status_code == 400
    assert said in text_of(response)


def test_older_results_are_on_the_next_page(
    gateway: Caller, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.views.analysis.PAGE_ROWS", 2)
    for value in range(5):
        analyse(gateway, 1, subject="speed", meanSpeed=60 + value)
    seen = []
    url = "/analysis/?subject=speed"
    for _ in range(3):
        page = text_of(desk.client.get(url))
        seen += [value for value in range(64, 59, -1) if f"<dd>{value} km/h</dd>" in page]
        assert "共" not in page
        if "更早的结果" in page:
            url = "/analysis/" + page.split('href="?')[-1].split('"')[0].replace("&amp;", "&").join(["?", ""])
    assert seen == [64, 63, 62, 61, 60]
    assert "回到最新" in page
    assert "更早的结果" not in page


def test_the_latest_picture_stands_beside(gateway: Caller, desk: Desk) -> None:
    analyse(gateway, 1, subject="speed", meanSpeed=80)
    assert "暂无截图" in desk.page("analysis")
    ensure_day(day_of(NOON))
    Snapshot.objects.create(camera=camera(1), slot_at=NOON, taken_at=NOON, result=SnapshotResult.TAKEN)
    assert f"/snapshots/{camera(1).pk}/{int(NOON.timestamp())}.jpg" in desk.page("analysis")


def test_what_went_upward_and_when(gateway: Caller, desk: Desk, company: Organisation) -> None:
    UpperPlatform.objects.create(
        name="部级平台",
        base_url="http://127.0.0.1:9",
        token="t",
        private_key=PRIVATE_KEY,
        organisation=company,
    )
    analyse(gateway, 1, subject="speed", meanSpeed=80)
    assert "待上报" in desk.page("analysis")
    AnalysisDelivery.objects.update(last_error="上级平台答复 404：没有此接口")
    assert "未成功：上级平台答复 404：没有此接口" in desk.page("analysis")
    AnalysisDelivery.objects.update(reported_at=NOON + timedelta(seconds=3))
    page = desk.page("analysis")
    assert ("部级平台" in page, "11-22 12:00:03" in page) == (True, True)


def test_queries_do_not_grow_with_the_list(gateway: Caller, desk: Desk) -> None:
    register(gateway, *[wire(n) for n in range(10, 43)])
    desk.page("analysis")
    counts = []
    for first, size in ((10, 3), (13, 30)):
        for n in range(first, first + size):
            analyse(gateway, n, subject="speed", meanSpeed=80)
        with CaptureQueriesContext(connection) as queries:
            assert shown(desk.page("analysis")) == first + size - 10
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 12


def test_a_road_that_is_free_is_no_event_and_is_not_lost(gateway: Caller, desk: Desk) -> None:
    analyse(gateway, 1, subject="congestion", congestionLevel="free", queueLength=5000)
    analyse(gateway, 1, subject="congestion", congestionLevel="slow")
    analyse(gateway, 2, subject="congestion", congestionLevel="light", queueLength=300)
    page = desk.page("analysis")
    assert shown(page) == 3
    assert page.count(">路况畅通</span>") == 2
    tile = page.partition('data-testid="tile-congestion"')[2].partition("</li>")[0]
    assert '<b class="mono">1</b> 条' in tile
    assert "另报畅通 2 条" in tile
    assert '最长排队 <b class="mono">300</b>' in tile
    assert shown(desk.page("analysis", subject="congestion")) == 1
    assert shown(desk.page("analysis", subject="clear")) == 2
