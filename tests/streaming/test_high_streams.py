"""High streams: begun when first asked for, finished after the last viewer left, never cut while watched."""

import threading
from datetime import UTC, datetime

import pytest
from django.conf import LazySettings
from django.db import connection
from time_machine import TimeMachineFixture

from cameras.models import Camera, Gateway
from streaming.choices import PushState, VideoType
from streaming.models import MediaServer
from streaming.services.orders import gateways_with_due_orders, give_due_orders, give_order
from streaming.services.presence import reconcile
from streaming.services.pushes import plan_low_streams, release_idle_high_streams, want_high_stream
from streaming.services.viewings import Viewer, viewer_came
from tests.cameras.ledger import camera, number
from tests.cast import Caller
from tests.protocol.peer import Reply, Request, reply
from tests.streaming.roadside import GatewayDouble, MediaDouble, hook, session, stream

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
HIGH = VideoType.HIGH


@pytest.fixture(autouse=True)
def clock(settings: LazySettings, time_machine: TimeMachineFixture) -> TimeMachineFixture:
    settings.HIGH_STREAM_IDLE_SECONDS, settings.PUSH_ORDERS_PER_SECOND = 20, 1000
    time_machine.move_to(NOON, tick=False)
    return time_machine


def ask(n: int = 1) -> bool:
    """Somebody asks; True when an order was given for it."""
    found = Camera.objects.select_related("gateway__partner").get(number_key=number(n))
    wanted = want_high_stream(camera=found)
    return wanted is not None and give_order(session_id=wanted.pk)


def keep() -> None:
    """What the worker does every two seconds, low streams aside."""
    release_idle_high_streams()
    for gateway_id in gateways_with_due_orders():
        give_due_orders(gateway_id=gateway_id)


def test_it_is_begun_when_first_asked_for_and_once(gateway: Gateway, roadside: GatewayDouble) -> None:
    assert not roadside.orders()
    assert ask()
    assert not ask()
    hook("publish", 1, HIGH)
    assert not ask()
    keep()
    assert roadside.orders() == [(1, 1)]


def test_it_goes_before_waiting_low_streams(gateway: Gateway, roadside: GatewayDouble) -> None:
    plan_low_streams()
    want_high_stream(camera=camera(3))
    keep()
    assert roadside.orders() == [(3, 1), (1, 0), (2, 0), (3, 0)]


def test_it_is_finished_when_nobody_came(
    gateway: Gateway, roadside: GatewayDouble, clock: TimeMachineFixture
) -> None:
    ask()
    hook("publish", 1, HIGH)
    clock.shift(20)
    keep()
    assert not roadside.finished
    clock.shift(1)
    keep()
    assert roadside.finished == [(1, 1)]
    assert (session(1, HIGH).state, session(1, HIGH).is_wanted) == (PushState.IDLE, False)
    keep()
    assert len(roadside.finished) == 1


def test_it_is_finished_some_time_after_the_last_viewer_left(
    gateway: Gateway, roadside: GatewayDouble, media: MediaDouble, clock: TimeMachineFixture
) -> None:
    ask()
    hook("publish", 1, HIGH)
    media.show(1, HIGH, viewers=1)
    hook("play", 1, HIGH)
    clock.shift(300)
    keep()
    assert not roadside.finished
    clock.shift(10)
    media.show(1, HIGH, viewers=0)
    hook("stop", 1, HIGH)
    clock.shift(20)
    keep()
    assert not roadside.finished
    clock.shift(1)
    keep()
    assert roadside.finished == [(1, 1)]


def test_a_watched_one_is_not_cut_when_every_hook_was_lost(
    gateway: Gateway, roadside: GatewayDouble, media: MediaDouble, clock: TimeMachineFixture
) -> None:
    ask()
    media.show(1, HIGH, viewers=2)
    hook("publish", 1, HIGH)
    for _ in range(5):
        clock.shift(60)
        keep()
    assert not roadside.finished
    assert session(1, HIGH).is_wanted


def test_one_that_is_watched_unlisted_is_not_cut(
    gateway: Gateway, roadside: GatewayDouble, server: MediaServer, media: MediaDouble, clock: TimeMachineFixture
) -> None:
    """SRS does not count who watches by HLS."""
    ask()
    media.show(1, HIGH, viewers=0)
    hook("publish", 1, HIGH)
    viewer = Viewer("0", "session", protocol="hls", is_session=True)
    viewer_came(server=server, stream=stream(1, HIGH), viewer=viewer)
    clock.shift(25)
    keep()
    assert not roadside.finished
    assert session(1, HIGH).is_wanted
    clock.shift(25)
    keep()
    assert roadside.finished == [(1, 1)]


def test_of_one_to_be_finished_only_its_own_row_is_asked_for(
    gateway: Gateway, roadside: GatewayDouble, media: MediaDouble, clock: TimeMachineFixture
) -> None:
    ask()
    media.show(1, HIGH, viewers=1)
    media.show(2, HIGH, viewers=1)
    hook("publish", 1, HIGH)
    clock.shift(60)
    keep()
    (asked,) = media.peer.requests
    assert asked.query == {"app": "live", "stream": stream(1, HIGH)}


