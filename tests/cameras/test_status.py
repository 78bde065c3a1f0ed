"""Status: what gateways report, what streams prove, the grace and the blip filter (protocol.md section 3)."""

from datetime import UTC, datetime

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from time_machine import TimeMachineFixture

from access.choices import OrganisationKind
from access.models import Organisation, Partner
from cameras.choices import OnlineStatus
from cameras.models import Camera, StatusChange
from cameras.services.status import set_stream_presence, settle_statuses
from tests.cameras.ledger import COMPANY, OFFICE, camera, number, register, wire
from tests.cast import Caller, answer_of
from tests.protocol.samples import sample_bytes

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
OFFLINE, ONLINE, FAULT = OnlineStatus.OFFLINE, OnlineStatus.ONLINE, OnlineStatus.FAULT


@pytest.fixture(autouse=True)
def clock(settings: LazySettings, time_machine: TimeMachineFixture) -> TimeMachineFixture:
    settings.STREAM_GRACE_SECONDS, settings.STATUS_BLIP_SECONDS = 60, 10
    time_machine.move_to(NOON, tick=False)
    return time_machine


@pytest.fixture
def gateway(gateway_partner: Caller) -> Caller:
    """Has registered cameras 1, 2 and 3."""
    register(gateway_partner, wire(1), wire(2), wire(3))
    return gateway_partner


def report(caller: Caller, *statuses: tuple[int, object], department: str = COMPANY) -> dict[str, object]:
    body = [{"cameraNum": number(n), "online": online} for n, online in statuses]
    return caller.post("ReportCameraStatus", body, department=department)


def stream(n: int, *, there: bool) -> None:
    ids = [camera(n).pk]
    set_stream_presence(present=ids if there else [], absent=[] if there else ids)


def both(n: int = 1) -> tuple[int, int]:
    """Raw state, and status behind the blip filter."""
    seen = camera(n)
    return seen.raw_status, seen.status


def history(n: int = 1) -> list[int]:
    return list(StatusChange.objects.filter(camera=camera(n)).order_by("id").values_list("status", flat=True))


def pass_seconds(clock: TimeMachineFixture, seconds: float) -> None:
    clock.shift(seconds)
    settle_statuses()


def test_online_is_believed_for_the_grace_and_then_needs_a_stream(
    gateway: Caller, clock: TimeMachineFixture
) -> None:
    assert report(gateway, (1, 1)) == {"code": 200, "msg": "成功", "message": "成功"}
    assert both() == (ONLINE, ONLINE)
    pass_seconds(clock, 59)
    assert both() == (ONLINE, ONLINE)
    pass_seconds(clock, 1)
    assert both() == (OFFLINE, ONLINE)
    pass_seconds(clock, 10)
    assert both() == (OFFLINE, OFFLINE)
    assert camera(1).status_reason == "没有视频流"


def test_a_repeated_online_does_not_renew_the_grace(gateway: Caller, clock: TimeMachineFixture) -> None:
    report(gateway, (1, 1))
    clock.shift(40)
    report(gateway, (1, 1))
    pass_seconds(clock, 20)
    assert both()[0] == OFFLINE
    report(gateway, (1, 1))
    assert both()[0] == OFFLINE


def test_a_stream_is_online_whatever_was_reported(gateway: Caller) -> None:
    report(gateway, (1, 0), (2, 2))
    assert (both(1), both(2)) == ((OFFLINE, OFFLINE), (FAULT, FAULT))
    stream(1, there=True)
    stream(2, there=True)
    assert (both(1), both(2)) == ((ONLINE, ONLINE), (ONLINE, ONLINE))
    report(gateway, (1, 0), (2, 2))
    assert (both(1), both(2)) == ((ONLINE, ONLINE), (ONLINE, ONLINE))


def test_a_fault_stands_while_no_stream_is_there(gateway: Caller, clock: TimeMachineFixture) -> None:
    stream(1, there=True)
    report(gateway, (1, 2))
    stream(1, there=False)
    assert both() == (FAULT, FAULT)
    pass_seconds(clock, 3600)
    assert both() == (FAULT, FAULT)


