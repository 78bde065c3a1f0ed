"""统计报表: periods, ranks and their changes, what else happened, CSV and Excel."""

import csv
import io
import re
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import StreamingHttpResponse
from django.test.utils import CaptureQueriesContext
from time_machine import TimeMachineFixture

from access.actors import SYSTEM
from access.choices import ActorKind
from access.days import day_of
from access.models import BehaviourLog, Organisation
from access.services.logs import record
from access.services.organisations import place_department
from cameras.models import Camera
from incidents.choices import IncidentKind
from incidents.models import Incident, IncidentCamera
from ptz.choices import PtzAction, PtzLevel, PtzOutcome
from ptz.models import PtzOrder
from quality.choices import QualitySource
from quality.models import QualityChange
from rates.models import CameraDay, CountedDay
from tests.console.desk import Desk, text_of
from tests.console.uplink import NOON
from tests.ptz.ledger import make_camera

pytestmark = pytest.mark.django_db

# A Sunday.
TODAY = day_of(NOON)
ONE = timedelta(days=1)


@pytest.fixture(autouse=True)
def clock(time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    return time_machine


@pytest.fixture
def second(province: Organisation) -> Organisation:
    """Another office of the company."""
    return place_department(within=province, department="山东高速", road_section="青岛管理处")


def count(camera: Camera, shift: int, pictured: int, **counts: Any) -> None:
    """A day that lies `shift` days back, 100 slots."""
    day = TODAY - shift * ONE
    CountedDay.objects.get_or_create(day=day, defaults={"counted_at": NOON})
    usual = {"slots": 100, "missed": 0, "claimed": 100, "good": pictured, "hollow": 0, "offline_seconds": 0, "flaps": 0}
    place = {"organisation_id": camera.organisation_id, "gateway_id": camera.gateway_id, "road": camera.road}
    CameraDay.objects.create(day=day, camera=camera, **{**usual, "pictured": pictured, **place, **counts})


def words(part: str) -> str:
    return " ".join(re.sub(r"^[^>]*>|<[^>]*>", " ", part).split())


def rows_of(page: str, kind: str = "rank") -> list[str]:
    return [words(part.split("</tr>")[0]) for part in page.split(f'data-testid="{kind}"')[1:]]


def sum_of(page: str, name: str) -> str:
    return words(page.split(f'data-testid="{name}"')[1].split("</dd>")[0])


def days_of(page: str) -> str:
    return page.split('data-testid="days">')[1].split("</b>")[0]


# Periods ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ({}, "2026-11-21"),
        ({"on": "2026-11-22"}, "2026-11-22"),
        ({"span": "week"}, "2026-11-09 至 2026-11-15"),
        ({"span": "week", "on": "2026-11-22"}, "2026-11-16 至 2026-11-22"),
        ({"span": "month"}, "2026-10-01 至 2026-10-31"),
        ({"span": "month", "on": "2026-11-22"}, "2026-11-01 至 2026-11-22"),
        ({"span": "month", "on": "2030-01-01"}, "2026-11-01 至 2026-11-22"),
    ],
)
def test_whole_periods_unless_one_is_asked_for(desk: Desk, query: dict[str, str], days: str) -> None:
    assert days_of(desk.page("reports", **query)) == days


def test_the_period_before_is_of_the_same_kind(desk: Desk, camera: Camera) -> None:
    count(camera, 0, 90)
    count(camera, 20, 80)  # 2 November
    count(camera, 22, 60)  # 31 October
    month = desk.page("reports", span="month", on=TODAY)
    assert (sum_of(month, "pictured"), sum_of(month, "change")) == ("85.00% +25.00", "+25.00")
    assert "2026-10-01 至 2026-10-31" in month.replace('</span>', "").replace('<span class="mono">', "")
    day = desk.page("reports", on=TODAY)
    assert sum_of(day, "change") == "—"
    assert "本期尚未结束" in day


@pytest.mark.parametrize(
    "query", [{"by": "gateway"}, {"by": "x"}, {"span": "year"}, {"on": "soon"}, {"org": "x"}]
)
def test_what_is_asked_wrongly_is_refused(desk: Desk, query: dict[str, str]) -> None:
    assert desk.get("reports", **query).status_code == 400


