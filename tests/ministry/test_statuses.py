"""Statuses go out by department, after the registration, at once and every clock hour."""

from datetime import UTC, datetime, timedelta

import pytest
from time_machine import TimeMachineFixture

from cameras.services.status import report_status, set_stream_presence
from ministry.choices import Interface
from ministry.models import UpperPlatform
from ministry.selectors import backlog_by_interface
from ministry.services.platforms import client_for
from protocol.bodies import StatusItem
from protocol.codes import OnlineStatus
from tests.cameras.ledger import camera, number, register, wire
from tests.cast import Caller
from tests.ministry.upper import calls, delivery, held, only_platform, sync, told_statuses, trouble
from tests.mock_ministry.running import RunningMinistry

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("platform", "cameras")]

NOON = datetime(2026, 11, 22, 4, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock(time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    return time_machine


def test_all_are_told_once_grouped_by_department(upper: RunningMinistry) -> None:
    set_stream_presence(present=[camera(1).pk, camera(3).pk])
    sync()
    assert told_statuses(upper) == {1: 1, 2: 0, 3: 1}
    reports = calls(upper, "ReportCameraStatus")
    assert {(call["department"], call["count"]) for call in reports} == {("山东高速", 2), ("齐鲁交通", 1)}
    assert {call["code"] for call in reports} == {200}


def test_a_change_is_told_alone(cameras: Caller, upper: RunningMinistry) -> None:
    sync()
    report_status(partner=cameras.partner, items=[StatusItem(number(2), OnlineStatus.FAULT)])
    sync()
    assert told_statuses(upper)[2] == OnlineStatus.FAULT
    assert calls(upper, "ReportCameraStatus")[-1]["count"] == 1
    assert delivery(2).status == OnlineStatus.FAULT


def test_a_value_that_comes_back_after_a_lost_answer_is_told(
    cameras: Caller, upper: RunningMinistry
) -> None:
    report_status(partner=cameras.partner, items=[StatusItem(number(2), OnlineStatus.FAULT)])
    sync()
    upper.break_down("lost", verbs=["ReportCameraStatus"])
    report_status(partner=cameras.partner, items=[StatusItem(number(2), OnlineStatus.ONLINE)])
    sync()
    assert told_statuses(upper)[2] == OnlineStatus.ONLINE
    report_status(partner=cameras.partner, items=[StatusItem(number(2), OnlineStatus.FAULT)])
    upper.break_down("none")
    sync()
    assert told_statuses(upper)[2] == camera(2).status == OnlineStatus.FAULT
    assert delivery(2).status == OnlineStatus.FAULT


def test_one_whose_answer_was_lost_waits_since_it_was_sent(
    upper: RunningMinistry, clock: TimeMachineFixture
) -> None:
    sync()
    clock.shift(3600)
    upper.break_down("lost", verbs=["ReportCameraStatus"])
    sync()
    waiting = backlog_by_interface(only_platform())[Interface.STATUS]
    assert (waiting.waiting > 0, waiting.oldest) == (True, NOON + timedelta(hours=1))


def test_what_a_deletion_with_a_lost_answer_took_along_is_told_again(
    cameras: Caller, upper: RunningMinistry
) -> None:
    sync()
    upper.break_down("lost", verbs=["VideoInformationDel"])
    cameras.post("VideoInformationDel", {"cameras": [number(1)]})
    sync()
    assert 1 not in told_statuses(upper)
    register(cameras, wire(1))
    upper.break_down("none")
    sync()
    sync()
    assert told_statuses(upper)[1] == camera(1).status


def test_an_offline_that_may_be_a_blip_is_not_told(upper: RunningMinistry) -> None:
    set_stream_presence(present=[camera(1).pk])
    sync()
    set_stream_presence(absent=[camera(1).pk])
    before = len(upper.calls())
    sync()
    assert len(upper.calls()) == before


def test_everything_is_told_again_in_every_clock_hour_spread_over_ten_minutes(
    upper: RunningMinistry, clock: TimeMachineFixture
) -> None:
    sync()
    clock.shift(54 * 60 + 59)
    sync()
    assert len(calls(upper, "ReportCameraStatus")) == 2
    clock.shift(1)
    sync()
    assert [call["count"] for call in calls(upper, "ReportCameraStatus")][2:] == [2]
    clock.shift(399)
    sync()
    assert len(calls(upper, "ReportCameraStatus")) == 3
    clock.shift(1)
    sync()
    assert [call["count"] for call in calls(upper, "ReportCameraStatus")][2:] == [2, 1]
    clock.shift(600)
    assert sync() == 0


def test_a_change_waits_for_no_spread(cameras: Caller, upper: RunningMinistry, clock: TimeMachineFixture) -> None:
    sync()
    clock.shift(55 * 60)
    sync()
    report_status(partner=cameras.partner, items=[StatusItem(number(3), OnlineStatus.FAULT)])
    sync()
    assert told_statuses(upper)[3] == OnlineStatus.FAULT


def test_what_an_outage_kept_from_its_ten_minutes_is_told_afterwards(
    upper: RunningMinistry, clock: TimeMachineFixture
) -> None:
    sync()
    clock.shift(55 * 60 + 700)
    sync()
    assert [call["count"] for call in calls(upper, "ReportCameraStatus")][2:] == [2, 1]


def test_no_status_before_the_registration_is_acknowledged(upper: RunningMinistry) -> None:
    upper.break_down("lost", verbs=["VideoInformation"])
    sync()
    assert not calls(upper, "ReportCameraStatus")
    upper.break_down("none")
    sync()
    assert told_statuses(upper) == {1: 0, 2: 0, 3: 0}


def test_no_status_while_a_modification_is_in_doubt(cameras: Caller, upper: RunningMinistry) -> None:
    sync()
    register(cameras, wire(1, department="齐鲁交通", roadSec="潍坊管理处"))
    upper.break_down("lost", verbs=["VideoInformation"])
    sync()
    # It may stand under either company there.
    assert delivery(1).is_in_doubt
    set_stream_presence(present=[camera(1).pk])
    sync()
    assert told_statuses(upper)[1] == 0
    upper.break_down("none")
    sync()
    assert told_statuses(upper)[1] == 1
    assert calls(upper, "ReportCameraStatus")[-1]["department"] == "齐鲁交通"


def test_a_refused_modification_does_not_hold_up_the_status(cameras: Caller, upper: RunningMinistry) -> None:
    sync()
    # The platform takes up to nine characters of road, the mock ministry only the usual five.
    register(cameras, wire(1, road="G2A5", department="齐鲁交通", roadSec="潍坊管理处"))
    sync()
    assert "road" in trouble(1).reason
    set_stream_presence(present=[camera(1).pk])
    sync()
    assert told_statuses(upper)[1] == 1
    assert calls(upper, "ReportCameraStatus")[-1]["department"] == "山东高速"


def test_a_deleted_camera_has_no_status_to_tell(
    cameras: Caller, upper: RunningMinistry, clock: TimeMachineFixture
) -> None:
    sync()
    cameras.post("VideoInformationDel", {"cameras": [number(3)]})
    upper.break_down("error500", verbs=["VideoInformationDel"])
    clock.shift(3600 + 600)
    sync()
    upper.break_down("none")
    clock.shift(2)
    sync()
    assert [call["department"] for call in calls(upper, "ReportCameraStatus")][2:] == ["山东高速"]


def test_a_camera_that_they_lost_is_registered_again(
    upper: RunningMinistry, platform: UpperPlatform, clock: TimeMachineFixture
) -> None:
    sync()
    # Somebody deleted it there without telling us.
    forget = {"cameras": [number(3)]}
    client_for(platform).call("VideoInformationDel", method="POST", body=forget)
    clock.shift(3600 + 600)
    sync()
    assert [(call["department"], call["code"]) for call in calls(upper, "ReportCameraStatus")][2:] == [
        ("山东高速", 200),
        ("齐鲁交通", 404),
        ("齐鲁交通", 200),
    ]
    assert sorted(held(upper)) == [1, 2, 3]
    assert told_statuses(upper) == {1: 0, 2: 0, 3: 0}


def test_what_they_acknowledged_lately_is_not_doubted_again(
    upper: RunningMinistry, platform: UpperPlatform, clock: TimeMachineFixture
) -> None:
    upper.break_down("unknown", verbs=["ReportCameraStatus"], seconds=36_000)
    sync()
    clock.shift(7200)
    sync()
    assert len(calls(upper, "VideoInformation")) == 1
    assert (trouble(1, Interface.STATUS).refusals, delivery(1).version) == (2, 1)
    assert "没有此接口" in trouble(1, Interface.STATUS).reason