def test_the_list_of_the_server_keeps_a_watched_one_needed(
    gateway: Gateway, server: MediaServer, media: MediaDouble, clock: TimeMachineFixture
) -> None:
    ask()
    hook("publish", 1, HIGH)
    media.show(1, HIGH, viewers=1)
    clock.shift(19)
    reconcile(server=server)
    clock.shift(19)
    assert release_idle_high_streams() == 0
    clock.shift(2)
    assert release_idle_high_streams() == 1


def test_while_the_server_is_silent_nothing_is_cut(
    gateway: Gateway, roadside: GatewayDouble, media: MediaDouble, clock: TimeMachineFixture
) -> None:
    ask()
    hook("publish", 1, HIGH)
    media.show(1, HIGH)
    media.is_down = True
    clock.shift(60)
    keep()
    assert not roadside.finished
    media.is_down = False
    clock.shift(5)
    keep()
    assert roadside.finished == [(1, 1)]


def test_a_gateway_that_does_not_finish_is_told_again_with_patience(
    gateway: Gateway, roadside: GatewayDouble, clock: TimeMachineFixture
) -> None:
    ask()
    hook("publish", 1, HIGH)
    roadside.code = 500
    clock.shift(21)
    for _ in range(10):
        keep()
    assert len(roadside.finished) == 1
    clock.shift(4)
    roadside.code = 200
    keep()
    assert len(roadside.finished) == 2
    assert session(1, HIGH).state == PushState.IDLE


@pytest.mark.django_db(transaction=True)
def test_who_asks_while_it_is_being_finished_gets_it_begun_afterwards(
    gateway: Gateway, roadside: GatewayDouble, clock: TimeMachineFixture
) -> None:
    ask()
    hook("publish", 1, HIGH)
    clock.shift(21)
    given: list[bool] = []

    def answer(request: Request) -> Reply:
        if request.path.endswith("VideoTransFinish"):
            given.append(ask())
            connection.close()
        return reply(200)

    roadside.peer.respond = answer
    release_idle_high_streams()
    give_order(session_id=session(1, HIGH).pk)
    # Not while the gateway thinks about the finish, which could overtake the begin, but right after it.
    assert given == [False]
    assert [request.path[15:] for request in roadside.peer.requests] == [
        "VideoTransBegin",
        "VideoTransFinish",
        "VideoTransBegin",
    ]
    assert (session(1, HIGH).state, session(1, HIGH).is_wanted) == (PushState.ORDERED, True)


def test_a_refused_one_is_tried_again_soon_while_somebody_asks(
    gateway: Gateway, roadside: GatewayDouble, clock: TimeMachineFixture
) -> None:
    roadside.code = 500
    for _ in range(15):
        ask()
        keep()
        clock.shift(4)
    # After 3, 6, 12, 24 seconds, each a fifth more or less.
    assert 4 <= len(roadside.orders()) <= 5
    assert session(1, HIGH).state == PushState.FAILED


def test_one_that_was_given_up_is_begun_at_once_for_the_next_who_asks(
    gateway: Gateway, roadside: GatewayDouble, clock: TimeMachineFixture
) -> None:
    roadside.code = 500
    ask()
    clock.shift(1)
    ask()
    assert len(roadside.orders()) == 1
    clock.shift(60)
    release_idle_high_streams()
    roadside.code = 200
    assert ask()


def test_who_asks_does_not_wait_for_the_back_off_of_a_finish(
    gateway: Gateway, roadside: GatewayDouble, clock: TimeMachineFixture
) -> None:
    ask()
    hook("publish", 1, HIGH)
    roadside.code = 500
    clock.shift(21)
    keep()
    hook("unpublish", 1, HIGH)
    roadside.code = 200
    assert ask()
    assert roadside.orders() == [(1, 1), (1, 1)]


def test_a_deleted_camera_is_finished_whoever_watches(
    gateway: Gateway, gateway_partner: Caller, roadside: GatewayDouble, media: MediaDouble
) -> None:
    ask()
    media.show(1, HIGH, viewers=1)
    hook("publish", 1, HIGH)
    gateway_partner.post("VideoInformationDel", {"cameras": [number(1)]})
    plan_low_streams()
    keep()
    assert roadside.finished == [(1, 1)]


def test_a_publisher_that_nobody_asked_for_is_finished(
    gateway: Gateway, roadside: GatewayDouble, media: MediaDouble
) -> None:
    hook("publish", 1, HIGH)
    keep()
    assert roadside.finished == [(1, 1)]


def test_no_gateway_no_high_stream(gateway: Gateway, roadside: GatewayDouble) -> None:
    Gateway.objects.update(is_active=False)
    assert not ask()
    Camera.objects.update(gateway=None)
    assert not ask()
    assert not roadside.peer.requests


@pytest.mark.django_db(transaction=True)
def test_many_who_ask_at_the_same_moment_begin_it_once(gateway: Gateway, roadside: GatewayDouble) -> None:
    gate = threading.Barrier(8)
    given: list[bool] = []

    def one() -> None:
        gate.wait(10)
        try:
            given.append(ask())
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(given) == [False] * 7 + [True]
    assert roadside.orders() == [(1, 1)]
