"""The behaviour log of viewing: who began, who ended and after how many seconds, whatever told of it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone
from time_machine import TimeMachineFixture

from access.models import BehaviourLog
from cameras.models import Gateway
from streaming.models import MediaServer
from streaming.services.presence import reconcile
from streaming.services.pushes import plan_low_streams
from streaming.services.viewings import HLS_GONE_SECONDS, Viewer, settle, still_watching, viewer_came
from tests.cameras.ledger import camera
from tests.cast import Caller
from tests.streaming.roadside import MediaDouble, hook, stream

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock(gateway: Gateway, time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    plan_low_streams()
    return time_machine


@pytest.fixture
def uid(ministry: Caller) -> str:
    return f"p{ministry.partner.pk}"


def play(client: str, uid: str) -> None:
    hook("play", 1, client_id=client, uid=uid, protocol="ws", address="10.1.2.3")


def stop(client: str) -> None:
    hook("stop", 1, client_id=client)


def logged(verb: str) -> list[dict[str, Any]]:
    return list(BehaviourLog.objects.filter(verb=verb).order_by("pk").values_list("detail", flat=True))


def test_beginning_and_end_are_logged(uid: str, clock: TimeMachineFixture) -> None:
    play("a", uid)
    clock.shift(125)
    for _ in range(2):
        stop("a")
    assert logged("查看视频") == [{"码流": "低码流", "方式": "ws"}]
    assert logged("结束观看") == [{"码流": "低码流", "方式": "ws", "秒": 125}]
    ended = BehaviourLog.objects.get(verb="结束观看")
    assert (f"p{ended.actor_id}", ended.address) == (uid, "10.1.2.3")
    assert (ended.object_id, ended.object_name) == (str(camera(1).pk), camera(1).name)


def test_a_player_that_keeps_reconnecting_is_no_flood(uid: str, clock: TimeMachineFixture) -> None:
    for n in range(20):
        play(f"c-{n}", uid)
        clock.shift(5)
        stop(f"c-{n}")
    assert (len(logged("查看视频")), logged("结束观看")) == (1, [{"码流": "低码流", "方式": "ws", "秒": 5}])
    # What it comes to watch in the end is not lost for that.
    play("at last", uid)
    clock.shift(60)
    stop("at last")
    assert [row["秒"] for row in logged("结束观看")] == [5, 60]


def test_a_day_of_reconnects_is_more_than_one_row(uid: str, clock: TimeMachineFixture) -> None:
    for n in range(12):
        play(f"c-{n}", uid)
        clock.shift(300)
        stop(f"c-{n}")
    assert (len(logged("查看视频")), len(logged("结束观看"))) == (6, 12)


def test_an_end_that_nobody_told_is_logged_when_it_is_found_out(
    uid: str, server: MediaServer, media: MediaDouble, clock: TimeMachineFixture
) -> None:
    play("a", uid)
    media.show(1, viewers=0)
    clock.shift(60)
    reconcile(server=server)
    assert [row["秒"] for row in logged("结束观看")] == [60]


def test_a_session_ends_when_it_asked_for_the_last_time(
    uid: str, server: MediaServer, clock: TimeMachineFixture
) -> None:
    viewer = Viewer(uid, "session", protocol="hls", is_session=True)
    viewer_came(server=server, stream=stream(1), viewer=viewer)
    clock.shift(20)
    still_watching(server=server, stream=stream(1), viewer=viewer)
    clock.shift(HLS_GONE_SECONDS + 4)
    settle(server=server, watched={}, asked_at=timezone.now())
    assert logged("结束观看") == [{"码流": "低码流", "方式": "hls", "秒": 20}]


def test_those_of_a_dead_server_end_with_it(
    uid: str, server: MediaServer, media: MediaDouble, clock: TimeMachineFixture
) -> None:
    play("a", uid)
    media.is_down = True
    for _ in range(2):
        reconcile(server=server)
        clock.shift(15)
    reconcile(server=server)
    assert len(logged("结束观看")) == 1


def test_who_watches_for_nobody_in_particular_is_not_logged(clock: TimeMachineFixture) -> None:
    play("a", "0")
    clock.shift(100)
    stop("a")
    assert not BehaviourLog.objects.filter(verb__in=["查看视频", "结束观看"]).exists()