def test_a_fault_that_a_stream_disproved_does_not_come_back(
    gateway: Caller, clock: TimeMachineFixture
) -> None:
    report(gateway, (1, 2))
    stream(1, there=True)
    stream(1, there=False)
    pass_seconds(clock, 10)
    assert both() == (OFFLINE, OFFLINE)


def test_a_lost_stream_disproves_an_older_online(gateway: Caller, clock: TimeMachineFixture) -> None:
    report(gateway, (1, 1))
    clock.shift(5)
    stream(1, there=True)
    clock.shift(5)
    stream(1, there=False)
    assert both() == (OFFLINE, ONLINE)


def test_a_gateway_that_came_back_has_one_grace_to_bring_the_stream(
    gateway: Caller, clock: TimeMachineFixture
) -> None:
    report(gateway, (1, 1))
    stream(1, there=True)
    clock.shift(3600)
    stream(1, there=False)
    clock.shift(5)
    report(gateway, (1, 1))
    assert both() == (ONLINE, ONLINE)
    clock.shift(30)
    report(gateway, (1, 1))
    pass_seconds(clock, 30)
    assert both() == (OFFLINE, ONLINE)


def test_an_offline_shorter_than_the_blip_is_no_change(gateway: Caller, clock: TimeMachineFixture) -> None:
    stream(1, there=True)
    clock.shift(100)
    stream(1, there=False)
    assert both() == (OFFLINE, ONLINE)
    pass_seconds(clock, 9)
    assert both() == (OFFLINE, ONLINE)
    stream(1, there=True)
    pass_seconds(clock, 60)
    assert both() == (ONLINE, ONLINE)
    assert history() == [ONLINE]


def test_an_offline_as_long_as_the_blip_is_one_change(gateway: Caller, clock: TimeMachineFixture) -> None:
    stream(1, there=True)
    clock.shift(100)
    stream(1, there=False)
    pass_seconds(clock, 10)
    assert both() == (OFFLINE, OFFLINE)
    pass_seconds(clock, 10)
    stream(1, there=True)
    assert both() == (ONLINE, ONLINE)
    assert history() == [ONLINE, OFFLINE, ONLINE]


def test_the_first_word_on_a_camera_is_a_change(gateway: Caller) -> None:
    report(gateway, (1, 0))
    assert history() == [OFFLINE]
    assert camera(1).status_at == NOON


def test_the_sample_of_the_document_is_taken_in_and_the_later_entry_wins(gateway_partner: Caller) -> None:
    register(gateway_partner, wire(cameraNum="baee05a7-166a-48f8-9a57-3754c1a7ac65"))
    body = sample_bytes("report_camera_status")
    answer = gateway_partner.post("ReportCameraStatus", body, department=COMPANY)
    assert answer == {"code": 200, "msg": "成功", "message": "成功"}
    assert Camera.objects.get().raw_status == ONLINE


def test_what_was_not_applied_is_named_with_its_count(gateway: Caller) -> None:
    strangers = [(n, 1) for n in range(50, 62)]
    answer = report(gateway, (1, 1), (2, 7), *strangers)
    assert answer["code"] == 200
    text = str(answer["msg"])
    assert text.startswith("已接收 1 项，未接收 13 项：第 2 项 online")
    assert text.count("摄像机不存在") == 9
    assert text.endswith("等共 13 项")
    assert both(1) == (ONLINE, ONLINE)


def test_nothing_applied_is_404_when_all_are_unknown_else_400(gateway: Caller) -> None:
    assert report(gateway, (50, 1), (51, 0))["code"] == 404
    answer = report(gateway, (50, 1), (1, "在线"))
    assert answer["code"] == 400
    assert "第 2 项 online" in str(answer["msg"])
    assert both(1) == (OFFLINE, OFFLINE)
    assert report(gateway)["code"] == 200


def test_numbers_may_be_strings(gateway: Caller) -> None:
    assert report(gateway, (1, "1"))["code"] == 200
    assert both(1)[0] == ONLINE


@pytest.mark.parametrize("department", [COMPANY, OFFICE, "示范省"])
def test_the_department_may_be_company_office_or_above(gateway: Caller, department: str) -> None:
    assert report(gateway, (1, 1), department=department)["code"] == 200
    assert both(1)[0] == ONLINE