# Ranks --------------------------------------------------------------------------------------------


def test_ranked_with_the_change_against_the_period_before(
    desk: Desk, company: Organisation, office: Organisation, second: Organisation
) -> None:
    first, other = make_camera(office, 1), make_camera(second, 2, road="S11")
    count(first, 1, 90, offline_seconds=3600, flaps=3)
    count(first, 2, 95)
    count(other, 1, 99)
    count(other, 2, 80)
    page = desk.page("reports", org=company.pk)
    assert rows_of(page) == [
        "1 ▲1 青岛管理处 1 99.00% +19.00 100.00% 99.00% 0 秒 0 0 0 0 0",
        "2 ▼1 济南管理处 1 90.00% -5.00 100.00% 90.00% 1 小时 3 0 0 0 0",
    ]
    assert [row.split()[2] for row in rows_of(desk.page("reports", by="road"))] == ["S11", "G2"]
    assert [row.split()[:2] for row in rows_of(desk.page("reports"))] == [["1", "山东高速"]]


def test_equal_shares_share_a_rank_and_nothing_has_none(
    desk: Desk, company: Organisation, office: Organisation, second: Organisation, province: Organisation
) -> None:
    third = place_department(within=province, department="山东高速", road_section="淄博管理处")
    for number, node in enumerate((office, second, third)):
        count(make_camera(node, number), 1, 50 if number < 2 else 0, **({} if number < 2 else {"slots": 0}))
    ranks = [row.split()[0] for row in rows_of(desk.page("reports", org=company.pk))]
    assert ranks == ["1", "1", "—"]


def test_another_company_sees_nothing_of_it(desk: Desk, other_desk: Desk, camera: Camera, company: Organisation) -> None:
    count(camera, 1, 90)
    happen(camera)
    assert rows_of(other_desk.page("reports")) == []
    assert sum_of(other_desk.page("reports"), "incidents") == "0"
    assert other_desk.get("reports", org=company.pk).status_code == 404
    assert other_desk.get("report_table", "xlsx", org=company.pk).status_code == 404


# What else happened -------------------------------------------------------------------------------


def happen(camera: Camera) -> None:
    """An incident, two faults of pictures, three viewings and a movement, all yesterday; and some the day before."""
    for at in (NOON - ONE, NOON - 2 * ONE):
        incident = Incident.objects.create(
            kind=IncidentKind.GATEWAY,
            subject=f"{at:%d}",
            name="网关甲",
            organisation=camera.organisation,
            began_at=at,
            ended_at=at + timedelta(minutes=5),
            peak=7,
            total=9,
        )
        IncidentCamera.objects.create(incident=incident, camera=camera, since=at, left_at=at)
        for before, after in (("000000000", "000100000"), ("000100000", "100100001"), ("000100000", "000000000")):
            QualityChange.objects.create(
                camera=camera, at=at, before=before, after=after, source=QualitySource.DIAGNOSIS
            )
        for _ in range(3):
            record(SYSTEM, "查看视频", object_kind="camera", object_id=camera.pk)
        record(SYSTEM, "查看视频", object_kind="camera", object_id="x1")
        for action, outcome in (
            (PtzAction.LEFT, PtzOutcome.DONE),
            (PtzAction.LEFT, PtzOutcome.HELD),
            (PtzAction.STOP, PtzOutcome.DONE),
        ):
            PtzOrder.objects.create(
                camera=camera,
                level=PtzLevel.PROVINCE,
                actor_kind=ActorKind.STAFF,
                actor_name="王工",
                action=action,
                step=4,
                outcome=outcome,
            )
        BehaviourLog.objects.filter(at=NOON).update(at=at)
        PtzOrder.objects.filter(at=NOON).update(at=at)


def test_incidents_faults_viewings_and_movements(desk: Desk, camera: Camera) -> None:
    count(camera, 1, 90)
    happen(camera)
    for by in ("company", "road"):
        page = desk.page("reports", by=by)
        assert rows_of(page)[0].endswith(" 1 2 3 1")
        assert sum_of(page, "incidents") == "1"
    assert rows_of(page, "incident") == ["网关甲 济南管理处 7 / 9 11-21 12:30 11-21 12:35 5 分钟"]


