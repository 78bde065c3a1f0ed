"""What the platform answers where the media server asks it instead of judging itself."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import LazySettings
from django.test import Client
from time_machine import TimeMachineFixture

from cameras.models import Camera, Gateway
from protocol.errors import ForbiddenError
from protocol.play_urls import CAPTURE_UID, ORIGIN_UID, sign_path
from streaming.choices import PushState, VideoType
from streaming.models import MediaServer, PushSession
from streaming.services.orders import give_due_orders
from streaming.services.play import play_urls
from streaming.services.presence import reconcile
from streaming.services.pushes import plan_low_streams, release_idle_high_streams, want_high_stream
from streaming.services.tickets import check_play
from tests.cameras.ledger import camera, number
from tests.protocol.peer import peer_answering, reply
from tests.streaming.media.recordings import body_of
from tests.streaming.media.standins import SrsStandIn, StandIn, ZlmStandIn
from tests.streaming.roadside import GatewayDouble, session, stream

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
HIGH = VideoType.HIGH


@pytest.fixture(autouse=True)
def clock(settings: LazySettings, time_machine: TimeMachineFixture) -> TimeMachineFixture:
    settings.PUSH_ORDERS_PER_SECOND = 1000
    time_machine.move_to(NOON, tick=False)
    return time_machine


@pytest.fixture(params=["zlm", "srs"])
def kind(request: pytest.FixtureRequest, gateway: Gateway) -> str:
    """That kind of server is the only one, and low streams were ordered to it."""
    kind: str = request.param
    MediaServer.objects.update(
        name="zlm1", kind=kind, http_url="https://live.example.cn", api_url="http://127.0.0.1:9", secret="s"
    )
    plan_low_streams()
    give_due_orders(gateway_id=gateway.pk)
    return kind


def tell(kind: str, hook: str, nth: int = 0, given: str = "s", /, **facts: Any) -> dict[str, Any]:
    body = body_of(kind, hook, nth, **facts)
    url = f"/hooks/media/zlm1/{hook}?secret={given}"
    response = Client().post(url, json.dumps(body), content_type="application/json")
    answer: dict[str, Any] = response.json()
    return {**answer, "status": response.status_code}


def signed(n: int, key: str, video_type: int = 0) -> str:
    path = f"/live/{stream(n, video_type)}"
    return f"auth_key={sign_path(path, key, timestamp=int(time.time()) + 60)}"


def publish(kind: str, n: int, settings: LazySettings, **facts: Any) -> dict[str, Any]:
    query = signed(n, settings.MEDIA_PUBLISH_KEY)
    field = {"params": query} if kind == "zlm" else {"param": f"?{query}"}
    return tell(kind, "on_publish", stream=stream(n), **field, **facts)


def play(kind: str, n: int, video_type: VideoType = VideoType.LOW, uid: str = "0") -> dict[str, Any]:
    found = Camera.objects.get(number_key=number(n))
    query = urlsplit(play_urls(found, video_type, uid=uid).flv_url).query
    field = {"params": query} if kind == "zlm" else {"param": f"?{query}"}
    return tell(kind, "on_play", stream=stream(n, video_type), **field)


def test_without_the_secret_nobody_is_let_in_or_believed(kind: str, settings: LazySettings) -> None:
    query = signed(1, settings.MEDIA_PUBLISH_KEY)
    field = {"params": query} if kind == "zlm" else {"param": f"?{query}"}
    answer = tell(kind, "on_publish", 0, "wrong", stream=stream(1), **field)
    assert (answer["status"], answer["code"]) == (403, 403)
    assert session(1).state == PushState.ORDERED


def test_what_is_no_callback_is_400(kind: str) -> None:
    response = Client().post("/hooks/media/zlm1/on_play?secret=s", b"[]", content_type="application/json")
    assert response.status_code == 400


def test_a_stream_of_no_camera_is_not_let_in(kind: str, settings: LazySettings) -> None:
    assert publish(kind, 1, settings)["code"] == 0
    Camera.objects.filter(number_key=number(1)).update(deleted_at=NOON)
    answer = publish(kind, 1, settings)
    assert (answer["code"], answer["msg"]) == (403, "摄像机不存在")


def test_srs_tells_of_a_stream_by_asking(kind: str, settings: LazySettings) -> None:
    publish(kind, 1, settings)
    # ZLMediaKit tells in a callback of its own, when there is a picture.
    assert camera(1).has_stream == (kind == "srs")


def test_a_viewer_of_a_stream_on_its_way_waits(kind: str) -> None:
    assert play(kind, 1)["code"] == 0
    if kind == "zlm":
        assert tell(kind, "on_stream_not_found", stream=stream(1))["close"] is False


def test_a_viewer_of_one_that_nobody_pushes_does_not(kind: str) -> None:
    Gateway.objects.update(is_active=False)
    plan_low_streams()
    if kind == "zlm":
        assert play(kind, 1)["code"] == 0
        assert tell(kind, "on_stream_not_found", stream=stream(1))["close"] is True
    else:
        assert (play(kind, 1)["code"], play(kind, 1)["msg"]) == (403, "视频流不存在")


def test_a_high_stream_is_begun_by_who_opens_it(kind: str) -> None:
    assert play(kind, 1, HIGH)["code"] == 0
    if kind == "zlm":
        assert tell(kind, "on_stream_not_found", stream=stream(1, HIGH))["close"] is False
    assert session(1, HIGH).is_wanted


def test_the_last_viewer_of_a_high_stream_is_noted(kind: str, clock: TimeMachineFixture) -> None:
    want_high_stream(camera=camera(1))
    clock.shift(30)
    answer = tell(kind, "on_stream_none_reader" if kind == "zlm" else "on_stop", stream=stream(1, HIGH))
    assert answer["code"] == 0
    assert session(1, HIGH).needed_at == NOON.replace(second=30)


def test_pictures_taken_by_the_platform_keep_nothing_wanted(kind: str) -> None:
    want_high_stream(camera=camera(1))
    PushSession.objects.update(is_wanted=False, state=PushState.LIVE)
    play(kind, 1, HIGH, uid=CAPTURE_UID)
    assert not session(1, HIGH).is_wanted
    play(kind, 1, HIGH)
    assert session(1, HIGH).is_wanted


class TestHls:
    def enter(self, n: int = 1, video_type: VideoType = VideoType.LOW) -> str:
        url = play_urls(camera(n), video_type).hls_url
        assert url.startswith("https://live.example.cn/live/")
        query = urlsplit(url).query
        response = Client().get(f"/hooks/media/zlm1/hls-entry/{stream(n, video_type)}?{query}")
        assert response.status_code == 302
        assert response.headers["Cache-Control"] == "no-store"
        return str(response.headers["Location"])

    def ask(self, uri: str) -> tuple[int, str]:
        response = Client().get("/hooks/media/zlm1/hls-file", headers={"X-Original-URI": uri})
        return response.status_code, response.headers.get("X-Media-Path", "")

    def test_a_session_opens_the_files_of_its_stream_until_it_is_over(
        self, kind: str, clock: TimeMachineFixture, settings: LazySettings
    ) -> None:
        playlist = self.enter()
        _, _, expires, who, *_ = playlist.split("/")
        status, path = self.ask(playlist)
        there = f"{stream(1)}/hls.m3u8" if kind == "zlm" else f"{stream(1)}.m3u8"
        assert (status, path) == (204, f"/live/{there}?session={expires}-{who}")
        segment = "2026-11-28/17/05-00_0.ts" if kind == "zlm" else f"{stream(1)}-0.ts"
        status, path = self.ask(playlist.replace("index.m3u8", segment) + "?x=1")
        assert (status, segment in path) == (204, True)
        clock.shift(settings.HLS_SESSION_SECONDS + 1)
        assert self.ask(playlist) == (403, "")

    @pytest.mark.parametrize("tail", ["hls.m3u8", "../x/index.m3u8", "a.ts/", "", "index.m3u8%2f.."])
    def test_nothing_else_is_opened(self, kind: str, tail: str) -> None:
        assert self.ask(self.enter().replace("index.m3u8", tail)) == (403, "")

    @pytest.mark.parametrize("uri", ["", "/", "/live/x.m3u8", "/s/1/x/live/a/index.m3u8", "//s/1"])
    def test_without_a_session_nothing_is(self, kind: str, uri: str) -> None:
        assert self.ask(uri) == (403, "")

    def test_a_server_that_is_not_registered_has_no_files(self, kind: str) -> None:
        playlist = self.enter()
        MediaServer.objects.update(is_active=False)
        assert self.ask(playlist) == (403, "")
        assert Client().get(f"/hooks/media/zlm1/hls-entry/{stream(1)}").status_code == 404

    def test_who_watches_a_high_stream_by_hls_keeps_it(self, kind: str, clock: TimeMachineFixture) -> None:
        want_high_stream(camera=camera(1))
        PushSession.objects.filter(video_type=HIGH).update(state=PushState.LIVE)
        playlist = self.enter(1, HIGH)
        clock.shift(60)
        assert self.ask(playlist)[0] == 204
        assert release_idle_high_streams() == 0
        clock.shift(60)
        assert release_idle_high_streams() == 1

    def test_the_server_is_told_the_session_too(self, kind: str) -> None:
        """Whoever reaches it past the proxy gets nothing."""
        _, path = self.ask(self.enter())
        query = path.partition("?")[2]
        nth = 3 if kind == "zlm" else 2
        name = stream(1) + ("" if kind == "zlm" else ".m3u8")
        other = stream(2) + ("" if kind == "zlm" else ".m3u8")
        field = "params" if kind == "zlm" else "param"
        assert tell(kind, "on_play", nth, stream=name, **{field: query})["code"] == 0
        assert tell(kind, "on_play", nth, stream=other, **{field: query})["code"] == 403
        assert tell(kind, "on_play", nth, stream=name, **{field: ""})["code"] == 403
        hls_url = play_urls(camera(1), VideoType.LOW).hls_url
        assert tell(kind, "on_play", nth, stream=name, **{field: urlsplit(hls_url).query})["code"] == 403


class TestCodec:
    @pytest.fixture
    def foreign(self, kind: str) -> Iterator[StandIn]:
        """A server that has let in H.265 of camera 1."""
        with peer_answering(lambda _: reply(0)) as deaf:
            made: StandIn = (ZlmStandIn if kind == "zlm" else SrsStandIn)(deaf.base_url, "zlm1", "s")
            MediaServer.objects.update(api_url=made.peer.base_url)
            made.streams, made.codec = {stream(1): ""}, "H265"
            yield made
            made.close()

    def test_what_is_not_h264_is_flagged_by_name(
        self, kind: str, foreign: StandIn, settings: LazySettings, clock: TimeMachineFixture
    ) -> None:
        publish(kind, 1, settings)
        clock.shift(5)
        reconcile(server=MediaServer.objects.get())
        refused = session(1)
        assert (refused.state, refused.codec) == (PushState.FAILED, "H265")
        assert refused.last_error == "视频编码为 H265，平台只接收 H.264"
        assert not camera(1).has_stream
        assert not foreign.streams

    def test_and_is_not_let_in_until_it_is_ordered_anew(
        self,
        kind: str,
        foreign: StandIn,
        gateway: Gateway,
        roadside: GatewayDouble,
        settings: LazySettings,
        clock: TimeMachineFixture,
    ) -> None:
        reconcile(server=MediaServer.objects.get())
        assert "H265" in publish(kind, 1, settings)["msg"]
        clock.shift(60)
        give_due_orders(gateway_id=gateway.pk)
        assert publish(kind, 1, settings)["code"] == 0

    @pytest.mark.parametrize("kind", ["zlm"], indirect=True)
    def test_zlmediakit_tells_the_codec_at_once(self, kind: str, foreign: StandIn) -> None:
        """SRS tells it in its list only."""
        tracks = [{"codec_type": 0, "codec_id_name": "H265"}]
        tell(kind, "on_stream_changed", stream=stream(1), tracks=tracks)
        assert (session(1).state, session(1).codec) == (PushState.FAILED, "H265")


@pytest.mark.parametrize(
    ("query", "is_taken"),
    [
        ("origin_key=of-the-cdn", True),
        ("auth_key=1-0-0-0&origin_key=of-the-cdn", True),
        ("origin_key=another", False),
        ("origin_key=", False),
        ("origin_key=of-the-cdn&origin_key=of-the-cdn", False),
        ("", False),
    ],
)
def test_a_cdn_takes_streams_with_the_key_of_the_origin(
    settings: LazySettings, query: str, is_taken: bool
) -> None:
    settings.PLAY_ORIGIN_KEYS = ["", "of-the-cdn"]
    if is_taken:
        assert check_play("/live/x.flv", query) == ORIGIN_UID
    else:
        with pytest.raises(ForbiddenError):
            check_play("/live/x.flv", query)
