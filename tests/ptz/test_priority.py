"""Province above ministry: leases, and orders that come at the same moment (document 4.1 2.b, threats.md 16)."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest
from django.conf import LazySettings
from django.db import connection, transaction
from django.utils import timezone
from time_machine import TimeMachineFixture

from cameras.models import Camera
from ptz.choices import PtzLevel, PtzOutcome
from ptz.models import PtzLease, PtzOrder
from ptz.selectors import lease_of, recent_orders
from tests.cast import Caller
from tests.ptz.conftest import Operator
from tests.ptz.gateway_double import GatewayDouble, wait_until

pytestmark = pytest.mark.django_db

T = TypeVar("T")
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def order(ministry: Caller, camera: Camera) -> dict[str, object]:
    return ministry.get("PTZControl", cameraNum=camera.number, action=1)


def test_ministry_waits_until_the_lease_of_the_province_is_over(
    ministry: Caller, wang: Operator, dome: Camera, roadside: GatewayDouble, time_machine: TimeMachineFixture
) -> None:
    time_machine.move_to(NOON, tick=False)
    assert wang.move(dome).outcome == PtzOutcome.DONE
    time_machine.move_to(NOON + timedelta(seconds=29), tick=False)
    answer = order(ministry, dome)
    assert answer["code"] == 403
    assert answer["PTZControl"] == {
        "cameraName": dome.name,
        "status": 1,
        "message": "省级正在控制，12:00:30 以前部级不能控制",
        "cameraNum": dome.number,
    }
    assert [row.outcome for row in recent_orders(dome)] == [PtzOutcome.HELD, PtzOutcome.DONE]
    assert len(roadside.received) == 1
    time_machine.move_to(NOON + timedelta(seconds=31), tick=False)
    assert order(ministry, dome)["code"] == 200


def test_each_order_of_the_province_renews_its_lease(
    ministry: Caller, wang: Operator, dome: Camera, time_machine: TimeMachineFixture
) -> None:
    for seconds in (0, 20, 40):
        time_machine.move_to(NOON + timedelta(seconds=seconds), tick=False)
        wang.move(dome)
    time_machine.move_to(NOON + timedelta(seconds=69), tick=False)
    assert order(ministry, dome)["code"] == 403
    time_machine.move_to(NOON + timedelta(seconds=71), tick=False)
    assert order(ministry, dome)["code"] == 200


def test_refused_order_of_the_ministry_does_not_touch_the_lease(
    ministry: Caller, wang: Operator, dome: Camera, time_machine: TimeMachineFixture
) -> None:
    time_machine.move_to(NOON, tick=False)
    wang.move(dome)
    before = PtzLease.objects.values().get()
    time_machine.move_to(NOON + timedelta(seconds=10), tick=False)
    order(ministry, dome)
    assert PtzLease.objects.values().get() == before


def test_province_takes_control_at_once(ministry: Caller, wang: Operator, dome: Camera) -> None:
    assert order(ministry, dome)["code"] == 200
    lease = lease_of(dome)
    assert lease is not None
    assert (lease.level, lease.holder_name) == (PtzLevel.MINISTRY, "ministry")
    assert wang.move(dome).outcome == PtzOutcome.DONE
    lease = lease_of(dome)
    assert lease is not None
    assert (lease.level, lease.holder_name) == (PtzLevel.PROVINCE, "王工")
    assert 28 < lease.seconds_left <= 30
    assert order(ministry, dome)["code"] == 403


def test_lease_of_one_camera_does_not_hold_another(
    ministry: Caller, wang: Operator, dome: Camera, closed_dome: Camera
) -> None:
    assert wang.move(closed_dome).outcome == PtzOutcome.DONE
    assert order(ministry, dome)["code"] == 200


def test_nobody_holds_a_camera_after_the_lease(
    wang: Operator, dome: Camera, time_machine: TimeMachineFixture
) -> None:
    assert lease_of(dome) is None
    time_machine.move_to(NOON, tick=False)
    wang.move(dome)
    time_machine.move_to(NOON + timedelta(seconds=31), tick=False)
    assert lease_of(dome) is None


def test_ministry_cannot_stop_what_the_province_moves(
    ministry: Caller, wang: Operator, dome: Camera, roadside: GatewayDouble
) -> None:
    wang.move(dome)
    assert ministry.get("PTZControl", cameraNum=dome.number, action=0)["code"] == 403
    assert roadside.actions == [1]


def closing(call: Callable[[], T]) -> Callable[[], T]:
    """For a thread of its own, whose connection would otherwise outlive the test."""

    def run() -> T:
        try:
            return call()
        finally:
            connection.close()

    return run


@pytest.mark.django_db(transaction=True)
def test_two_who_order_at_the_same_moment_are_put_in_order(
    ministry: Caller, wang: Operator, dome: Camera, settings: LazySettings
) -> None:
    """Whoever is first, the ministry never comes through after the province."""
    settings.PTZ_MOVE_SECONDS = 60
    for _ in range(10):
        PtzOrder.objects.all().delete()
        PtzLease.objects.all().delete()
        together = threading.Barrier(2)

        def as_ministry(together: threading.Barrier = together) -> object:
            together.wait(10)
            return order(ministry, dome)["code"]

        def as_province(together: threading.Barrier = together) -> object:
            together.wait(10)
            return wang.move(dome).outcome

        with ThreadPoolExecutor(2) as pool:
            upper, own = pool.submit(closing(as_ministry)), pool.submit(closing(as_province))
        assert own.result() == PtzOutcome.DONE
        rows = list(PtzOrder.objects.order_by("id").values_list("level", "outcome"))
        assert len(rows) == 2
        if upper.result() == 200:
            assert rows == [(PtzLevel.MINISTRY, "done"), (PtzLevel.PROVINCE, "done")]
        else:
            assert (upper.result(), rows) == (403, [(PtzLevel.PROVINCE, "done"), (PtzLevel.MINISTRY, "held")])
        assert PtzLease.objects.get().level == PtzLevel.PROVINCE


def somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        (is_waiting,) = cursor.fetchone() or (False,)
    return bool(is_waiting)


@pytest.mark.django_db(transaction=True)
def test_order_that_comes_while_another_is_being_decided_waits_for_the_outcome(
    ministry: Caller, wang: Operator, dome: Camera
) -> None:
    """The province is just taking the camera; an order that had read the lease before would come through."""
    order(ministry, dome)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            lease = PtzLease.objects.select_for_update().get()
            late = pool.submit(closing(lambda: order(ministry, dome)))
            wait_until(somebody_waits_for_a_lock, "the ministry to queue")
            lease.level = PtzLevel.PROVINCE
            lease.held_until = timezone.now() + timedelta(seconds=30)
            lease.save()
        assert late.result()["code"] == 403


@pytest.mark.django_db(transaction=True)
def test_slow_gateway_holds_nobody_up(
    ministry: Caller, wang: Operator, dome: Camera, roadside: GatewayDouble
) -> None:
    """The lock is gone before the gateway is called: others are answered, and the order already has its row."""
    roadside.gates[2] = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(closing(lambda: ministry.get("PTZControl", cameraNum=dome.number, action=2)))
        wait_until(lambda: roadside.actions == [2], "the order of the ministry")
        (row,) = recent_orders(dome)
        assert (row.outcome, row.message) == (PtzOutcome.TIMED_OUT, "已下发，未收到网关答复")
        assert PtzLease.objects.get().stop_due_at is not None
        assert wang.move(dome).outcome == PtzOutcome.DONE
        assert order(ministry, dome)["code"] == 403
        assert not slow.done()
        roadside.gates[2].set()
        assert slow.result()["code"] == 200
    assert [row.outcome for row in recent_orders(dome)] == ["held", "done", "done"]
