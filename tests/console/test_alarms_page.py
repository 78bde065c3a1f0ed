"""告警: who sees which, in which order, who acknowledges, and the cameras of an incident."""

import re
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from time_machine import TimeMachineFixture

from access.choices import Action, AlarmEvent, DeliveryState, Role, Severity, TargetKind
from access.models import Alarm, AlarmDelivery, AlarmTarget, BehaviourLog, Organisation, User
from access.services.alarms import close_alarm, raise_alarm
from access.services.staff import create_staff
from cameras.models import Camera, CameraException
from console.alarms import PAGE_ROWS
from incidents.choices import IncidentKind
from incidents.models import Incident, IncidentCamera
from tests.cast import PASSWORD
from tests.console.desk import Desk, text_of
from tests.console.uplink import NOON
from tests.ptz.ledger import make_camera

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def clock(time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    return time_machine


@pytest.fixture
def office_desk(office: Organisation) -> Desk:
    """On duty in one management office of the company."""
    return Desk(
        create_staff(username="he", password=PASSWORD, full_name="何工", role=Role.MONITOR, organisation=office)
    )


def words(part: str) -> str:
    return " ".join(re.sub(r"^[^>]*>|<[^>]*>", " ", part).split())


def rows_of(page: str, kind: str = "alarm", end: str = "</tr>") -> list[str]:
    return [words(part.split(end)[0]) for part in page.split(f'data-testid="{kind}"')[1:]]


def titles(page: str) -> list[str]:
    return re.findall(r'<th scope="row"><b>(.*?)</b>', page)


def opened(alarm: Alarm, at: datetime) -> Alarm:
    Alarm.objects.filter(pk=alarm.pk).update(began_at=at, opened_at=at)
    return alarm


def acknowledge(desk: Desk, alarm: Alarm, note: str = "") -> tuple[int, str]:
    response = desk.client.post(reverse("console:alarm_acknowledge", args=[alarm.pk]), {"note": note})
    return response.status_code, text_of(response)


def outage(company: Organisation, cameras: list[Camera], **fields: object) -> Incident:
    """Those of an even number have come back."""
    values = {"kind": IncidentKind.COMPANY, "subject": f"{company.pk}", "name": company.name, **fields}
    incident = Incident.objects.create(
        organisation=company, began_at=NOON - 10 * MINUTE, cameras=len(cameras), peak=len(cameras), total=90, **values
    )
    IncidentCamera.objects.bulk_create(
        IncidentCamera(
            incident=incident,
            camera=camera,
            since=NOON - 10 * MINUTE,
            left_at=None if camera.stake_m % 2 else NOON - MINUTE,
        )
        for camera in cameras
    )
    incident.alarm = raise_alarm(
        key=f"incident:{incident.pk}",
        title=f"{company}：{len(cameras)} 路离线",
        organisation=company,
        is_shared=True,
        began_at=incident.began_at,
    )
    incident.save()
    return incident


# Rights -------------------------------------------------------------------------------------------


def test_each_sees_their_own_part(
    desk: Desk,
    other_desk: Desk,
    office_desk: Desk,
    admin_desk: Desk,
    company: Organisation,
    office: Organisation,
    other_company: Organisation,
) -> None:
    raise_alarm(key="p", title="存储将满")
    raise_alarm(key="s", title="媒体服务器：90 路", is_shared=True)
    raise_alarm(key="c", title="公司的", organisation=company)
    raise_alarm(key="cs", title="公司的，也影响下级", organisation=company, is_shared=True)
    raise_alarm(key="o", title="管理处的", organisation=office)
    raise_alarm(key="x", title="另一公司的", organisation=other_company, is_shared=True)
    shared = {"媒体服务器：90 路"}
    assert set(titles(desk.page("alarms"))) == shared | {"公司的", "公司的，也影响下级", "管理处的"}
    assert set(titles(office_desk.page("alarms"))) == shared | {"公司的，也影响下级", "管理处的"}
    assert set(titles(other_desk.page("alarms"))) == shared | {"另一公司的"}
    assert len(titles(admin_desk.page("alarms"))) == 6
    for each, seen in ((desk, 4), (office_desk, 3), (other_desk, 2), (admin_desk, 6)):
        assert each.json("alarm_counts")["open"] == each.json("state")["alarms"]["open"] == seen


def test_what_is_not_seen_is_not_there(desk: Desk, other_desk: Desk, company: Organisation, camera: Camera) -> None:
    incident = outage(company, [camera])
    assert incident.alarm
    assert other_desk.get("alarm_look", incident.alarm.pk).status_code == 404
    assert other_desk.get("alarms", alarm=incident.alarm.pk).status_code == 404
    assert acknowledge(other_desk, incident.alarm)[0] == 404
    assert other_desk.get("incident", incident.pk).status_code == 404
    assert other_desk.get("incident_table", incident.pk).status_code == 404
    assert desk.get("alarms", organisation=other_desk.user.pk + 10_000).status_code == 404
    assert Alarm.objects.get().acknowledged_at is None


def test_a_denied_camera_is_not_named_by_its_alarm(desk: Desk, office: Organisation, company: Organisation) -> None:
    hidden, shown = make_camera(office, 2), make_camera(office, 4)
    incidents = [
        outage(company, [each], kind=IncidentKind.CAMERA, subject=f"{each.pk}", name=each.name)
        for each in (hidden, shown)
    ]
    for incident, each in zip(incidents, (hidden, shown), strict=True):
        raise_alarm(
            key=f"incident:{incident.pk}", title=f"{each.name}：离线", organisation=company, camera_id=each.pk
        )
    wide = outage(company, [hidden, shown])
    assert len(titles(desk.page("alarms"))) == 3
    CameraException.objects.create(
        camera=hidden, organisation=office, user=desk.user, action=Action.WATCH, is_denied=True
    )
    assert hidden.name not in desk.page("alarms")
    assert len(titles(desk.page("alarms"))) == 2
    assert desk.json("alarm_counts")["open"] == desk.json("state")["alarms"]["open"] == 2
    alone = incidents[0]
    assert alone.alarm_id
    assert desk.get("alarm_look", alone.alarm_id).status_code == 404
    assert desk.get("incident", alone.pk).status_code == 404
    assert desk.get("incident_table", alone.pk).status_code == 404
    assert desk.get("incident", incidents[1].pk).status_code == 200
    # What takes others along too is told, without its card.
    assert hidden.name not in desk.page("incident", wide.pk)


def test_what_is_above_is_only_read(office_desk: Desk, company: Organisation, camera: Camera) -> None:
    alarm = outage(company, [camera]).alarm
    assert alarm
    look = office_desk.page("alarm_look", alarm.pk)
    assert 'data-testid="handle"' not in look
    assert "您可以查看，不能确认这条告警" in look
    assert acknowledge(office_desk, alarm) == (403, "这条告警由上级单位处理，您只能查看")
    assert Alarm.objects.get().acknowledged_at is None


def test_who_may_not_handle_alarms_is_refused(auditor_desk: Desk, company: Organisation) -> None:
    alarm = raise_alarm(key="c", title="公司的", organisation=company)
    assert acknowledge(auditor_desk, alarm) == (403, "没有“处理告警”权限")


# The list -----------------------------------------------------------------------------------------


def test_what_nobody_has_seen_comes_first_then_the_gravest_then_the_newest(
    desk: Desk, company: Organisation
) -> None:
    for number, (title, severity, minutes) in enumerate(
        [
            ("旧警告", Severity.WARNING, 9),
            ("新警告", Severity.WARNING, 1),
            ("提示", Severity.NOTICE, 0),
            ("旧严重", Severity.CRITICAL, 99),
            ("已确认的严重", Severity.CRITICAL, 5),
        ]
    ):
        alarm = raise_alarm(key=f"{number}", title=title, severity=severity, organisation=company)
        opened(alarm, NOON - minutes * MINUTE)
    acknowledge(desk, alarm, "已派人")
    assert titles(desk.page("alarms")) == ["旧严重", "新警告", "旧警告", "提示", "已确认的严重"]
    assert rows_of(desk.page("alarms"))[-1] == "严重 已确认的严重 山东高速 12:25:00 5 分钟 王工 12:30:00 已派人"
    assert desk.json("alarm_counts") == {"open": 5, "fresh": 3, "critical": 2}


def test_what_ended_is_kept_apart(desk: Desk, company: Organisation, clock: TimeMachineFixture) -> None:
    for key in "ab":
        opened(raise_alarm(key=key, title=f"告警{key}", organisation=company), NOON - 5 * MINUTE)
        close_alarm(key=key)
        clock.move_to(NOON + MINUTE, tick=False)
    raise_alarm(key="c", title="告警c", organisation=company)
    assert titles(desk.page("alarms")) == ["告警c"]
    page = desk.page("alarms", state="ended")
    assert titles(page) == ["告警b", "告警a"]
    assert rows_of(page)[0] == "警告 告警b 山东高速 12:25:00 12:31:00 6 分钟 未确认"
    assert titles(desk.page("alarms_standing", state="ended")) == ["告警b", "告警a"]


def test_filters(desk: Desk, company: Organisation, office: Organisation) -> None:
    raise_alarm(key="a", title="网关甲", organisation=company, severity=Severity.CRITICAL)
    raise_alarm(key="b", title="网关乙", organisation=office, message="超时")
    assert titles(desk.page("alarms", severity=3)) == ["网关甲"]
    assert titles(desk.page("alarms", organisation=office.pk)) == ["网关乙"]
    assert titles(desk.page("alarms", q="网关 超时")) == ["网关乙"]
    assert titles(desk.page("alarms", q="济南")) == ["网关乙"]
    assert titles(desk.page("alarms", q="\0%_")) == []


@pytest.mark.parametrize(
    "query",
    [
        {"severity": "9"},
        {"state": "all"},
        {"alarm": "x"},
        {"before": "x"},
        {"before": "0-9-1-1"},
        {"before": "0-3-x-1"},
        {"state": "ended", "before": "1"},
        {"q": "x" * 101},
    ],
)
def test_what_is_asked_wrongly_is_refused(desk: Desk, query: dict[str, str]) -> None:
    assert desk.get("alarms", **query).status_code == 400


@pytest.mark.parametrize("state", ["", "ended"])
def test_pages_follow_each_other_without_gap(desk: Desk, company: Organisation, state: str) -> None:
    for number in range(PAGE_ROWS + 7):
        severity = Severity(number % 3 + 1)
        alarm = raise_alarm(key=f"{number}", title=f"{number}", organisation=company, severity=severity)
        opened(alarm, NOON - number % 5 * MINUTE)
        if number % 4 == 0:
            acknowledge(desk, alarm)
        if state:
            close_alarm(key=f"{number}")
    first = desk.page("alarms", state=state)
    link = first.split('data-testid="older"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    second = text_of(desk.client.get(reverse("console:alarms") + link))
    found = titles(first) + titles(second)
    assert (len(titles(first)), len(found), len(set(found))) == (PAGE_ROWS, PAGE_ROWS + 7, PAGE_ROWS + 7)
    assert 'data-testid="older"' not in second
    assert "回到最前" in second


@pytest.mark.parametrize("amount", [3, 30])
def test_queries_do_not_grow(amount: int, desk: Desk, office: Organisation, company: Organisation) -> None:
    for number in range(amount):
        alarm = raise_alarm(key=f"{number}", title=f"{number}", organisation=office)
        acknowledge(desk, alarm)
    incident = outage(company, [make_camera(office, number) for number in range(amount)])
    assert incident.alarm
    counted = []
    for name, args in (("alarms", []), ("alarm_look", [incident.alarm.pk]), ("incident", [incident.pk])):
        desk.page(name, *args)
        with CaptureQueriesContext(connection) as queries:
            desk.page(name, *args)
        counted.append(len(queries))
    assert counted == [13, 15, 13]


# One of them --------------------------------------------------------------------------------------


def test_acknowledged_by_the_first_with_a_note_that_may_change(
    desk: Desk, admin_desk: Desk, company: Organisation
) -> None:
    alarm = raise_alarm(key="a", title="网关无应答", organisation=company)
    status, look = acknowledge(desk, alarm, "电力检修\n到三点")
    assert status == 200
    assert 'value="电力检修 到三点"' in look
    acknowledge(admin_desk, alarm, "改到四点")
    acknowledge(admin_desk, alarm, "改到四点")
    alarm.refresh_from_db()
    assert (alarm.acknowledged_by, alarm.note) == (desk.user, "改到四点")
    logged = BehaviourLog.objects.order_by("pk").values_list("verb", "actor_name", "reason")
    assert [row for row in logged if "告警" in row[0]] == [
        ("确认告警", "王工", "电力检修 到三点"),
        ("修改告警备注", admin_desk.user.display_name, ""),
    ]
    assert acknowledge(desk, alarm, "x" * 401)[0] == 400


def test_to_whom_it_was_told(desk: Desk, office_desk: Desk, company: Organisation) -> None:
    target = AlarmTarget.objects.create(name="值班邮箱", kind=TargetKind.MAIL, recipients="a@example.cn")
    alarm = raise_alarm(key="a", title="网关无应答", organisation=company, is_shared=True)
    assert rows_of(desk.page("alarm_look", alarm.pk), "told", "</li>") == ["值班邮箱 · 发生 待发"]
    AlarmDelivery.objects.update(attempts=2, last_error="超时")
    assert rows_of(desk.page("alarm_look", alarm.pk), "told", "</li>") == ["值班邮箱 · 发生 试了 2 次：超时"]
    AlarmDelivery.objects.update(state=DeliveryState.SENT, sent_at=NOON)
    AlarmDelivery.objects.create(
        target=target, alarm=alarm, event=AlarmEvent.CLOSED, state=DeliveryState.FAILED, created_at=NOON
    )
    assert rows_of(desk.page("alarm_look", alarm.pk), "told", "</li>") == [
        "值班邮箱 · 恢复 已放弃，试了 0 次：",
        "值班邮箱 · 发生 12:30:00 送达",
    ]
    assert 'data-testid="told"' not in office_desk.page("alarm_look", alarm.pk)


@pytest.mark.parametrize(
    ("key", "target"),
    [
        ("media-server:1", "/streams/"),
        ("media-egress", "/streams/"),
        ("play-check", "/streams/"),
        ("upper-platform:1:backlog", "/ministry/"),
        ("snapshots:room", "/snapshots/"),
        ("ptz:stop-failed:7", "/?camera=7"),
        ("gateway-configuration-3", "/streams/"),
        ("token-replay:3", "/admin/access/partner/3/change/"),
        ("alarm-target:3", "/admin/access/alarmtarget/3/change/"),
        ("something else", ""),
    ],
)
def test_where_one_goes_from_it(key: str, target: str, admin_desk: Desk) -> None:
    User.objects.filter(pk=admin_desk.user.pk).update(is_superuser=True)
    look = admin_desk.page("alarm_look", raise_alarm(key=key, title="告警").pk)
    found = re.findall(r'href="([^"]*)" data-role="go"', look)
    assert found == ([target] if target else [])


def test_nobody_is_sent_where_they_are_not_let_in(monitor_desk: Desk, company: Organisation) -> None:
    for key in ("media-server:1", "upper-platform:1", "alarm-target:3"):
        look = monitor_desk.page("alarm_look", raise_alarm(key=key, title="告警", organisation=company).pk)
        assert 'data-role="go"' not in look


def test_hostile_words_stay_words(desk: Desk, company: Organisation) -> None:
    alarm = raise_alarm(key="a", title="<script>alert(1)</script>", message="<b>x", organisation=company)
    assert "<script>alert" not in desk.page("alarms", alarm=alarm.pk)
