"""Every movement stops by itself, whatever happens to the process that began it (protocol.md section 4)."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import connection
from django.utils import timezone

from access.choices import Severity
from access.locks import Work
from access.models import Alarm, Organisation
from cameras.choices import PtzStop
from cameras.models import Camera, Gateway
from protocol.codes import PtzAction
from ptz.choices import PtzOutcome
from ptz.models import PtzLease, PtzOrder
from ptz.services import stop_due_movements, stopping
from ptz.tasks import stop_overdue
from tests.cast import Caller
from tests.ptz.conftest import Operator
from tests.ptz.gateway_double import GatewayDouble, wait_until
from tests.ptz.ledger import make_camera, make_gateway
from tests.ptz.test_priority import closing

# Timers work on connections of their own and see committed rows only.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def no_timers(roadside: GatewayDouble, settings: LazySettings) -> None:
    """As if the process had died right after its order: what it began is long due, and nobody wakes up."""
    settings.PTZ_MOVE_SECONDS = 60


@pytest.fixture
def elsewhere(other_company: Organisation, other_gateway: Caller, roadside: GatewayDouble) -> Camera:
    """Of another gateway."""
    return make_camera(other_company, 3, make_gateway(other_gateway.partner, roadside.base_url))


def die_before_stopping() -> None:
    stopping.cancel_timers()
    PtzLease.objects.exclude(stop_due_at=None).update(stop_due_at=timezone.now() - timedelta(seconds=2))


def is_still() -> bool:
    lease = PtzLease.objects.get()
    return lease.stop_due_at is None and not lease.is_head_moving and not lease.is_lens_moving


def is_nothing_due() -> bool:
    return not PtzLease.objects.exclude(stop_due_at=None).exists()


def wait_until_still() -> None:
    wait_until(is_still, "the camera to stand still")


def test_movement_stops_by_itself_once(wang: Operator, dome: Camera, roadside: GatewayDouble) -> None:
    assert wang.move(dome, PtzAction.RIGHT, 5).outcome == PtzOutcome.DONE
    roadside.wait_for(2, 0)
    wait_until_still()
    assert roadside.actions == [2, 0]
    assert roadside.received[1].at - roadside.received[0].at >= 0.05
    assert PtzOrder.objects.count() == 1


def test_each_order_renews_the_movement(
    wang: Operator, dome: Camera, roadside: GatewayDouble, settings: LazySettings
) -> None:
    # Longer than a busy machine takes for an order.
    settings.PTZ_MOVE_SECONDS = 2
    for _ in range(3):
        wang.move(dome)
    wait_until_still()
    assert roadside.actions == [1, 1, 1, 0]
    assert roadside.received[3].at - roadside.received[2].at >= 2


def test_another_process_renews_the_movement(
    wang: Operator, dome: Camera, roadside: GatewayDouble, no_timers: None
) -> None:
    """The timer of the first order wakes up and finds that the row says otherwise."""
    wang.move(dome)
    later = timezone.now() + timedelta(seconds=60)
    PtzLease.objects.update(stop_due_at=later)
    stopping._wake(dome.pk)
    assert roadside.actions == [1]
    assert PtzLease.objects.get().stop_due_at == later


@pytest.mark.parametrize(
    ("action", "stops"),
    [
        (PtzAction.ZOOM_IN, [0]),
        (PtzAction.FOCUS_NEAR, [13]),
        (PtzAction.IRIS_OPEN, [13]),
        (PtzAction.LIGHT_ON, []),
        (PtzAction.HOME, []),
    ],
)
def test_each_kind_of_movement_has_its_stop(
    wang: Operator,
    dome: Camera,
    roadside: GatewayDouble,
    action: PtzAction,
    stops: list[int],
    no_timers: None,
) -> None:
    wang.move(dome, action)
    die_before_stopping()
    stop_due_movements()
    assert roadside.actions == [action, *stops]
    assert is_still()


def test_head_and_lens_moving_together_are_both_stopped(
    wang: Operator, dome: Camera, roadside: GatewayDouble, no_timers: None
) -> None:
    wang.move(dome, PtzAction.LEFT)
    wang.move(dome, PtzAction.IRIS_OPEN)
    die_before_stopping()
    stop_due_movements()
    assert roadside.actions == [1, 10, 0, 13]


def test_client_stops_at_once(wang: Operator, dome: Camera, roadside: GatewayDouble, no_timers: None) -> None:
    wang.move(dome)
    result = wang.move(dome, PtzAction.STOP)
    assert (result.outcome, result.message) == (PtzOutcome.DONE, "云台停止成功")
    assert roadside.actions == [1, 0]
    assert is_still()
    die_before_stopping()
    assert stop_due_movements() == 0


def test_stop_of_the_head_leaves_the_lens_to_its_own_stop(
    wang: Operator, dome: Camera, roadside: GatewayDouble, no_timers: None
) -> None:
    wang.move(dome, PtzAction.IRIS_OPEN)
    wang.move(dome, PtzAction.LEFT)
    wang.move(dome, PtzAction.STOP)
    die_before_stopping()
    stop_due_movements()
    assert roadside.actions == [10, 1, 0, 13]


def test_sweep_stops_what_a_died_process_began(
    wang: Operator, dome: Camera, roadside: GatewayDouble, no_timers: None
) -> None:
    wang.move(dome)
    stopping.cancel_timers()
    stop_overdue()
    assert roadside.actions == [1]
    die_before_stopping()
    stop_overdue()
    assert roadside.actions == [1, 0]
    assert is_still()


def test_sweep_stops_a_movement_whose_process_died_waiting_for_the_gateway(
    wang: Operator, dome: Camera, roadside: GatewayDouble, no_timers: None
) -> None:
    roadside.gates[1] = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(closing(lambda: wang.move(dome)))
        wait_until(lambda: roadside.actions == [1], "the order")
        die_before_stopping()
        stop_due_movements()
        assert roadside.actions == [1, 0]
        roadside.gates[1].set()
        waiting.result()
    # It was answered after the stop, so it may move again: a stop is due once more.
    assert not is_still()


def test_stop_is_claimed_by_one_of_many_sweeps(
    wang: Operator, dome: Camera, roadside: GatewayDouble, no_timers: None
) -> None:
    wang.move(dome)
    die_before_stopping()
    with ThreadPoolExecutor(6) as pool:
        tried = [pool.submit(closing(stop_due_movements)) for _ in range(6)]
    assert sum(future.result() for future in tried) == 1
    assert roadside.actions == [1, 0]


def test_attempt_under_way_is_nobody_elses(
    wang: Operator, dome: Camera, roadside: GatewayDouble, monkeypatch: pytest.MonkeyPatch, no_timers: None
) -> None:
    """The gateway takes longer to answer than lies between two attempts."""
    monkeypatch.setattr(stopping, "RETRY_SECONDS", 0)
    roadside.gates[0] = threading.Event()
    wang.move(dome)
    die_before_stopping()
    with ThreadPoolExecutor(1) as pool:
        sweep = pool.submit(closing(stop_due_movements))
        wait_until(lambda: roadside.actions == [1, 0], "the stop")
        stopping._wake(dome.pk)
        roadside.gates[0].set()
        assert sweep.result() == 1
    assert roadside.actions == [1, 0]
    assert is_still()


def test_silent_gateway_costs_a_sweep_one_attempt(
    wang: Operator,
    dome: Camera,
    closed_dome: Camera,
    elsewhere: Camera,
    roadside: GatewayDouble,
    no_timers: None,
) -> None:
    for camera in (dome, closed_dome, elsewhere):
        wang.move(camera)
    die_before_stopping()
    Gateway.objects.filter(cameras=dome).update(base_url="http://127.0.0.1:1")
    assert stop_due_movements() == 2
    assert PtzLease.objects.get(camera=elsewhere).stop_due_at is None
    tried = PtzLease.objects.filter(camera__in=[dome, closed_dome]).values_list("stop_attempts", flat=True)
    assert sorted(tried) == [0, 1]
    # The next sweep goes on with the camera that has waited longest.
    Gateway.objects.update(base_url=roadside.base_url)
    die_before_stopping()
    assert stop_due_movements() == 2
    assert is_nothing_due()


def test_sweep_ends_in_time_and_leaves_the_rest_to_the_next(
    wang: Operator,
    dome: Camera,
    elsewhere: Camera,
    roadside: GatewayDouble,
    monkeypatch: pytest.MonkeyPatch,
    no_timers: None,
) -> None:
    wang.move(dome)
    wang.move(elsewhere)
    die_before_stopping()
    monkeypatch.setattr(stopping, "SWEEP_SECONDS", 0.2)
    monkeypatch.setattr(stopping, "STOP_TIMEOUT_SECONDS", 0.3)
    roadside.gates[0] = threading.Event()
    assert stop_due_movements() == 1
    roadside.gates[0].set()
    assert stop_due_movements() == 1


def test_one_sweep_at_a_time(wang: Operator, dome: Camera, roadside: GatewayDouble, no_timers: None) -> None:
    wang.move(dome)
    die_before_stopping()
    with connection.cursor() as cursor, ThreadPoolExecutor(1) as pool:
        cursor.execute("SELECT pg_advisory_lock(%s)", [Work.PTZ_STOPS])
        assert pool.submit(closing(stop_due_movements)).result() == 0
        cursor.execute("SELECT pg_advisory_unlock(%s)", [Work.PTZ_STOPS])
    assert stop_due_movements() == 1
    assert roadside.actions == [1, 0]


def test_movement_that_nobody_confirmed_is_stopped_as_well(
    wang: Operator, dome: Camera, roadside: GatewayDouble
) -> None:
    roadside.answers[1] = None
    assert wang.move(dome).outcome == PtzOutcome.TIMED_OUT
    roadside.wait_for(1, 0)
    wait_until_still()


def test_refused_movement_needs_no_stop(
    wang: Operator, dome: Camera, roadside: GatewayDouble, no_timers: None
) -> None:
    roadside.answers[1] = (500, "故障")
    wang.move(dome)
    assert is_still()
    assert roadside.actions == [1]


def test_refused_movement_does_not_cancel_the_stop_of_the_one_before(
    wang: Operator, dome: Camera, roadside: GatewayDouble, no_timers: None
) -> None:
    roadside.answers[2] = (500, "故障")
    wang.move(dome, PtzAction.LEFT)
    wang.move(dome, PtzAction.RIGHT)
    die_before_stopping()
    stop_due_movements()
    assert roadside.actions == [1, 2, 0]


def test_stop_that_fails_is_tried_five_times_then_an_alarm_is_raised(
    wang: Operator, dome: Camera, roadside: GatewayDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "RETRY_SECONDS", 0.05)
    roadside.answers[0] = (500, "故障")
    wang.move(dome)
    wait_until_still()
    assert roadside.actions == [1, 0, 0, 0, 0, 0]
    alarm = Alarm.objects.get()
    assert (alarm.title, alarm.organisation_id, alarm.closed_at) == (
        "云台停止失败",
        dome.organisation_id,
        None,
    )
    assert alarm.camera_id == dome.pk
    roadside.answers.clear()
    wang.move(dome)
    wait_until(lambda: not Alarm.objects.filter(closed_at=None).exists(), "the alarm to close")


def test_stop_is_not_tried_after_ten_seconds(
    wang: Operator, dome: Camera, roadside: GatewayDouble, no_timers: None
) -> None:
    wang.move(dome)
    stopping.cancel_timers()
    now = timezone.now()
    PtzLease.objects.update(stop_due_at=now - timedelta(seconds=11), stop_until=now - timedelta(seconds=1))
    stop_due_movements()
    assert roadside.actions == [1]
    assert is_still()
    assert Alarm.objects.get().title == "云台停止失败"


def test_stop_of_a_client_that_fails_is_repeated(
    wang: Operator, dome: Camera, roadside: GatewayDouble, monkeypatch: pytest.MonkeyPatch, no_timers: None
) -> None:
    monkeypatch.setattr(stopping, "RETRY_SECONDS", 0.05)
    wang.move(dome)
    roadside.answers[0] = None
    assert wang.move(dome, PtzAction.STOP).outcome == PtzOutcome.TIMED_OUT
    wait_until(lambda: roadside.actions[:3] == [1, 0, 0], "the repeated stop")
    roadside.answers.clear()
    wait_until_still()


def test_gateway_that_does_not_know_stop_is_not_asked_again(
    wang: Operator, dome: Camera, gateway: Gateway, roadside: GatewayDouble
) -> None:
    """The document's own gateway: it takes each order as one step."""
    roadside.answers[0] = (400, "action 应为 1 至 12")
    wang.move(dome)
    wait_until_still()
    gateway.refresh_from_db()
    assert gateway.ptz_stop == PtzStop.NONE
    alarm = Alarm.objects.get()
    assert (alarm.title, alarm.severity) == ("网关不支持云台停止指令", Severity.NOTICE)
    wang.move(dome)
    assert PtzLease.objects.get().stop_due_at is None
    result = wang.move(dome, PtzAction.STOP)
    assert result.outcome == PtzOutcome.DONE
    assert roadside.actions == [1, 0, 1]


