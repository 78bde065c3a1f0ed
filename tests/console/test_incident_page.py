"""Page and table of an incident: its cameras, since when each, and of whom they are."""

import csv
import io

import pytest
from django.http import StreamingHttpResponse

from access.models import Alarm, BehaviourLog, Organisation
from tests.console.desk import Desk
from tests.console.test_alarms_page import MINUTE, clock, office_desk, outage, rows_of, words
from tests.console.uplink import NOON
from tests.ptz.ledger import make_camera

__all__ = ["clock", "office_desk"]

pytestmark = pytest.mark.django_db


def test_an_incident_lists_its_cameras_since_when_each(
    desk: Desk, office: Organisation, company: Organisation
) -> None:
    cameras = [make_camera(office, number) for number in (1, 2, 3)]
    incident = outage(company, cameras)
    assert incident.alarm
    look = desk.page("alarms", alarm=incident.alarm.pk)
    assert rows_of(look, "member", "</li>") == [
        "G2 K1100+001 上行 G2 济南段 1 号 12:20:00 起，10 分钟",
        "G2 K1100+003 上行 G2 济南段 3 号 12:20:00 起，10 分钟",
    ]
    page = desk.page("incident", incident.pk)
    assert rows_of(page, "member")[0] == "G2 K1100+001 上行 G2 济南段 1 号 截图 济南管理处 12:20:00 10 分钟 离线"
    assert rows_of(page, "member")[2] == "G2 K1100+002 上行 G2 济南段 2 号 截图 济南管理处 12:20:00 9 分钟 12:29:00 恢复"
    assert f'href="/?camera={cameras[0].pk}"' in page
    assert desk.get("incident", incident.pk, page=0).status_code == 400
    assert "没有您有权查看的摄像机" in desk.page("incident", incident.pk, page=2)


def test_it_lasts_since_the_cameras_went_wherever_that_is_said(
    desk: Desk, company: Organisation, office: Organisation
) -> None:
    incident = outage(company, [make_camera(office, number) for number in (1, 3)])
    assert incident.alarm
    # It was seen later than it began.
    Alarm.objects.update(opened_at=NOON - 9 * MINUTE)
    assert "山东高速 12:20:00 10 分钟" in rows_of(desk.page("alarms"))[0]
    assert "发生 12:20:00 告警 12:21:00 历时 10 分钟" in words(desk.page("alarm_look", incident.alarm.pk))
    sums = rows_of(desk.page("incident", incident.pk), "sums", "</dl>")[0]
    assert "开始 12:20:00" in sums and "历时 10 分钟" in sums
    assert rows_of(desk.page("reports", on="2026-11-22"), "incident")[0].endswith("12:20:00 未结束 10 分钟")


def test_cameras_of_others_are_counted_and_not_named(
    office_desk: Desk, admin_desk: Desk, office: Organisation, company: Organisation, other_company: Organisation
) -> None:
    own, other = make_camera(office, 1), make_camera(other_company, 3)
    incident = outage(company, [own, other])
    assert incident.alarm
    look = office_desk.page("alarm_look", incident.alarm.pk)
    assert len(rows_of(look, "member", "</li>")) == 1
    assert "共 2 路，另有 1 路" in look
    assert other.stake not in office_desk.page("incident", incident.pk)
    assert len(rows_of(admin_desk.page("incident", incident.pk), "member")) == 2


def test_its_table_to_take_away(desk: Desk, office: Organisation, company: Organisation) -> None:
    camera = make_camera(office, 1, name="=1+1")
    response = desk.get("incident_table", outage(company, [camera]).pk)
    assert isinstance(response, StreamingHttpResponse)
    text = b"".join(map(bytes, response)).decode("utf-8-sig")
    _, row = csv.reader(io.StringIO(text))
    assert row == [camera.number, "'=1+1", "济南管理处", "G2", camera.stake, "2026-11-22 12:20:00", "", "", ""]
    assert BehaviourLog.objects.filter(verb="导出离线事件").count() == 1
