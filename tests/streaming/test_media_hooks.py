"""What media servers tell, and what the platform finds out when they could not tell."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from time_machine import TimeMachineFixture

from access.models import Alarm, BehaviourLog, Organisation, User
from cameras.choices import OnlineStatus
from cameras.models import Camera, Gateway
from streaming.choices import PushState, VideoType
from streaming.models import MediaServer, PushSession
from streaming.selectors import capture_targets
from streaming.services.orders import give_due_orders
from streaming.services.presence import reconcile
from streaming.services.pushes import plan_low_streams
from tests.cameras.ledger import camera, number, register, wire
from tests.cast import Caller
from tests.streaming.roadside import GatewayDouble, MediaDouble, hook, make_server, session, stream

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
HIGH = VideoType.HIGH


@pytest.fixture(autouse=True)
def clock(settings: LazySettings, time_machine: TimeMachineFixture) -> TimeMachineFixture:
    settings.PUSH_ORDERS_PER_SECOND = 1000
    time_machine.move_to(NOON, tick=False)
    return time_machine


@pytest.fixture
def ordered(gateway: Gateway) -> None:
    """Low streams of cameras 1, 2 and 3 were ordered and are awaited."""
    plan_low_streams()
    give_due_orders(gateway_id=gateway.pk)


@pytest.mark.usefixtures("ordered")
class TestHooks:
    def test_a_publisher_makes_the_camera_online(self) -> None:
        assert hook("publish", 1) == {"code": 0, "wait": False, "status": 200}
        assert (camera(1).raw_status, camera(1).status) == (OnlineStatus.ONLINE, OnlineStatus.ONLINE)
        assert (session(1).state, session(1).next_attempt_at) == (PushState.LIVE, None)

    def test_a_high_stream_says_nothing_of_the_status(self) -> None:
        hook("publish", 1, HIGH)
        assert (camera(1).has_stream, session(1, HIGH).state) == (False, PushState.LIVE)

    def test_a_publisher_that_leaves_makes_it_offline_behind_the_filter(self) -> None:
        hook("publish", 1)
        hook("unpublish", 1)
        assert (camera(1).raw_status, camera(1).status) == (OnlineStatus.OFFLINE, OnlineStatus.ONLINE)
        assert session(1).state == PushState.IDLE

    def test_a_stream_that_is_not_h264_is_flagged_by_name(
        self, gateway: Gateway, clock: TimeMachineFixture
    ) -> None:
        hook("refused_codec", 1, codec="H265")
        refused = session(1)
        assert (refused.state, refused.codec) == (PushState.FAILED, "H265")
        assert refused.last_error == "视频编码为 H265，平台只接收 H.264"
        assert not camera(1).has_stream
        # Ordered again later, it stays flagged until it is there.
        clock.shift(60)
        give_due_orders(gateway_id=gateway.pk)
        assert (session(1).state, session(1).codec) == (PushState.ORDERED, "H265")
        assert "H265" in session(1).last_error
        hook("publish", 1)
        assert session(1).last_error == ""

    @pytest.mark.parametrize("secret", ["", "wrong", "密钥".encode().decode("latin-1")])
    def test_without_the_secret_nothing_is_believed(self, secret: str) -> None:
        assert hook("publish", 1, secret=secret)["status"] == 403
        assert not camera(1).has_stream

    def test_a_server_without_a_secret_or_out_of_use_is_not_believed(self) -> None:
        MediaServer.objects.update(secret="")
        assert hook("publish", 1, secret="")["status"] == 403
        MediaServer.objects.update(secret="s", is_active=False)
        assert hook("publish", 1, secret="s")["status"] == 403

    @pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b'{"event": "publish"}', b"[" * 100_000])
    def test_a_malformed_event_is_400(self, body: bytes, settings: LazySettings) -> None:
        response = Client().post(
            "/hooks/media/embedded",
            body,
            content_type="application/json",
            headers={"X-Media-Secret": settings.MEDIA_SECRET},
        )
        assert response.status_code == 400

    @pytest.mark.parametrize(
        "name", ["", "x", "x_0", f"{number(77)}_0", f"{number(1)}_7", "a\0b_0", "\ud800_0"]
    )
    @pytest.mark.parametrize("event", ["publish", "unpublish", "play", "stop", "not_found", "refused_codec"])
    def test_a_stream_that_is_none_of_ours_is_left_alone(self, event: str, name: str) -> None:
        before = list(PushSession.objects.order_by("pk").values())
        answer = hook(event, 1, stream=name, codec="H265", uid="p1")
        assert answer == {"code": 0, "wait": False, "status": 200}
        assert list(PushSession.objects.order_by("pk").values()) == before


@pytest.mark.usefixtures("ordered")
class TestWaiting:
    def test_a_low_stream_that_was_ordered_is_waited_for(self) -> None:
        assert hook("not_found", 1)["wait"] is True

    def test_a_refused_one_is_not(self, gateway: Gateway, roadside: GatewayDouble) -> None:
        roadside.code = 404
        PushSession.objects.update(next_attempt_at=None)
        give_due_orders(gateway_id=gateway.pk)
        assert hook("not_found", 1)["wait"] is False

    def test_a_high_stream_is_begun_by_who_opens_it(self) -> None:
        assert hook("not_found", 1, HIGH)["wait"] is True
        assert session(1, HIGH).is_wanted

    def test_without_a_gateway_there_is_nothing_to_wait_for(self) -> None:
        Gateway.objects.update(is_active=False)
        plan_low_streams()
        assert hook("not_found", 1)["wait"] is False
        assert hook("not_found", 1, HIGH)["wait"] is False


@pytest.mark.usefixtures("ordered")
class TestViewers:
    def play(self, uid: str, address: object = "10.0.0.7", protocol: str = "ws") -> None:
        hook("play", 1, uid=uid, address=address, protocol=protocol)

    def test_who_watches_what_is_logged_once_a_viewing(
        self, ministry: Caller, operator: User, clock: TimeMachineFixture
    ) -> None:
        self.play(f"p{ministry.partner.pk}")
        self.play(f"p{ministry.partner.pk}")
        self.play(f"u{operator.pk}", protocol="hls")
        rows = BehaviourLog.objects.filter(verb="查看视频").order_by("id")
        assert [(row.actor_kind, row.actor_id) for row in rows] == [
            ("partner", ministry.partner.pk),
            ("staff", operator.pk),
        ]
        assert (rows[0].address, rows[0].object_id) == ("10.0.0.7", str(camera(1).pk))
        assert rows[1].detail == {"码流": "低码流", "方式": "hls"}

    @pytest.mark.parametrize("uid", ["0", "snapshot", "p", "px", "p²", "u99999999", "p" + "9" * 30, ""])
    def test_nobody_in_particular_is_not_logged(self, uid: str) -> None:
        self.play(uid)
        assert not BehaviourLog.objects.filter(verb="查看视频").exists()

    def test_an_address_that_is_none_does_not_lose_the_row(self, ministry: Caller) -> None:
        self.play(f"p{ministry.partner.pk}", address="unix:")
        assert BehaviourLog.objects.get(verb="查看视频").address is None


@pytest.mark.usefixtures("ordered")
class TestReconciliation:
    def test_a_lost_publish_is_found_out(self, server: MediaServer, media: MediaDouble) -> None:
        media.show(1, viewers=3, bitrate_kbps=187)
        assert reconcile(server=server)
        assert camera(1).status == OnlineStatus.ONLINE
        seen = session(1)
        assert (seen.state, seen.codec, seen.width, seen.height) == (PushState.LIVE, "H264", 352, 288)
        assert (seen.viewers, seen.bitrate_kbps) == (3, 187)

    def test_a_lost_unpublish_is_found_out_and_the_stream_ordered(
        self,
        gateway: Gateway,
        server: MediaServer,
        media: MediaDouble,
        roadside: GatewayDouble,
        clock: TimeMachineFixture,
    ) -> None:
        hook("publish", 1)
        clock.shift(60)
        media.show(2)
        assert reconcile(server=server)
        assert (camera(1).raw_status, camera(2).raw_status) == (OnlineStatus.OFFLINE, OnlineStatus.ONLINE)
        give_due_orders(gateway_id=gateway.pk)
        assert sorted(roadside.orders()[3:]) == [(1, 0), (3, 0)]

    def test_a_hook_that_is_newer_than_the_list_is_right(
        self, server: MediaServer, media: MediaDouble, clock: TimeMachineFixture
    ) -> None:
        hook("publish", 2)
        clock.shift(60)
        media.show(2)
        # Both hooks come after the list was asked for, and before it is compared.
        later = NOON.replace(hour=5)
        for n, state, field in ((1, PushState.LIVE, "live_at"), (2, PushState.IDLE, "ended_at")):
            PushSession.objects.filter(camera=camera(n)).update(state=state, **{field: later})
            Camera.objects.filter(pk=camera(n).pk).update(has_stream=n == 1, has_stream_at=later)
        reconcile(server=server)
        assert (camera(1).has_stream, session(1).state) == (True, PushState.LIVE)
        assert (camera(2).has_stream, session(2).state) == (False, PushState.IDLE)

    def test_a_stream_of_a_camera_without_a_session_is_taken_in(
        self, server: MediaServer, media: MediaDouble
    ) -> None:
        PushSession.objects.all().delete()
        media.show(1)
        reconcile(server=server)
        assert (camera(1).has_stream, session(1).state) == (True, PushState.LIVE)
        assert media.kicked == []

    def test_a_stream_that_moved_to_another_server_is_not_lost(
        self, server: MediaServer, media: MediaDouble
    ) -> None:
        hook("publish", 1)
        elsewhere = make_server(media.peer.base_url, name="second")
        PushSession.objects.update(media_server=elsewhere)
        hook("unpublish", 1)
        assert camera(1).has_stream

    def test_strangers_and_deleted_cameras_are_sent_away(
        self,
        gateway: Gateway,
        gateway_partner: Caller,
        server: MediaServer,
        media: MediaDouble,
        roadside: GatewayDouble,
        clock: TimeMachineFixture,
    ) -> None:
        gateway_partner.post("VideoInformationDel", {"cameras": [number(1)]})
        plan_low_streams()
        give_due_orders(gateway_id=gateway.pk)
        clock.shift(5)
        media.streams = {"stranger": {}, stream(1): {}, stream(2): {}}
        reconcile(server=server)
        assert sorted(media.kicked) == sorted(["stranger", stream(1)])
        assert not camera(1).has_stream
        # It came back after the gateway had agreed: the gateway is told once more.
        give_due_orders(gateway_id=gateway.pk)
        assert roadside.finished == [(1, 0), (1, 0)]

    def test_the_stream_of_a_gateway_out_of_use_is_sent_away(
        self, server: MediaServer, media: MediaDouble
    ) -> None:
        Gateway.objects.update(is_active=False)
        plan_low_streams()
        media.show(1)
        reconcile(server=server)
        assert media.kicked == [stream(1)]

    def test_a_short_silence_says_nothing(
        self, server: MediaServer, media: MediaDouble, clock: TimeMachineFixture
    ) -> None:
        hook("publish", 1)
        media.is_down = True
        for _ in range(3):
            assert not reconcile(server=server)
            clock.shift(4)
        assert camera(1).has_stream
        assert MediaServer.objects.get().last_error
        assert not Alarm.objects.exists()

    def test_a_server_that_is_gone_took_its_streams_along(
        self, server: MediaServer, media: MediaDouble, clock: TimeMachineFixture
    ) -> None:
        hook("publish", 1)
        media.is_down = True
        reconcile(server=server)
        clock.shift(15)
        reconcile(server=server)
        assert (camera(1).has_stream, session(1).state) == (False, PushState.IDLE)
        assert Alarm.objects.get(closed_at=None).title == "媒体服务器 embedded 无应答"
        media.is_down = False
        media.show(1)
        clock.shift(5)
        assert reconcile(server=server)
        assert camera(1).has_stream
        assert not Alarm.objects.filter(closed_at=None).exists()
        assert MediaServer.objects.get().last_error == ""


def test_pictures_are_taken_where_a_stream_is(
    gateway: Gateway, server: MediaServer, company: Organisation
) -> None:
    plan_low_streams()
    hook("publish", 1)
    MediaServer.objects.update(api_url="http://127.0.0.1:9")
    ids = (camera(n).pk for n in (1, 2))
    there, gone = capture_targets(ids)
    assert (there.camera_id, there.has_stream, gone.has_stream, gone.url) == (camera(1).pk, True, False, None)
    assert there.url is not None
    assert there.url.startswith(f"http://127.0.0.1:9/live/{stream(1)}.flv?auth_key=")


def test_a_stream_is_lost_with_its_server_and_nothing_is_known_of_the_camera(
    gateway: Gateway,
) -> None:
    plan_low_streams()
    (target,) = capture_targets([camera(1).pk])
    assert (target.has_stream, target.is_server_away) == (False, False)
    MediaServer.objects.update(silent_since=timezone.now() - timedelta(minutes=1))
    (target,) = capture_targets([camera(1).pk])
    assert target.is_server_away
    MediaServer.objects.update(silent_since=None, is_active=False)
    (target,) = capture_targets([camera(1).pk])
    assert target.is_server_away


def test_queries_of_the_reconciliation_do_not_grow(
    gateway: Gateway,
    gateway_partner: Caller,
    server: MediaServer,
    media: MediaDouble,
    django_assert_max_num_queries: object,
    clock: TimeMachineFixture,
) -> None:
    register(gateway_partner, *[wire(n) for n in range(10, 60)])
    plan_low_streams()
    for n in range(10, 60):
        media.show(n)
    assert callable(django_assert_max_num_queries)
    with django_assert_max_num_queries(16):
        reconcile(server=server)
    assert Camera.objects.filter(has_stream=True).count() == 50
    clock.shift(5)
    with django_assert_max_num_queries(7):
        reconcile(server=server)