def test_stop_of_a_client_finds_out_too_that_the_gateway_has_none(
    wang: Operator, dome: Camera, gateway: Gateway, roadside: GatewayDouble, no_timers: None
) -> None:
    roadside.answers[0] = (400, "action 应为 1 至 12")
    wang.move(dome)
    assert wang.move(dome, PtzAction.STOP).outcome == PtzOutcome.DONE
    gateway.refresh_from_db()
    assert gateway.ptz_stop == PtzStop.NONE
    assert is_still()


def test_gateway_without_a_stop_of_the_lens_gets_the_common_one(
    wang: Operator, dome: Camera, gateway: Gateway, roadside: GatewayDouble, no_timers: None
) -> None:
    roadside.answers[13] = (400, "action 应为 0 至 12")
    wang.move(dome, PtzAction.IRIS_CLOSE)
    die_before_stopping()
    stop_due_movements()
    assert roadside.actions == [9, 13, 0]
    gateway.refresh_from_db()
    assert gateway.ptz_stop == PtzStop.ACTION_0


def test_movements_of_two_cameras_stop_each_by_itself(
    wang: Operator, dome: Camera, closed_dome: Camera, roadside: GatewayDouble, office: Organisation
) -> None:
    wang.move(dome)
    wang.move(closed_dome)
    wait_until(lambda: sorted(roadside.actions) == [0, 0, 1, 1], "two stops")
    stopped = {order.camera_num for order in roadside.received if order.action == 0}
    assert stopped == {dome.number, closed_dome.number}
    wait_until(is_nothing_due, "both to be settled")
