"""What the people who look after an upper platform read of it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from time_machine import TimeMachineFixture

from ministry.choices import DifferenceKind, Interface
from ministry.models import (
    AnalysisDelivery,
    CameraDelivery,
    DeliveryCall,
    DeliveryTrouble,
    InterfaceState,
    LedgerCheck,
    LedgerDifference,
    UpperPlatform,
)
from ministry.selectors import backlog_by_interface
from ministry.selectors.overview import (
    HourlyState,
    differences_of,
    hourly_state,
    interface_overview,
    newest_check,
    next_hourly_report,
    parked_items,
    recent_calls,
    token_expires_at,
)
from ministry.services import calls
from tests.cameras.ledger import camera, number
from tests.cast import Caller
from tests.ministry.upper import answering, delivery, only_platform, sync
from tests.protocol.peer import Peer

pytestmark = [pytest.mark.django_db]

NOON = datetime(2026, 11, 22, 4, 5, tzinfo=UTC)
HOUR = datetime(2026, 11, 22, 4, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock(time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    return time_machine


@pytest.fixture
def platform(odd: Peer) -> UpperPlatform:
    odd.respond = answering(
        lambda nums: [{"cameraNum": num, "status": int(num == number(2)), "info": "桩号超出"} for num in nums]
    )
    return only_platform()


def log(days_ago: float, *, code: int | None = 200, interface: Interface = Interface.STATUS) -> DeliveryCall:
    at = NOON - timedelta(days=days_ago)
    calls.ensure_partition(at.date())
    calls.ensure_partition(at.date() + timedelta(days=1))
    return DeliveryCall.objects.create(
        platform=only_platform(), at=at, interface=interface, verb="X", code=code, duration_ms=5
    )


def park(n: int, interface: Interface, **changes: object) -> DeliveryTrouble:
    fields = {"reason": "坏", "since": NOON, "retry_at": NOON, "parked_at": NOON, "attempts": 5, **changes}
    return DeliveryTrouble.objects.create(delivery=delivery(n), interface=interface, **fields)


class TestInterfaces:
    def test_each_of_the_five_with_what_waits_there(self, platform: UpperPlatform) -> None:
        sync()
        register, delete, status, quality, analyse = interface_overview(platform, backlog_by_interface(platform))
        assert register.interface == Interface.REGISTER
        assert (register.waiting, register.hourly, register.parked) == (1, 0, 0)
        assert register.oldest == camera(2).version_at
        assert (register.last_success_at, register.failures, register.retry_at) == (NOON, 0, None)
        assert (delete.last_success_at, delete.waiting, delete.last_error) == (None, 0, "")
        assert (status.interface, status.last_success_at) == (Interface.STATUS, NOON)
        assert (quality.interface, analyse.interface) == (Interface.QUALITY, Interface.ANALYSE)

    def test_its_breaker_and_what_is_parked(self, platform: UpperPlatform) -> None:
        sync()
        later = NOON + timedelta(minutes=5)
        InterfaceState.objects.filter(interface=Interface.REGISTER).update(
            failures=7, retry_at=later, last_failure_at=NOON, last_error="答复 400"
        )
        DeliveryTrouble.objects.update(parked_at=NOON)
        register = interface_overview(platform, backlog_by_interface(platform))[0]
        assert (register.failures, register.retry_at, register.last_failure_at) == (7, later, NOON)
        assert (register.last_error, register.parked, register.oldest) == ("答复 400", 1, None)


class TestCalls:
    def test_the_newest_first_over_the_days(self, platform: UpperPlatform) -> None:
        rows = [log(days) for days in (3, 0, 1, 0.1)]
        expected = [rows[1], rows[3], rows[2], rows[0]]
        assert recent_calls(platform) == expected
        assert recent_calls(platform, limit=3) == expected[:3]

    def test_failures_and_interfaces_alone(self, platform: UpperPlatform) -> None:
        log(0)
        lost = log(1, code=None, interface=Interface.REGISTER)
        refused = log(2, code=500)
        assert recent_calls(platform, only_failures=True) == [lost, refused]
        assert recent_calls(platform, interface=Interface.REGISTER) == [lost]
        assert recent_calls(platform, interface=Interface.STATUS, only_failures=True) == [refused]

    def test_of_this_platform_alone(self, platform: UpperPlatform) -> None:
        log(0)
        platform.pk += 1
        assert recent_calls(platform) == []

    def test_no_day_is_read_in_vain(self, platform: UpperPlatform) -> None:
        """Neither days before those that were enough, nor more than seven when nothing is found."""
        for days in (0, 1, 8):
            log(days, code=500)
        for limit, most in ((1, 1), (2, 2), (50, 7)):
            with CaptureQueriesContext(connection) as queries:
                assert len(recent_calls(platform, only_failures=True, limit=limit)) == min(limit, 2)
            assert len(queries) == most


class TestParked:
    def test_states_and_events_the_newest_first(self, platform: UpperPlatform, cameras: Caller) -> None:
        sync()
        assert cameras.post("ReportAnalyse", [{"cameraNum": number(3), "data": "{}"}])["code"] == 200
        DeliveryTrouble.objects.all().delete()
        park(2, Interface.REGISTER, parked_at=NOON - timedelta(hours=2), reason="桩号超出")
        CameraDelivery.objects.filter(camera=camera(1)).update(status=2)
        park(1, Interface.STATUS, parked_at=NOON - timedelta(hours=1))
        later = NOON + timedelta(hours=1)
        AnalysisDelivery.objects.update(parked_at=NOON, last_error="过长", attempts=4, retry_at=later)
        items = parked_items(platform, 10)
        assert [(item.camera, item.interface, item.reason) for item in items] == [
            (camera(3), Interface.ANALYSE, "过长"),
            (camera(1), Interface.STATUS, "坏"),
            (camera(2), Interface.REGISTER, "桩号超出"),
        ]
        assert [item.department for item in items] == ["齐鲁交通", "山东高速", "山东高速"]
        assert [item.attempts for item in items] == [4, 5, 5]
        assert (items[0].since, items[0].retry_at, items[1].since, items[1].retry_at) == (
            *(NOON, later),
            *(NOON, NOON),
        )
        assert parked_items(platform, 1) == items[:1]

    def test_what_is_no_longer_owed_is_not_among_them(self, platform: UpperPlatform) -> None:
        sync()
        DeliveryTrouble.objects.all().delete()
        park(1, Interface.STATUS)
        assert parked_items(platform, 10) == []

    def test_three_cost_as_much_as_one(self, platform: UpperPlatform) -> None:
        sync()
        DeliveryTrouble.objects.all().delete()
        CameraDelivery.objects.update(version=0)
        counts = []
        assert platform.organisation.name
        for wanted in ([1], [2, 3]):
            for n in wanted:
                park(n, Interface.REGISTER)
            with CaptureQueriesContext(connection) as queries:
                names = [item.camera.organisation.parent for item in parked_items(platform, 10)]
            counts.append((len(names), len(queries)))
        assert counts[0][1] == counts[1][1]
        assert [count for count, _ in counts] == [1, 3]


class TestHours:
    def test_how_much_was_told_in_this_one(self, platform: UpperPlatform, clock: TimeMachineFixture) -> None:
        sync()
        assert hourly_state(platform) == [
            HourlyState(Interface.STATUS, done=2, total=2),
            HourlyState(Interface.QUALITY, done=0, total=0),
        ]
        assert next_hourly_report(hourly_state(platform), NOON) == HOUR + timedelta(hours=1)

    def test_the_next_is_due_when_its_turn_comes(
        self, platform: UpperPlatform, clock: TimeMachineFixture
    ) -> None:
        sync()
        begun = HOUR + timedelta(hours=1, seconds=1)
        clock.move_to(begun, tick=False)
        assert next_hourly_report(hourly_state(platform), begun) == begun
        CameraDelivery.objects.filter(camera=camera(1)).update(status_at=begun)
        assert hourly_state(platform)[0] == HourlyState(Interface.STATUS, done=1, total=2)
        # One of two, over ten minutes.
        assert next_hourly_report(hourly_state(platform), begun) == HOUR + timedelta(hours=1, minutes=5)


def test_the_newest_check_and_what_it_found(platform: UpperPlatform) -> None:
    assert newest_check(platform) is None
    older, newer = (
        LedgerCheck.objects.create(platform=platform, began_at=at, ended_at=at)
        for at in (NOON, NOON + timedelta(hours=1))
    )
    assert newest_check(platform) == newer
    for check, kind, n in ((newer, DifferenceKind.STATUS, 2), (newer, DifferenceKind.MISSING, 1), (older, 1, 3)):
        LedgerDifference.objects.create(ledger_check=check, kind=kind, number=number(n), camera=camera(n))
    assert [row.camera for row in differences_of(newer)] == [camera(1), camera(2)]
    assert [row.camera for row in differences_of(newer, DifferenceKind.STATUS)] == [camera(2)]


def test_a_token_lives_two_hours(platform: UpperPlatform) -> None:
    assert token_expires_at(platform) is None
    platform.token_at = NOON
    assert token_expires_at(platform) == NOON + timedelta(hours=2)