@pytest.mark.parametrize("department", ["齐鲁交通", "泰安管理处", "没有这个单位"])
def test_under_another_department_a_camera_counts_as_unknown(gateway: Caller, department: str) -> None:
    register(gateway, wire(9, roadSec="泰安管理处"))
    assert report(gateway, (1, 1), department=department)["code"] == 404
    assert both(1)[0] == OFFLINE


def test_a_gateway_that_stands_for_an_office_reports_under_the_company(
    gateway: Caller, office: Organisation
) -> None:
    Partner.objects.filter(pk=gateway.partner.pk).update(organisation=office)
    assert register(gateway, wire(4))[0]["info"] == "注册成功"
    assert camera(4).organisation == office
    assert report(gateway, (4, 1), department=COMPANY)["code"] == 200


def test_a_name_at_several_places_means_the_company_level_first(
    gateway: Caller, province: Organisation
) -> None:
    Partner.objects.filter(pk=gateway.partner.pk).update(organisation=province)
    register(gateway, wire(7, roadSec=COMPANY), wire(8, department="中铁建高速", roadSec=COMPANY))
    assert report(gateway, (7, 1), (1, 1), department=COMPANY)["msg"] == "成功"
    # The office of that name in another company is not meant, unless there is no such company.
    assert report(gateway, (8, 1), department=COMPANY)["code"] == 404
    Organisation.objects.filter(name=COMPANY, kind=OrganisationKind.COMPANY).update(name="山东高速集团")
    assert report(gateway, (7, 0), (8, 1), department=COMPANY)["msg"] == "成功"


def test_a_gateway_reports_only_its_own_cameras(gateway: Caller, other_gateway: Caller) -> None:
    assert report(other_gateway, (1, 2), department=COMPANY)["code"] == 404
    answer = other_gateway.post("ReportCameraStatus", [{"cameraNum": number(1), "online": 2}])
    assert answer["code"] == 404
    assert both(1) == (OFFLINE, OFFLINE)


def test_a_deleted_camera_is_unknown(gateway: Caller) -> None:
    gateway.post("VideoInformationDel", {"cameras": [number(1)]})
    assert report(gateway, (1, 1))["code"] == 404


@pytest.mark.parametrize(
    ("body", "place"),
    [(b"{}", "数组"), (b"[{]", "第 1 行"), (b"", "空"), (b"[1" + b",1" * 20_000 + b"]", "20000")],
)
def test_a_malformed_list_names_the_place(gateway: Caller, body: bytes, place: str) -> None:
    answer = answer_of(gateway.request("POST", "ReportCameraStatus", {"department": COMPANY}, body=body))
    assert answer["code"] == 400
    assert place in answer["msg"]


def test_who_may_not_report_is_refused(gateway: Caller, ministry: Caller) -> None:
    assert report(ministry, (1, 1))["code"] == 403
    assert gateway.get("ReportCameraStatus", department=COMPANY)["code"] == 400
    assert both(1) == (OFFLINE, OFFLINE)


def test_the_number_of_queries_does_not_grow_with_the_list(gateway: Caller) -> None:
    register(gateway, *[wire(n) for n in range(10, 50)])
    counts = []
    for first, size in ((10, 3), (20, 30)):
        with CaptureQueriesContext(connection) as queries:
            report(gateway, *[(n, n % 3) for n in range(first, first + size)])
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 11


def test_the_settling_of_many_takes_few_queries(gateway: Caller, clock: TimeMachineFixture) -> None:
    register(gateway, *[wire(n) for n in range(10, 40)])
    report(gateway, *[(n, 1) for n in range(10, 40)])
    clock.shift(60)
    with CaptureQueriesContext(connection) as queries:
        assert settle_statuses() == 30
    assert len(queries) <= 5


def test_nothing_to_settle_writes_nothing(gateway: Caller) -> None:
    report(gateway, (1, 1))
    with CaptureQueriesContext(connection) as queries:
        assert settle_statuses() == 0
    assert len(queries) <= 3
