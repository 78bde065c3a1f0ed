"""Incidents begin, grow, shrink, are taken over and end with their cameras; each is one alarm and one message."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from time_machine import TimeMachineFixture

from access.choices import AlarmEvent, Severity, TargetKind
from access.models import Alarm, AlarmDelivery, AlarmTarget, Organisation
from cameras.models import Camera, Gateway
from incidents.choices import IncidentKind
from incidents.models import Incident, IncidentCamera, IncidentWatch
from incidents.services.watch import MOST_SINGLE, forget_old_incidents, watch_incidents
from streaming.choices import MediaKind, VideoType
from streaming.models import MediaServer, PushSession
from tests.cast import Caller
from tests.incidents.ledger import cameras_at, lose, regain
from tests.ptz.ledger import make_gateway

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def clock(time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    return time_machine


@pytest.fixture(autouse=True)
def watching(db: None) -> None:
    """The watch has run all the time."""
    IncidentWatch.objects.create(ran_at=NOON, quiet_until=NOON - HOUR)


@pytest.fixture
def gateway(gateway_partner: Caller) -> Gateway:
    return make_gateway(gateway_partner.partner, "http://10.0.0.7", last_error="网关超时")


@pytest.fixture
def second_gateway(other_gateway: Caller) -> Gateway:
    return make_gateway(other_gateway.partner, "http://10.0.0.8")


@pytest.fixture
def target(db: None) -> AlarmTarget:
    return AlarmTarget.objects.create(name="值班", kind=TargetKind.MAIL, recipients="duty@example.cn")


def after(seconds: int) -> datetime:
    return NOON + seconds * SECOND


def watch(clock: TimeMachineFixture, seconds: int) -> None:
    """As beat does, every ten seconds or so; here at one moment."""
    clock.move_to(after(seconds), tick=False)
    IncidentWatch.objects.update(ran_at=after(seconds) - 10 * SECOND)
    watch_incidents()


def told() -> list[tuple[str, str]]:
    rows = AlarmDelivery.objects.order_by("pk").values_list("alarm__title", "event")
    return list(rows)


def test_a_gateway_that_is_lost_is_one_alarm_with_one_message(
    clock: TimeMachineFixture, office: Organisation, company: Organisation, gateway: Gateway, target: AlarmTarget
) -> None:
    cameras = cameras_at(office, range(20), gateway, NOON - HOUR)
    lose(cameras[:12], NOON)
    watch(clock, 20)
    assert Incident.objects.count() == 0
    watch(clock, 40)
    incident = Incident.objects.get()
    assert (incident.kind, incident.cameras, incident.total, incident.began_at) == (IncidentKind.GATEWAY, 12, 20, NOON)
    alarm = Alarm.objects.get()
    assert (alarm.title, alarm.severity, alarm.organisation) == (f"网关 {gateway}：12 路离线", Severity.WARNING, company)
    assert alarm.message == "11-22 12:00:00 起，共 20 路中的 12 路。网关最近一次无应答：网关超时"
    # All durations count from when the cameras went.
    assert (alarm.began_at, alarm.opened_at) == (NOON, after(40))
    # It grows at once, shrinks, and is told but twice.
    lose(cameras[12:], after(41))
    watch(clock, 50)
    regain(cameras[:14], after(60))
    watch(clock, 70)
    incident.refresh_from_db()
    alarm.refresh_from_db()
    assert (incident.cameras, incident.peak, alarm.title) == (6, 20, f"网关 {gateway}：6 路离线")
    assert IncidentCamera.objects.filter(incident=incident, left_at=None).count() == 6
    regain(cameras[14:], after(600))
    watch(clock, 610)
    incident.refresh_from_db()
    alarm.refresh_from_db()
    assert (incident.ended_at, incident.cameras, alarm.closed_at) == (after(610), 0, after(610))
    assert alarm.message == "11-22 12:00:00 起，历时 10 分钟，最多时 20 路"
    assert [event for _, event in told()] == [AlarmEvent.OPENED, AlarmEvent.CLOSED]
    assert IncidentCamera.objects.filter(left_at=None).count() == 0


def test_it_begins_when_the_streams_were_lost_as_the_tiles_say(
    clock: TimeMachineFixture, office: Organisation, gateway: Gateway
) -> None:
    cameras = cameras_at(office, range(12), gateway, NOON - HOUR)
    lose(cameras, after(10))
    # The status followed when the blip filter was over.
    Camera.objects.update(raw_status_at=NOON)
    watch(clock, 60)
    incident = Incident.objects.get(kind=IncidentKind.GATEWAY)
    assert incident.alarm
    assert (incident.began_at, incident.alarm.began_at) == (NOON, NOON)
    assert set(IncidentCamera.objects.values_list("since", flat=True)) == {NOON}


def test_a_single_camera_is_told_after_five_minutes(clock: TimeMachineFixture, office: Organisation) -> None:
    camera, other = cameras_at(office, range(2), None, NOON - HOUR)
    lose([camera], NOON)
    watch(clock, 290)
    assert Alarm.objects.count() == 0
    watch(clock, 300)
    alarm = Alarm.objects.get()
    assert (alarm.title, alarm.severity, alarm.organisation) == (f"{camera.name}：离线", Severity.NOTICE, office)
    assert alarm.camera_id == camera.pk
    watch(clock, 310)
    alarm.refresh_from_db()
    assert alarm.times_seen == 1
    regain([camera], after(320))
    watch(clock, 330)
    alarm.refresh_from_db()
    assert alarm.closed_at == after(330)
    assert other.incidents.count() == 0


def test_a_camera_that_flaps_is_told_as_such(clock: TimeMachineFixture, office: Organisation) -> None:
    (camera,) = cameras_at(office, [1], None, NOON - HOUR)
    for minute in range(0, 12, 2):
        lose([camera], after(minute * 60))
        regain([camera], after(minute * 60 + 60))
    watch(clock, 670)
    assert Alarm.objects.get().title == f"{camera.name}：频繁掉线"
    # Until half as often within the hour.
    watch(clock, 3600 + 6 * 60)
    assert Alarm.objects.get().closed_at is None
    watch(clock, 3600 + 8 * 60)
    assert Alarm.objects.get().closed_at is not None


def test_two_thousand_cameras_are_one_alarm(
    clock: TimeMachineFixture,
    office: Organisation,
    company: Organisation,
    gateway: Gateway,
    second_gateway: Gateway,
    target: AlarmTarget,
) -> None:
    cameras_at(office, range(2), gateway, NOON - HOUR)
    (pattern,) = cameras_at(office, [2], second_gateway, NOON - HOUR)
    values = {field.attname: getattr(pattern, field.attname) for field in Camera._meta.concrete_fields}
    Camera.objects.bulk_create(
        Camera(**{**values, "id": None, "number": f"n{n}", "number_key": f"n{n}"}) for n in range(1997)
    )
    lose(Camera.objects.all(), NOON)
    with CaptureQueriesContext(connection) as queries:
        watch(clock, 40)
    alarm = Alarm.objects.get()
    assert (alarm.title, alarm.severity) == (f"{company}：2,000 路离线", Severity.CRITICAL)
    assert IncidentCamera.objects.filter(incident=Incident.objects.get(), left_at=None).count() == 2000
    assert len(told()) == 1
    assert len(queries) < 40


def test_a_wider_cause_takes_over_and_gives_back(
    clock: TimeMachineFixture,
    office: Organisation,
    company: Organisation,
    gateway: Gateway,
    second_gateway: Gateway,
) -> None:
    first = cameras_at(office, range(10), gateway, NOON - HOUR)
    second = cameras_at(office, range(10, 30), second_gateway, NOON - HOUR)
    lose(first, NOON)
    watch(clock, 40)
    narrow = Incident.objects.get()
    lose(second, after(50))
    watch(clock, 90)
    narrow.refresh_from_db()
    wide = Incident.objects.get(ended_at=None)
    assert (wide.kind, wide.cameras, narrow.merged_into) == (IncidentKind.COMPANY, 30, wide)
    closed = Alarm.objects.get(key=f"incident:{narrow.pk}")
    assert closed.message == f"并入“{company}”"
    assert IncidentCamera.objects.filter(incident=narrow, is_moved=True, left_at=after(90)).count() == 10
    regain(second, after(100))
    watch(clock, 110)
    last = Incident.objects.get(ended_at=None)
    assert (last.kind, last.cameras, last.began_at) == (IncidentKind.GATEWAY, 10, NOON)


def test_a_silent_media_server_is_the_cause(
    clock: TimeMachineFixture, office: Organisation, gateway: Gateway
) -> None:
    server = MediaServer.objects.create(
        name="m1", kind=MediaKind.EMBEDDED, rtmp_url="rtmp://h", http_url="http://h", silent_since=NOON
    )
    cameras = cameras_at(office, range(10), gateway, NOON - HOUR)
    PushSession.objects.bulk_create(
        PushSession(camera=camera, video_type=VideoType.LOW, media_server=server) for camera in cameras
    )
    lose(cameras, NOON)
    watch(clock, 60)
    incident = Incident.objects.get()
    assert (incident.kind, incident.name, incident.organisation) == (IncidentKind.MEDIA, "媒体服务器 m1", None)
    assert Alarm.objects.get().severity == Severity.CRITICAL


def on_one_server(cameras: list[Camera]) -> None:
    server = MediaServer.objects.create(
        name="embedded", kind=MediaKind.EMBEDDED, rtmp_url="rtmp://h", http_url="http://h", last_seen_at=NOON
    )
    PushSession.objects.bulk_create(
        PushSession(camera=camera, video_type=VideoType.LOW, media_server=server) for camera in cameras
    )


def test_a_lost_gateway_is_not_named_after_the_only_media_server(
    clock: TimeMachineFixture, office: Organisation, other_company: Organisation, gateway: Gateway
) -> None:
    """As in the demo: one gateway with cameras of several companies, one media server that answers."""
    cameras = cameras_at(office, range(6), gateway, NOON - HOUR)
    cameras += cameras_at(other_company, range(6, 12), gateway, NOON - HOUR)
    on_one_server(cameras)
    lose(cameras, NOON)
    watch(clock, 60)
    assert Alarm.objects.get().title == f"网关 {gateway}：12 路离线"


def test_what_gateways_say_is_evidence(
    clock: TimeMachineFixture,
    office: Organisation,
    other_company: Organisation,
    gateway: Gateway,
    second_gateway: Gateway,
) -> None:
    """Two silent gateways are two causes; that they report after the loss shows that the server is the one."""
    Gateway.objects.update(last_error="连接被拒绝")
    own = cameras_at(office, range(6), gateway, NOON - HOUR)
    others = cameras_at(other_company, range(6, 12), second_gateway, NOON - HOUR)
    elsewhere = cameras_at(other_company, range(20, 60), None, NOON - HOUR, road="S9")
    on_one_server(own + others)
    lose(own + others, NOON)
    watch(clock, 60)
    names = list(Incident.objects.order_by("name").values_list("name", flat=True))
    assert names == sorted([f"网关 {gateway}", f"网关 {second_gateway}"])
    Camera.objects.filter(gateway__isnull=False).update(reported_since=after(61))
    watch(clock, 70)
    incident = Incident.objects.get(ended_at=None)
    assert (incident.name, incident.cameras) == ("媒体服务器 embedded", 12)
    assert Alarm.objects.get(closed_at=None).message.endswith("媒体服务器有应答，其上的视频流却同时中断")
    assert {old.merged_into for old in Incident.objects.exclude(ended_at=None)} == {incident}
    assert elsewhere[0].incidents.count() == 0


def test_a_gateway_that_answers_is_said_to(
    clock: TimeMachineFixture, office: Organisation, second_gateway: Gateway
) -> None:
    Gateway.objects.update(last_answer_at=NOON)
    lose(cameras_at(office, range(6), second_gateway, NOON - HOUR), NOON)
    watch(clock, 60)
    assert "网关有应答（最近 11-22 12:00:00）" in Alarm.objects.get().message


def test_most_companies_at_once_are_one_alarm(
    clock: TimeMachineFixture,
    office: Organisation,
    province: Organisation,
    other_company: Organisation,
    gateway: Gateway,
    second_gateway: Gateway,
    target: AlarmTarget,
) -> None:
    lose(cameras_at(office, range(10), gateway, NOON - HOUR), NOON)
    lose(cameras_at(other_company, range(10, 20), second_gateway, NOON - HOUR), NOON)
    watch(clock, 60)
    alarm = Alarm.objects.get()
    assert (alarm.title, alarm.severity, alarm.organisation) == ("全省：20 路离线", Severity.CRITICAL, province)
    assert alarm.is_shared
    assert alarm.message == "11-22 12:00:00 起，共 20 路中的 20 路。2 家单位同时中断"
    assert told() == [(alarm.title, AlarmEvent.OPENED)]


@pytest.mark.parametrize("amount", [3, 30])
def test_raising_and_closing_cost_the_same_however_many_there_are(
    amount: int, clock: TimeMachineFixture, office: Organisation, target: AlarmTarget, settings: LazySettings
) -> None:
    settings.INCIDENT_CAMERAS = 1000
    AlarmTarget.objects.update(severity=Severity.NOTICE)
    cameras = cameras_at(office, range(amount), None, NOON - HOUR)
    lose(cameras, NOON)
    with CaptureQueriesContext(connection) as raising:
        watch(clock, 400)
    regain(cameras, after(405))
    with CaptureQueriesContext(connection) as closing:
        watch(clock, 410)
    assert Alarm.objects.exclude(closed_at=None).count() == amount
    assert len(told()) == 2 * amount
    assert (len(raising), len(closing)) == (27, 23)


def test_a_restart_of_the_platform_raises_nothing(
    clock: TimeMachineFixture, office: Organisation, gateway: Gateway
) -> None:
    cameras = cameras_at(office, range(20), gateway, NOON - HOUR)
    lose(cameras, NOON)
    clock.move_to(after(61), tick=False)
    watch_incidents()
    watch(clock, 200)
    assert Incident.objects.count() == 0
    regain(cameras[:5], after(210))
    # What has not come back by then is a trouble.
    watch(clock, 250)
    assert Incident.objects.get().cameras == 15


def test_the_very_first_run_begins_nothing(
    clock: TimeMachineFixture, office: Organisation, gateway: Gateway
) -> None:
    IncidentWatch.objects.all().delete()
    lose(cameras_at(office, range(20), gateway, NOON - HOUR), NOON - HOUR)
    watch_incidents()
    assert (Incident.objects.count(), IncidentWatch.objects.count()) == (0, 1)


def test_who_was_never_heard_of_is_not_missed(
    clock: TimeMachineFixture, office: Organisation, gateway: Gateway
) -> None:
    """20,000 rows of a spreadsheet are no outage; nor is what is deleted, or waits for its review."""
    cameras = cameras_at(office, range(30), gateway, NOON - HOUR)
    lose(cameras, NOON)
    Camera.objects.filter(pk__in=[camera.pk for camera in cameras[:10]]).update(status_at=None)
    Camera.objects.filter(pk__in=[camera.pk for camera in cameras[10:20]]).update(deleted_at=NOON)
    Camera.objects.filter(pk__in=[camera.pk for camera in cameras[20:]]).update(is_pending=True)
    watch(clock, 600)
    assert Incident.objects.count() == 0


def test_a_deleted_camera_leaves_its_incident(clock: TimeMachineFixture, office: Organisation) -> None:
    (camera,) = cameras_at(office, [1], None, NOON - HOUR)
    lose([camera], NOON)
    watch(clock, 400)
    Camera.objects.update(deleted_at=after(401))
    watch(clock, 410)
    assert Incident.objects.get().ended_at == after(410)


def test_many_single_ones_come_in_turns(
    clock: TimeMachineFixture, office: Organisation, settings: LazySettings
) -> None:
    settings.INCIDENT_CAMERAS = 1000
    cameras = cameras_at(office, range(MOST_SINGLE + 3), None, NOON - HOUR)
    lose(cameras[3:], NOON)
    lose(cameras[:3], NOON - SECOND)
    watch(clock, 400)
    assert Alarm.objects.count() == MOST_SINGLE
    assert Incident.objects.filter(subject__in=[str(camera.pk) for camera in cameras[:3]]).count() == 3
    watch(clock, 410)
    assert Alarm.objects.count() == MOST_SINGLE + 3


@pytest.mark.parametrize("amount", [10, 100])
def test_a_quiet_run_costs_the_same_however_many_are_away(
    amount: int, clock: TimeMachineFixture, office: Organisation, gateway: Gateway
) -> None:
    lose(cameras_at(office, range(amount), gateway, NOON - HOUR), NOON)
    watch(clock, 60)
    with CaptureQueriesContext(connection) as queries:
        watch(clock, 70)
    assert len([query for query in queries if "SAVEPOINT" not in query["sql"]]) == 11


def test_old_incidents_are_forgotten(clock: TimeMachineFixture, office: Organisation) -> None:
    (camera,) = cameras_at(office, [1], None, NOON - HOUR)
    lose([camera], NOON)
    watch(clock, 400)
    assert forget_old_incidents() == 0
    Incident.objects.update(ended_at=NOON - timedelta(days=401))
    forget_old_incidents()
    assert (Incident.objects.count(), IncidentCamera.objects.count()) == (0, 0)