def test_what_was_taken_over_is_not_counted_twice(desk: Desk, camera: Camera) -> None:
    count(camera, 1, 90)
    happen(camera)
    wide = Incident.objects.create(
        kind=IncidentKind.COMPANY, subject="1", name="山东高速", began_at=NOON, organisation=camera.organisation
    )
    Incident.objects.exclude(pk=wide.pk).update(merged_into=wide)
    page = desk.page("reports")
    assert (sum_of(page, "incidents"), rows_of(page, "incident")) == ("0", [])


def test_no_data_is_no_good_news(desk: Desk, camera: Camera) -> None:
    page = desk.page("reports", on="2026-10-01")
    assert "这段时间没有统计，是否有成片的离线不得而知" in page
    assert '<i class="state" data-state="online"></i> 没有成片的离线' not in page
    assert sum_of(page, "incidents") == "—"
    count(camera, 1, 90)
    page = desk.page("reports")
    assert '<i class="state" data-state="online"></i> 没有成片的离线' in page
    assert sum_of(page, "incidents") == "0"


def test_day_by_day(desk: Desk, camera: Camera) -> None:
    count(camera, 7, 80, flaps=2)
    days = rows_of(desk.page("reports", span="week"), "day")
    assert (len(days), days[0].split()[0], days[0].split()[2]) == (7, "11-09", "—")
    assert [row.split()[2:] for row in days][6] == ["80.00%", "80.00%", "2"]


# To take away -------------------------------------------------------------------------------------


def test_csv(desk: Desk, camera: Camera, company: Organisation) -> None:
    Organisation.objects.filter(pk=company.pk).update(name="=1+1")
    count(camera, 1, 90, offline_seconds=60, flaps=1, hollow=10)
    count(camera, 2, 80)
    response = desk.get("report_table", "csv")
    assert isinstance(response, StreamingHttpResponse)
    text = b"".join(map(bytes, response)).decode("utf-8-sig")
    head, row, total = csv.reader(io.StringIO(text))
    figures = ["1", "100.0", "90.0", "80.0", "10.0", "90.0", "10", "60", "1", "0", "0", "0", "0", "100", "0"]
    assert row == ["1", "1", "'=1+1", *figures]
    assert total == ["", "", "合计", *figures]
    assert len(head) == len(row)
    assert BehaviourLog.objects.filter(verb="导出统计报表").count() == 1


def test_excel_holds_text_as_text(desk: Desk, camera: Camera, company: Organisation) -> None:
    Organisation.objects.filter(pk=company.pk).update(name="=1+1\x01")
    count(camera, 1, 90)
    happen(camera)
    response = desk.get("report_table", "xlsx", on=TODAY - ONE)
    assert "20261121-20261121.xlsx" in response.headers["Content-Disposition"]
    archive = zipfile.ZipFile(io.BytesIO(getattr(response, "content", b"")))
    sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
    assert len(sheets) == 3
    assert [name for name in sheets if b"<f>" in archive.read(name)] == []
    texts = archive.read("xl/sharedStrings.xml").decode()
    assert {"=1+1", "网关甲", "合计"} <= set(re.findall(r"<t[^>]*>([^<]*)</t>", texts))


def test_other_formats_are_not_there(desk: Desk) -> None:
    assert desk.get("report_table", "pdf").status_code == 404


@pytest.mark.parametrize("amount", [3, 30])
@pytest.mark.parametrize("by", ["company", "road"])
def test_queries_do_not_grow(amount: int, by: str, desk: Desk, office: Organisation) -> None:
    for number in range(amount):
        camera = make_camera(office, number, road=f"G{number + 1}")
        count(camera, 1, 90)
        count(camera, 2, 90)
    happen(camera)
    desk.page("reports", by=by)
    with CaptureQueriesContext(connection) as queries:
        text_of(desk.get("reports", by=by))
    assert len(queries) == {"company": 31, "road": 28}[by]
