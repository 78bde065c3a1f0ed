"""Staff let what was parked be tried again, and end the waits of the breakers."""

from datetime import UTC, datetime, timedelta

import pytest
from time_machine import TimeMachineFixture

from access.actors import Actor
from access.choices import ActorKind
from access.models import BehaviourLog
from ministry.choices import Interface
from ministry.models import AnalysisDelivery, CameraDelivery, DeliveryTrouble, InterfaceState, UpperPlatform
from ministry.services.health import is_probing
from ministry.services.parking import retry_now, retry_parked
from ministry.services.sync import sync_platform
from ministry.services.troubles import REFUSALS_TO_PARK
from tests.cameras.ledger import number
from tests.cast import Caller
from tests.ministry.upper import answering, only_platform, sync, trouble
from tests.protocol.peer import Peer, reply

pytestmark = [pytest.mark.django_db]

NOON = datetime(2026, 11, 22, 4, 5, tzinfo=UTC)
STAFF = Actor(ActorKind.STAFF, 7, "李工")


@pytest.fixture(autouse=True)
def clock(time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    return time_machine


def refuse(odd: Peer, *, but: int) -> None:
    """Of registrations it takes only that camera."""
    odd.respond = answering(
        lambda nums: [
            {"cameraNum": num, "status": 0 if num == number(but) else 1, "info": "桩号超出"} for num in nums
        ]
    )


@pytest.fixture
def parked(odd: Peer) -> Peer:
    """Cameras 1 and 2 were refused five times."""
    refuse(odd, but=3)
    for _ in range(REFUSALS_TO_PARK):
        DeliveryTrouble.objects.update(retry_at=NOON)
        sync()
    assert DeliveryTrouble.objects.exclude(parked_at=None).count() == 2
    return odd


def run() -> int:
    CameraDelivery.objects.update(claimed_until=None)
    return sync_platform(platform=only_platform())


def park_event(n: int = 1) -> AnalysisDelivery:
    rows = AnalysisDelivery.objects.filter(camera__number=number(n))
    rows.update(parked_at=NOON, attempts=5, strikes=9, retry_at=NOON + timedelta(hours=1), last_error="坏")
    return rows.get()


def test_what_was_parked_is_tried_at_once_and_five_times(parked: Peer, clock: TimeMachineFixture) -> None:
    assert run() == 0
    assert retry_parked(platform=only_platform(), actor=STAFF) == 2
    assert (trouble(1).parked_at, trouble(1).refusals, trouble(1).attempts) == (None, 0, 0)
    for tried in range(1, REFUSALS_TO_PARK + 1):
        DeliveryTrouble.objects.update(retry_at=NOON)
        assert run() == 1
        assert (trouble(1).refusals, trouble(1).parked_at is not None) == (tried, tried == REFUSALS_TO_PARK)


def test_what_is_taken_now_is_parked_no_more(parked: Peer) -> None:
    retry_parked(platform=only_platform(), actor=STAFF)
    refuse(parked, but=1)
    run()
    assert DeliveryTrouble.objects.get() == trouble(2)


def test_of_one_interface_only(parked: Peer, cameras: Caller) -> None:
    assert cameras.post("ReportAnalyse", [{"cameraNum": number(1), "data": "{}"}])["code"] == 200
    park_event()
    assert retry_parked(platform=only_platform(), actor=STAFF, interface=Interface.STATUS) == 0
    assert retry_parked(platform=only_platform(), actor=STAFF, interface=Interface.ANALYSE) == 1
    assert trouble(1).parked_at is not None
    event = AnalysisDelivery.objects.get()
    # It still travels alone, so that it holds up no others.
    assert (event.parked_at, event.retry_at, event.attempts, event.strikes) == (None, None, 0, 9)
    park_event()
    assert retry_parked(platform=only_platform(), actor=STAFF, interface=Interface.REGISTER) == 2
    assert AnalysisDelivery.objects.get().parked_at is not None


def test_another_platform_is_left_alone(parked: Peer) -> None:
    other = only_platform()
    other.pk, other.name = None, "部级平台"
    other.save()
    assert retry_parked(platform=other, actor=STAFF) == 0
    assert trouble(1).parked_at is not None


def test_both_are_in_the_behaviour_log(parked: Peer) -> None:
    retry_parked(platform=only_platform(), actor=STAFF, interface=Interface.REGISTER)
    retry_parked(platform=only_platform(), actor=STAFF)
    retry_now(platform=only_platform(), actor=STAFF)
    rows = BehaviourLog.objects.filter(actor_name="李工").order_by("pk").values_list("verb", "detail")
    assert list(rows) == [
        ("重试搁置的上报", {"接口": "登记与修改", "项数": 2}),
        ("立即重试上报", {}),
    ]


def test_the_waits_of_the_breakers_end(odd: Peer) -> None:
    odd.respond = lambda _: reply(400)
    UpperPlatform.objects.update(failures=9, retry_at=NOON + timedelta(minutes=1))
    InterfaceState.objects.create(
        platform=only_platform(),
        interface=Interface.REGISTER,
        failures=9,
        retry_at=NOON + timedelta(minutes=5),
    )
    assert run() == 0
    retry_now(platform=only_platform(), actor=STAFF)
    assert is_probing(only_platform().failures)
    assert run() > 0
    assert len(odd.of("VideoInformation")) > 0
