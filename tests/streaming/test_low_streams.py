"""Low streams stand: ordered for every registered camera, and again whenever they are absent."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from celery import Task
from django.conf import LazySettings
from django.core.cache import cache
from django.core.management import call_command
from time_machine import TimeMachineFixture

from access.models import Alarm
from cameras.choices import OnlineStatus
from cameras.models import Camera, Gateway
from protocol.play_urls import UrlVerdict, check_path
from streaming.choices import PushState
from streaming.models import MediaServer, PushSession
from streaming.selectors import capture_targets
from streaming.services.orders import (
    CLAIM_SECONDS,
    gateways_with_due_orders,
    give_due_orders,
    give_order,
    has_due_orders,
)
from streaming.services.pushes import plan_low_streams, want_high_stream
from streaming.services.relocation import relocate_streams
from streaming.tasks import ORDERS_LOCK_SECONDS, begin_push_now, give_orders, reconcile_media_servers
from tests.cameras.ledger import camera, make_gateway, number, register, wire
from tests.cast import Caller
from tests.protocol.peer import Reply, Request, reply
from tests.streaming.roadside import GatewayDouble, MediaDouble, hook, make_server, session, stream

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock(settings: LazySettings, time_machine: TimeMachineFixture) -> TimeMachineFixture:
    settings.PUSH_ORDERS_PER_SECOND = 1000
    time_machine.move_to(NOON, tick=False)
    return time_machine


def keep() -> None:
    """What the worker does every two seconds."""
    relocate_streams()
    plan_low_streams()
    for gateway_id in gateways_with_due_orders():
        give_due_orders(gateway_id=gateway_id)


def test_every_registered_camera_is_ordered_once(gateway: Gateway, roadside: GatewayDouble) -> None:
    keep()
    assert roadside.orders() == [(1, 0), (2, 0), (3, 0)]
    keep()
    assert len(roadside.orders()) == 3
    assert session(1).state == PushState.ORDERED


def test_the_order_names_target_format_and_a_key_for_publishing(
    gateway: Gateway, roadside: GatewayDouble, settings: LazySettings
) -> None:
    keep()
    command = json.loads(roadside.peer.requests[0].body)["command"]
    path = f"/live/{stream(1)}"
    assert (command["serverIp"], command["serverPort"], command["pubName"]) == ("127.0.0.1", 1935, path)
    video = command["video"]
    assert (video["width"], video["height"], video["framerate"]) == (352, 288, 25)
    assert video["bitrate"] >= 32
    assert video["iframe"] <= 2 * video["framerate"]
    auth_key = command["authInfo"].removeprefix("auth_key=")
    now = NOON.timestamp()
    assert check_path(path, auth_key, [settings.MEDIA_PUBLISH_KEY], now=now) == UrlVerdict.OK
    # A viewer's key must not open the door for publishers, nor the other way round.
    assert check_path(path, auth_key, settings.PLAY_URL_KEYS, now=now) == UrlVerdict.FORGED


def test_the_number_is_sent_as_it_was_registered(
    gateway: Gateway, gateway_partner: Caller, roadside: GatewayDouble
) -> None:
    odd = "BAEE05A7-166a-48F8-9a57-00000000000a"
    register(gateway_partner, wire(cameraNum=odd))
    keep()
    request = roadside.peer.requests[-1]
    assert request.query["cameraNum"] == odd
    assert json.loads(request.body)["command"]["pubName"] == f"/live/{odd.lower()}_0"


def test_a_stream_that_is_there_is_left_alone_and_a_lost_one_is_ordered_again(
    gateway: Gateway, roadside: GatewayDouble, clock: TimeMachineFixture
) -> None:
    keep()
    for n in (1, 2, 3):
        hook("publish", n)
    clock.shift(3600)
    keep()
    assert len(roadside.orders()) == 3
    hook("unpublish", 2)
    keep()
    # The gateway reconnects by itself within a moment; then it is told.
    assert len(roadside.orders()) == 3
    clock.shift(2)
    keep()
    assert roadside.orders()[3:] == [(2, 0)]


def test_a_stream_that_does_not_appear_is_ordered_less_and_less_often(
    gateway: Gateway, roadside: GatewayDouble, clock: TimeMachineFixture
) -> None:
    Camera.objects.exclude(number_key=number(1)).delete()
    times = []
    for second in range(0, 240, 4):
        before = len(roadside.orders())
        keep()
        if len(roadside.orders()) > before:
            times.append(second)
        clock.shift(4)
    assert times == [0, 12, 36, 72, 120, 180]


def test_one_that_is_pushed_in_vain_is_finished_and_begun_again(
    gateway: Gateway, roadside: GatewayDouble, clock: TimeMachineFixture
) -> None:
    Camera.objects.exclude(number_key=number(1)).delete()
    roadside.code = 201
    keep()
    assert (len(roadside.orders()), roadside.finished) == (1, [])
    clock.shift(12)
    keep()
    # The gateway says once more that it pushes, and nothing comes: its encoder may stand still.
    assert (len(roadside.orders()), roadside.finished) == (3, [(1, 0)])
    assert session(1).state == PushState.ORDERED


@pytest.mark.parametrize("code", [404, 500])
def test_a_refused_order_backs_off_and_says_why(
    gateway: Gateway, roadside: GatewayDouble, clock: TimeMachineFixture, code: int
) -> None:
    roadside.code = code
    keep()
    # A refusal concerns one camera; the others are ordered all the same.
    assert len(roadside.orders()) == 3
    refused = session(1)
    assert (refused.state, refused.last_code, refused.attempts) == (PushState.FAILED, code, 1)
    assert f"{code}：不行" in refused.last_error
    clock.shift(2)
    keep()
    assert len(roadside.orders()) == 3
    clock.shift(2)
    keep()
    assert len(roadside.orders()) == 6
    clock.shift(4.7)
    keep()
    assert len(roadside.orders()) == 6


def test_a_silent_gateway_costs_one_attempt_for_all_its_cameras(
    gateway: Gateway, roadside: GatewayDouble, clock: TimeMachineFixture
) -> None:
    Gateway.objects.update(base_url="http://127.0.0.1:1")
    keep()
    states = list(PushSession.objects.values_list("state", "attempts"))
    assert sorted(states) == [(PushState.FAILED, 0), (PushState.FAILED, 0), (PushState.FAILED, 1)]
    assert gateways_with_due_orders() == []
    Gateway.objects.update(base_url=roadside.peer.base_url)
    clock.shift(4)
    keep()
    # It answers: all of them are due at once.
    assert sorted(roadside.orders()) == [(1, 0), (2, 0), (3, 0)]


def test_a_gateway_that_answers_again_is_not_left_waiting(gateway: Gateway, roadside: GatewayDouble) -> None:
    Gateway.objects.update(base_url="http://127.0.0.1:1")
    keep()
    Gateway.objects.update(base_url=roadside.peer.base_url)
    keep()
    assert not roadside.orders()
    # Somebody wants to see a camera in high quality: that order shows that the gateway is back.
    wanted = want_high_stream(camera=Camera.objects.select_related("gateway").get(number_key=number(2)))
    assert wanted is not None
    give_order(session_id=wanted.pk)
    keep()
    assert roadside.orders()[0] == (2, 1)
    assert sorted(roadside.orders()[1:]) == [(1, 0), (2, 0), (3, 0)]


def test_one_gateway_does_not_wait_for_another(
    gateway: Gateway, roadside: GatewayDouble, other_gateway: Caller
) -> None:
    make_gateway(other_gateway.partner, "http://127.0.0.1:1")
    register(other_gateway, wire(7, department="齐鲁交通", roadSec="潍坊管理处"))
    keep()
    assert len(roadside.orders()) == 3
    assert session(7).state == PushState.FAILED


def test_orders_keep_their_pace(gateway: Gateway, settings: LazySettings, clock: TimeMachineFixture) -> None:
    settings.PUSH_ORDERS_PER_SECOND = 5
    clock.move_to(NOON)
    plan_low_streams()
    assert has_due_orders(gateway_id=gateway.pk)
    began = time.monotonic()
    assert give_due_orders(gateway_id=gateway.pk) == 3
    assert time.monotonic() - began >= 0.4
    assert not has_due_orders(gateway_id=gateway.pk)


@pytest.mark.parametrize("change", [{"is_pending": True}, {"gateway": None}])
def test_no_stream_for_a_camera_that_waits_for_staff_or_has_no_gateway(
    gateway: Gateway, roadside: GatewayDouble, change: dict[str, object]
) -> None:
    Camera.objects.filter(number_key=number(2)).update(**change)
    keep()
    assert roadside.orders() == [(1, 0), (3, 0)]


@pytest.mark.parametrize("change", [{"is_active": False}, {"base_url": ""}])
def test_a_gateway_out_of_use_is_not_ordered_and_is_again_when_it_is_back(
    gateway: Gateway, roadside: GatewayDouble, change: dict[str, object]
) -> None:
    Gateway.objects.update(**change)
    keep()
    assert not roadside.peer.requests
    Gateway.objects.update(is_active=True, base_url=roadside.peer.base_url)
    keep()
    assert len(roadside.orders()) == 3


@pytest.mark.parametrize("has_record", [True, False])
def test_cameras_reported_before_their_gateway_had_an_address_are_ordered_when_it_is_set(
    gateway_partner: Caller,
    other_gateway: Caller,
    server: MediaServer,
    roadside: GatewayDouble,
    has_record: bool,
) -> None:
    if has_record:
        make_gateway(gateway_partner.partner)
    register(gateway_partner, wire(1), wire(2), wire(3))
    gateway_partner.post("VideoInformationDel", {"cameras": [number(3)]})
    register(other_gateway, wire(7, department="齐鲁交通", roadSec="潍坊管理处"))
    keep()
    assert not roadside.peer.requests
    call_command("add_gateway", "--code", "GW-0001", "--base-url", roadside.peer.base_url)
    keep()
    assert roadside.orders() == [(1, 0), (2, 0)]
    assert [camera(n).gateway for n in (3, 7)] == [Gateway.objects.get() if has_record else None, None]
    # Nothing is left for a repeated report to change.
    assert [result["info"] for result in register(gateway_partner, wire(1), wire(2))] == ["未变化"] * 2


def test_a_camera_that_staff_took_from_its_gateway_stays_so_when_its_record_changes(
    gateway: Gateway, roadside: GatewayDouble
) -> None:
    Camera.objects.filter(number_key=number(2)).update(gateway=None)
    call_command("add_gateway", "--code", "GW-0001", "--base-url", roadside.peer.base_url, "--name", "济南")
    keep()
    assert roadside.orders() == [(1, 0), (3, 0)]


def test_a_deleted_camera_is_finished_until_the_gateway_agrees(
    gateway: Gateway, gateway_partner: Caller, roadside: GatewayDouble, clock: TimeMachineFixture
) -> None:
    keep()
    hook("publish", 1)
    gateway_partner.post("VideoInformationDel", {"cameras": [number(1)]})
    roadside.code = 500
    keep()
    assert roadside.finished == [(1, 0)]
    keep()
    assert roadside.finished == [(1, 0)]
    roadside.code = 200
    clock.shift(4)
    keep()
    assert roadside.finished == [(1, 0), (1, 0)]
    assert session(1).state == PushState.IDLE
    clock.shift(600)
    keep()
    assert len(roadside.finished) == 2


def test_a_camera_that_comes_back_is_ordered_again(
    gateway: Gateway, gateway_partner: Caller, roadside: GatewayDouble
) -> None:
    keep()
    gateway_partner.post("VideoInformationDel", {"cameras": [number(1)]})
    keep()
    register(gateway_partner, wire(1))
    keep()
    assert roadside.orders()[-1] == (1, 0)
    assert session(1).is_wanted


def test_a_server_that_staff_took_out_of_use_carries_nothing(
    gateway: Gateway, roadside: GatewayDouble, media: MediaDouble
) -> None:
    keep()
    hook("publish", 1)
    make_server(media.peer.base_url, name="second")
    MediaServer.objects.filter(name="embedded").update(is_active=False)
    keep()
    assert len(roadside.orders()) == 6
    assert session(1).media_server.name == "second"


def test_without_a_media_server_nothing_is_ordered(gateway: Gateway, roadside: GatewayDouble) -> None:
    MediaServer.objects.update(is_active=False)
    keep()
    assert not roadside.peer.requests
    assert camera(1).deleted_at is None


def test_the_last_media_server_takes_its_streams_along_and_brings_them_back(
    gateway: Gateway, roadside: GatewayDouble, media: MediaDouble, clock: TimeMachineFixture
) -> None:
    keep()
    hook("publish", 1)
    media.show(1)
    MediaServer.objects.update(is_active=False)
    clock.shift(60)
    reconcile_media_servers()
    keep()
    assert (camera(1).raw_status, session(1).state) == (OnlineStatus.OFFLINE, PushState.IDLE)
    assert Alarm.objects.get(closed_at=None).title == "没有启用的媒体服务器"
    assert [target.url for target in capture_targets([camera(1).pk])] == [None]
    # Cameras 2 and 3 are due by now, but there is nowhere to push to.
    assert len(roadside.orders()) == 3
    MediaServer.objects.update(is_active=True)
    clock.shift(5)
    reconcile_media_servers()
    keep()
    assert (camera(1).has_stream, session(1).state) == (True, PushState.LIVE)
    assert sorted(roadside.orders()[3:]) == [(2, 0), (3, 0)]
    assert not Alarm.objects.filter(closed_at=None).exists()


def test_no_picture_is_asked_for_where_no_server_is(gateway: Gateway) -> None:
    keep()
    hook("publish", 1)
    MediaServer.objects.update(is_active=False)
    (target,) = capture_targets([camera(1).pk])
    assert (target.has_stream, target.url) == (False, None)


def test_a_gateway_switched_off_under_way_is_not_tried_over_and_over(
    gateway: Gateway, roadside: GatewayDouble
) -> None:
    plan_low_streams()
    Gateway.objects.update(is_active=False)
    assert give_due_orders(gateway_id=gateway.pk) == 3
    assert not has_due_orders(gateway_id=gateway.pk)
    assert not roadside.peer.requests
    Gateway.objects.update(is_active=True)
    keep()
    assert len(roadside.orders()) == 3


def test_one_task_at_a_time_orders_from_a_gateway(gateway: Gateway, roadside: GatewayDouble) -> None:
    """One whose lock ran out leaves that of the next alone."""
    plan_low_streams()
    key = f"streaming:orders:{gateway.pk}"

    def lose_the_lock(_: Request) -> Reply:
        cache.set(key, "another task", timeout=60)
        return reply(200)

    roadside.peer.respond = lose_the_lock
    give_orders(gateway.pk)
    assert len(roadside.orders()) == 3
    assert cache.get(key) == "another task"
    PushSession.objects.update(state=PushState.IDLE, next_attempt_at=None)
    give_orders(gateway.pk)
    assert len(roadside.orders()) == 3
    cache.delete(key)
    roadside.peer.respond = lambda _: reply(200)
    give_orders(gateway.pk)
    assert len(roadside.orders()) == 6
    assert cache.get(key) is None


@pytest.mark.parametrize("task", [give_orders, begin_push_now])
def test_no_task_outlives_its_claims_and_its_lock(task: Task[Any, Any]) -> None:
    assert 0 < (task.time_limit or 0) < CLAIM_SECONDS
    assert (task.time_limit or 0) < ORDERS_LOCK_SECONDS
