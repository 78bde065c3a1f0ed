"""Cameras that we call online are opened as third parties open them, every hour, and staff hear of those that fail."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings
from time_machine import TimeMachineFixture

from access.models import Alarm
from cameras.choices import OnlineStatus
from cameras.models import Camera, Gateway
from cameras.services.status import set_stream_presence
from streaming.choices import PlayResult
from streaming.models import PlayCheck
from streaming.selectors import unplayable
from streaming.services.opening import PIECES, try_flv
from streaming.services.playability import check_playability
from streaming.tasks import check_playability as task
from tests.cameras.ledger import camera, register, wire
from tests.cast import Caller
from tests.protocol.peer import Peer, Reply, Request
from tests.streaming.roadside import MediaDouble

NOON = datetime(2026, 11, 22, 4, 5, tzinfo=UTC)
VIDEO = Reply(b"FLV\x01\x01\0\0\0\x09" + bytes(PIECES * 512))
HTML = Reply(b"<html>" + bytes(2000))


@pytest.fixture
def stage(media: MediaDouble) -> Peer:
    media.peer.respond = lambda _: VIDEO
    return media.peer


@pytest.fixture
def held(stage: Peer) -> Iterator[Peer]:
    """Answers, and then says nothing more."""
    is_over = threading.Event()

    def respond(request: Request) -> Reply:
        is_over.wait(10)
        return Reply(b"", raw=b"")

    stage.respond = respond
    yield stage
    is_over.set()


@pytest.mark.parametrize(
    ("answer", "result", "detail"),
    [
        (VIDEO, PlayResult.PLAYABLE, ""),
        (Reply(b"", 403), PlayResult.REFUSED, "HTTP 403"),
        (Reply(b"", 401), PlayResult.REFUSED, "HTTP 401"),
        (Reply(b"", 404), PlayResult.ABSENT, "HTTP 404"),
        (Reply(b"", 502), PlayResult.UNREACHABLE, "HTTP 502"),
        (Reply(b"", 302, {"Location": "/elsewhere"}), PlayResult.UNREACHABLE, "HTTP 302"),
        (HTML, PlayResult.NOT_VIDEO, "不是 FLV 数据"),
        (Reply(b""), PlayResult.NOT_VIDEO, "没有数据"),
        (Reply(VIDEO.body[:1000]), PlayResult.SILENT, "只有 1000 字节"),
        (Reply(b"", raw=b"no HTTP at all\r\n"), PlayResult.UNREACHABLE, "应答不是 HTTP"),
        (Reply(b"", raw=b""), PlayResult.UNREACHABLE, "对方没有应答即断开了连接"),
    ],
)
def test_what_comes_of_an_address(stage: Peer, answer: Reply, result: PlayResult, detail: str) -> None:
    stage.respond = lambda _: answer
    tried = try_flv(f"{stage.base_url}/live/x.flv?auth_key=1-2-3-4")
    assert (tried.result, tried.detail) == (result, detail)
    assert (tried.first_byte_ms is None) == (not answer.body)


def test_a_server_that_says_nothing_holds_nobody_up(held: Peer, settings: LazySettings) -> None:
    settings.PLAY_CHECK_SECONDS = 0.2
    assert try_flv(f"{held.base_url}/live/x.flv").result == PlayResult.SILENT


@pytest.mark.parametrize(
    ("url", "detail"),
    [
        ("http://127.0.0.1:9/live/x.flv", "连接被拒绝，对方的服务可能没有运行"),
        ("http://nobody.invalid/live/x.flv", "域名无法解析"),
        ("http://127.0.0.1:99999/live/x.flv", "地址无效"),
    ],
)
def test_nobody_there(url: str, detail: str) -> None:
    tried = try_flv(url)
    assert (tried.result, tried.detail) == (PlayResult.UNREACHABLE, detail)


def test_what_the_library_says_is_for_the_log(stage: Peer, caplog: pytest.LogCaptureFixture) -> None:
    stage.respond = lambda _: Reply(b"", raw=b"no HTTP at all\r\n")
    with caplog.at_level("INFO"):
        try_flv(f"{stage.base_url}/live/x.flv?auth_key=1-2-3-4")
    assert "BadStatusLine" in caplog.text
    assert "1-2-3-4" not in caplog.text


class TestEveryHour:
    @pytest.fixture(autouse=True)
    def clock(self, gateway: Gateway, time_machine: TimeMachineFixture) -> TimeMachineFixture:
        time_machine.move_to(NOON, tick=False)
        set_stream_presence(present=[camera(n).pk for n in (1, 2)])
        return time_machine

    def test_online_cameras_are_tried_by_their_signed_address(self, stage: Peer) -> None:
        task()
        task()
        asked = {request.path.rpartition("-")[2] for request in stage.requests}
        assert asked == {"000000000001_0.flv", "000000000002_0.flv"}
        assert all("-snapshot-" in request.query["auth_key"] for request in stage.requests)
        assert set(PlayCheck.objects.values_list("result", "failures")) == {("playable", 0)}
        assert camera(3).status != OnlineStatus.ONLINE

    def test_each_comes_once_an_hour(self, stage: Peer, clock: TimeMachineFixture) -> None:
        assert [check_playability() for _ in range(3)] == [2, 0, 0]
        clock.shift(3599)
        assert check_playability() == 0
        clock.shift(1)
        assert check_playability() == 2

    def test_a_slice_is_a_sixtieth_the_longest_unseen_first(
        self, stage: Peer, gateway_partner: Caller, clock: TimeMachineFixture
    ) -> None:
        register(gateway_partner, *[wire(n) for n in range(100, 220)])
        shown = Camera.objects.exclude(pk=camera(3).pk)
        set_stream_presence(present=list(shown.values_list("pk", flat=True)))
        assert check_playability() == 4
        clock.shift(60)
        assert check_playability() == 4
        assert PlayCheck.objects.count() == 8

    def test_staff_hear_of_one_that_failed_twice_running(self, stage: Peer, clock: TimeMachineFixture) -> None:
        stage.respond = lambda request: Reply(b"", 404) if "0001_0" in request.path else VIDEO
        check_playability()
        assert not Alarm.objects.exists()
        clock.shift(299)
        assert check_playability() == 0
        clock.shift(1)
        assert check_playability() == 1
        alarm = Alarm.objects.get()
        assert alarm.message.startswith("1 路摄像机状态为在线")
        assert f"{camera(1).name} 没有该码流" in alarm.message
        assert [check.camera for check in unplayable(Camera.objects.all())] == [camera(1)]
        stage.respond = lambda _: VIDEO
        clock.shift(300)
        check_playability()
        alarm.refresh_from_db()
        assert alarm.closed_at is not None
        assert PlayCheck.objects.get(camera=camera(1)).failures == 0

    def test_what_failed_is_confirmed_however_many_wait_to_be_tried(
        self, stage: Peer, gateway_partner: Caller, clock: TimeMachineFixture
    ) -> None:
        register(gateway_partner, *[wire(n) for n in range(100, 220)])
        shown = Camera.objects.exclude(pk=camera(3).pk)
        set_stream_presence(present=list(shown.values_list("pk", flat=True)))
        stage.respond = lambda _: Reply(b"", 404)
        tried = []
        for _ in range(10):
            tried.append(check_playability())
            clock.shift(60)
        assert tried == [4] * 5 + [8] * 5
        assert unplayable(Camera.objects.all()).count() == 20
        assert PlayCheck.objects.count() == 40
        # Those in doubt come before those that are known to fail.
        confirmed = set(unplayable(Camera.objects.all()).values_list("camera", flat=True))
        check_playability()
        assert set(unplayable(Camera.objects.all()).values_list("camera", flat=True)) > confirmed

    def test_one_that_is_called_offline_by_now_is_no_lie(self, stage: Peer, clock: TimeMachineFixture) -> None:
        stage.respond = lambda _: Reply(b"", 404)
        check_playability()
        clock.shift(300)
        check_playability()
        assert unplayable(Camera.objects.all()).count() == 2
        Camera.objects.update(status=OnlineStatus.OFFLINE)
        assert unplayable(Camera.objects.all()).count() == 0
        clock.move_to(NOON + timedelta(hours=2), tick=False)
        check_playability()
        assert not Alarm.objects.filter(closed_at=None).exists()
