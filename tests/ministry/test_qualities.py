"""Image quality goes out like the status: by department, after the registration, at once and every clock hour."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from time_machine import TimeMachineFixture

from ministry.choices import Interface
from ministry.models import UpperPlatform
from tests.cameras.ledger import number, register, wire
from tests.cast import Caller
from tests.ministry.upper import backlog, calls, delivery, sync, trouble
from tests.mock_ministry.running import RunningMinistry
from tests.quality.reports import BLURRED, GOOD, NOISY, report

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("platform", "cameras")]

NOON = datetime(2026, 11, 22, 4, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock(time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    return time_machine


def told(upper: RunningMinistry) -> dict[int, str]:
    return {int(num[-12:]): flags for num, flags in upper.state()["qualities"].items()}


def test_what_is_known_is_told_grouped_by_department(cameras: Caller, upper: RunningMinistry) -> None:
    report(cameras, (1, GOOD), (2, BLURRED + "1"), (3, NOISY), department=None)
    sync()
    assert told(upper) == {1: GOOD, 2: BLURRED, 3: NOISY}
    reports = calls(upper, "ReportCameraQuality")
    assert {(call["department"], call["count"]) for call in reports} == {("山东高速", 2), ("齐鲁交通", 1)}
    assert {call["code"] for call in reports} == {200}
    assert backlog() == 0


def test_of_a_camera_nobody_judged_nothing_is_told(upper: RunningMinistry) -> None:
    sync()
    assert not calls(upper, "ReportCameraQuality")
    assert delivery(1).quality is None


def test_a_change_is_told_alone_and_at_once(cameras: Caller, upper: RunningMinistry) -> None:
    report(cameras, (1, GOOD), (2, GOOD))
    sync()
    report(cameras, (1, GOOD), (2, NOISY))
    sync()
    assert told(upper) == {1: GOOD, 2: NOISY}
    assert [call["count"] for call in calls(upper, "ReportCameraQuality")] == [2, 1]
    assert (delivery(2).quality, delivery(2).quality_at) == (NOISY, NOON)


def test_everything_is_told_again_in_every_clock_hour(
    cameras: Caller, upper: RunningMinistry, clock: TimeMachineFixture
) -> None:
    report(cameras, (1, GOOD), (2, GOOD))
    sync()
    clock.shift(54 * 60 + 59)
    sync()
    assert len(calls(upper, "ReportCameraQuality")) == 1
    clock.shift(1)
    sync()
    sync()
    assert [call["count"] for call in calls(upper, "ReportCameraQuality")] == [2, 2]


def test_ten_digits_where_the_platform_wants_them(cameras: Caller, upper: RunningMinistry) -> None:
    UpperPlatform.objects.update(quality_digits=10)
    report(cameras, (1, BLURRED))
    sync()
    assert told(upper) == {1: BLURRED + "0"}


def test_nothing_before_the_registration_is_certain(cameras: Caller, upper: RunningMinistry) -> None:
    upper.break_down("lost", verbs=["VideoInformation"])
    report(cameras, (1, BLURRED))
    sync()
    assert not calls(upper, "ReportCameraQuality")
    upper.break_down("none")
    sync()
    assert told(upper) == {1: BLURRED}
    upper.break_down("lost", verbs=["VideoInformation"])
    register(cameras, wire(1, poiName="黄河大桥"))
    sync()
    report(cameras, (1, NOISY))
    sync()
    assert told(upper) == {1: BLURRED}


def test_a_lost_answer_is_repaired_by_the_next_look(cameras: Caller, upper: RunningMinistry) -> None:
    report(cameras, (1, BLURRED))
    upper.break_down("lost", verbs=["ReportCameraQuality"])
    sync()
    assert delivery(1).quality is None
    upper.break_down("none")
    sync()
    assert delivery(1).quality == BLURRED


def test_a_ministry_without_the_verb_holds_up_nothing(
    cameras: Caller, upper: RunningMinistry, clock: TimeMachineFixture
) -> None:
    report(cameras, (1, BLURRED))
    upper.break_down("unknown", verbs=["ReportCameraQuality"], seconds=3600)
    sync()
    sync()
    assert len(calls(upper, "ReportCameraQuality")) == 1
    assert (delivery(1).status, delivery(1).quality) == (0, None)
    assert "没有此接口" in trouble(1, Interface.QUALITY).reason
    assert UpperPlatform.objects.get().failures == 0
    upper.break_down("none")
    clock.shift(300)
    sync()
    assert delivery(1).quality == BLURRED


def test_a_deleted_camera_is_not_told(cameras: Caller, upper: RunningMinistry) -> None:
    sync()
    report(cameras, (1, BLURRED))
    cameras.post("VideoInformationDel", {"cameras": [number(1)]})
    sync()
    assert told(upper) == {}


def test_queries_do_not_grow_with_the_batch(cameras: Caller) -> None:
    counts = []
    for first, size in ((100, 3), (200, 30)):
        register(cameras, *[wire(n) for n in range(first, first + size)])
        sync()
        report(cameras, *[(n, BLURRED) for n in range(first, first + size)])
        with CaptureQueriesContext(connection) as queries:
            sync()
        counts.append(len(queries))
    assert counts[0] == counts[1]
