"""Recorded callbacks and answers of ZLMediaKit and SRS, read and answered by the adapters."""

import json
from pathlib import Path
from typing import Any

import pytest

from protocol.errors import RemoteError
from streaming.media import LiveStream, MediaAdapter, adapter_for
from streaming.media.base import PlayPaths
from streaming.media.events import (
    Event,
    HlsAsked,
    HookError,
    PlayAsked,
    PublishAsked,
    StreamAppeared,
    StreamMissing,
    StreamVanished,
    Verdict,
    ViewerLeft,
)
from streaming.models import MediaServer
from tests.protocol.peer import Peer, Reply, Request, peer_answering
from tests.streaming.media.recordings import answer_of, body_of, call_of, calls

PLAY = "auth_key=1538982230-0-0-abc"
PUBLISH = "secret=pubkey"
REFUSED = Verdict(is_allowed=False, reason="播放地址已过期")


def adapter(kind: str, base_url: str = "http://10.0.0.5:8080", **fields: Any) -> MediaAdapter:
    facts = {"name": "zlm1", "secret": "s", "http_url": base_url, "rtmp_url": "rtmp://10.0.0.5", **fields}
    return adapter_for(MediaServer(kind=kind, **facts))


def zlm_play(**facts: Any) -> PlayAsked:
    asked: dict[str, Any] = {"path": "/live/cam1.live.flv", "client": "2-13", **facts}
    return PlayAsked(stream="cam1", query=PLAY, address="127.0.0.1", **asked)


def srs_play(client: str = "9hn9l5l3", query: str = PLAY) -> PlayAsked:
    return PlayAsked("cam1", "/live/cam1.flv", query, "127.0.0.1", must_exist=True, client=client)


RECORDED: dict[str, list[Event | None]] = {
    "zlm": [
        PublishAsked("cam1", "/live/cam1", PUBLISH),
        StreamAppeared("cam1", "H264"),
        zlm_play(),
        PlayAsked("cam1", "/live/cam1.live.flv", "deny=1", "127.0.0.1", client="3-13"),
        PlayAsked("nosuch", "/live/nosuch.live.flv", PLAY, "127.0.0.1", client="4-15"),
        StreamMissing("nosuch"),
        ViewerLeft("cam1"),
        HlsAsked("cam1", PLAY),
        StreamVanished("cam1"),
        # Of the publisher; the end of its stream was told already.
        None,
    ],
    "srs": [
        PublishAsked("cam1", "/live/cam1", PUBLISH, begins=True),
        srs_play(),
        ViewerLeft("cam1", "9hn9l5l3"),
        srs_play("t40y7504", "deny=1"),
        *[HlsAsked("cam1", PLAY)] * 3,
        StreamVanished("cam1"),
        ViewerLeft("cam1", "21gzmg3l"),
    ],
}


@pytest.mark.parametrize("kind", ["zlm", "srs"])
def test_every_recorded_callback_is_understood(kind: str) -> None:
    server = adapter(kind)
    read = [server.parse_hook(call_of(hook, body)) for hook, body in calls(kind)]
    assert read == RECORDED[kind]
    assert all(server.is_genuine(call_of(hook, body)) for hook, body in calls(kind))


@pytest.mark.parametrize("kind", ["zlm", "srs"])
def test_only_the_secret_in_the_address_makes_a_callback_genuine(kind: str) -> None:
    body = body_of(kind, "on_publish")
    for given in ("", "S", "s ", "密钥", "\udcff"):
        assert not adapter(kind).is_genuine(call_of("on_publish", body, given))
    assert not adapter(kind, secret="").is_genuine(call_of("on_publish", body, ""))


def test_a_callback_of_another_zlmediakit_is_not_genuine() -> None:
    body = body_of("zlm", "on_publish", mediaServerId="zlm2")
    assert not adapter("zlm").is_genuine(call_of("on_publish", body))


@pytest.mark.parametrize("kind", ["zlm", "srs"])
@pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b"\xff", b"[" * 100_000])
def test_what_is_no_object_is_named(kind: str, body: bytes) -> None:
    with pytest.raises(HookError, match="JSON"):
        adapter(kind).parse_hook(call_of("on_publish", body))


@pytest.mark.parametrize("kind", ["zlm", "srs"])
def test_another_application_is_nothing_of_ours(kind: str) -> None:
    server = adapter(kind)
    for hook, body in calls(kind):
        event = server.parse_hook(call_of(hook, {**body, "app": "vod"}))
        assert event is None or event.stream == ""
    # What is signed for /live/cam1 must not open /vod/cam1.
    asked = server.parse_hook(call_of("on_publish", body_of(kind, "on_publish", app="vod")))
    assert isinstance(asked, PublishAsked)
    assert asked.path == "/vod/cam1"


@pytest.mark.parametrize(
    ("facts", "asked"),
    [
        ({"protocol": "wss"}, zlm_play(protocol="ws")),
        ({"protocol": "https"}, zlm_play()),
        ({"protocol": "rtmp"}, zlm_play(path="", protocol="rtmp")),
        ({"protocol": "rtsp", "schema": "rtsp"}, zlm_play(path="", protocol="rtsp")),
        ({"schema": "fmp4"}, zlm_play(path="")),
        ({"schema": "hls.fmp4"}, HlsAsked("cam1", PLAY)),
    ],
)
def test_zlmediakit_opens_only_what_an_address_of_ours_names(facts: dict[str, str], asked: Event) -> None:
    body = body_of("zlm", "on_play") | facts
    assert adapter("zlm").parse_hook(call_of("on_play", body)) == asked


def test_zlmediakit_asks_for_segments_with_their_session() -> None:
    def asked(path: str) -> Event | None:
        return adapter("zlm").parse_hook(call_of("on_http_access", {"path": path, "params": "session=x"}))

    assert asked("/live/cam1/2026-11-28/17/05-00_0.ts") == HlsAsked("cam1", "session=x")
    for path in ("/", "/index.html", "/vod/cam1/1.ts", "/live/", "/live/a b/1.ts"):
        assert asked(path) == HlsAsked("", "session=x")


@pytest.mark.parametrize("schema", ["rtsp", "hls", "ts", "fmp4"])
def test_zlmediakit_tells_of_one_stream_once_a_form_and_only_the_source_counts(schema: str) -> None:
    body = body_of("zlm", "on_stream_changed", schema=schema)
    assert adapter("zlm").parse_hook(call_of("on_stream_changed", body)) is None


def test_zlmediakit_tells_which_viewer_left_when_it_reports_their_traffic() -> None:
    body = body_of("zlm", "on_flow_report", player=True)
    assert adapter("zlm").parse_hook(call_of("on_flow_report", body)) == ViewerLeft("cam1", "1-14")


def test_and_is_told_to_report_all_of_them() -> None:
    """By default it reports viewers who took more than 1 MiB."""
    docs = (Path(__file__).resolve().parents[3] / "docs" / "media.md").read_text()
    general = docs.partition("\n[general]\n")[2].partition("\n[")[0]
    assert "flowThreshold=0" in general.splitlines()


def test_a_callback_we_do_not_know_is_let_pass() -> None:
    assert adapter("zlm").parse_hook(call_of("on_server_keepalive", {"mediaServerId": "zlm1"})) is None
    assert adapter("srs").parse_hook(call_of("", {"action": "on_dvr", "app": "live", "stream": "cam1"})) is None


class TestAnswers:
    """Shapes as these servers read them."""

    def reply(self, kind: str, event: Event | None, verdict: Verdict) -> dict[str, object]:
        answer = adapter(kind).hook_reply(event, verdict)
        # Another status is a failure to them, which they repeat.
        assert answer.status == 200
        return answer.body

    @pytest.mark.parametrize("kind", ["zlm", "srs"])
    def test_allowed_is_code_0(self, kind: str) -> None:
        for event in (None, PublishAsked("a_0", "", ""), zlm_play(), HlsAsked("a_0", "")):
            assert self.reply(kind, event, Verdict())["code"] == 0

    @pytest.mark.parametrize("kind", ["zlm", "srs"])
    def test_refused_is_another_code_with_the_reason(self, kind: str) -> None:
        for event in (PublishAsked("a_0", "", ""), zlm_play(), HlsAsked("a_0", "")):
            answer = self.reply(kind, event, REFUSED)
            assert (answer["code"], answer["msg"]) == (403, "播放地址已过期")

    def test_zlmediakit_closes_for_an_absent_stream_unless_it_is_coming(self) -> None:
        gone, coming = Verdict(is_allowed=False), Verdict(is_coming=True)
        assert self.reply("zlm", StreamMissing("a_0"), gone) == {"code": 0, "msg": "success", "close": True}
        assert self.reply("zlm", StreamMissing("a_0"), coming)["close"] is False

    def test_zlmediakit_keeps_a_stream_that_nobody_watches(self) -> None:
        assert self.reply("zlm", ViewerLeft("a_0"), Verdict())["close"] is False

    def test_zlmediakit_reads_the_refusal_of_a_file_elsewhere(self) -> None:
        refused = self.reply("zlm", HlsAsked("a_0", ""), REFUSED)
        assert (refused["err"], refused["path"]) == ("播放地址已过期", "")
        assert self.reply("zlm", HlsAsked("a_0", ""), Verdict())["err"] == ""


class TestAddresses:
    def test_play_paths(self) -> None:
        assert adapter("zlm").play_paths("a_0") == PlayPaths("/live/a_0.live.flv", "/live/a_0.m3u8")
        assert adapter("srs").play_paths("a_0") == PlayPaths("/live/a_0.flv", "/live/a_0.m3u8")

    def test_srs_serves_streams_at_another_port_than_its_interface(self) -> None:
        urls = {"api_url": "http://10.0.0.5:1985/"}
        assert adapter("srs", **urls).internal_url("/live/a_0.flv") == "http://10.0.0.5:8080/live/a_0.flv"
        assert adapter("zlm", **urls).internal_url("/x") == "http://10.0.0.5:1985/x"

    @pytest.mark.parametrize(
        ("kind", "name", "path"),
        [
            ("zlm", "index.m3u8", "/live/a_0/hls.m3u8"),
            ("zlm", "2026-11-28/17/05-00_0.ts", "/live/a_0/2026-11-28/17/05-00_0.ts"),
            ("zlm", "../b_0/hls.m3u8", None),
            ("zlm", "x/../../b_0/1.ts", None),
            ("zlm", "/etc/1.ts", None),
            ("zlm", "hls.m3u8", None),
            ("zlm", "1.ts.mp4", None),
            ("srs", "index.m3u8", "/live/a_0.m3u8"),
            ("srs", "a_0-17.ts", "/live/a_0-17.ts"),
            ("srs", "b_0-17.ts", None),
            ("srs", "../live/a_0-17.ts", None),
            ("srs", "a_0-17.ts\n", None),
            ("srs", "a_0.flv", None),
            ("embedded", "index.m3u8", None),
        ],
    )
    def test_files_of_an_hls_session(self, kind: str, name: str, path: str | None) -> None:
        assert adapter(kind).hls_file("a_0", name) == path


def serving(*answers: object, status: int = 200) -> Any:
    """Answers in turn, the last one over and over."""
    left = [json.dumps(answer).encode() for answer in answers]

    def respond(_: Request) -> Reply:
        return Reply(left.pop(0) if len(left) > 1 else left[0], status)

    return peer_answering(respond)


def asked(peer: Peer) -> list[tuple[str, str, dict[str, str]]]:
    return [(request.method, request.path, request.query) for request in peer.requests]


class TestInterfaces:
    def test_zlmediakit_lists_a_stream_once_whatever_its_forms(self) -> None:
        with serving(answer_of("api_zlm_getMediaList")) as peer:
            found = adapter("zlm", peer.base_url).list_streams()
        assert found == [LiveStream("cam1", "H264", 320, 240, 30997 * 8 // 1000, 1999, 1)]
        query = {"secret": "s", "app": "live", "schema": "rtmp"}
        assert asked(peer) == [("GET", "/index/api/getMediaList", query)]

    def test_srs_counts_its_publisher_as_a_client(self) -> None:
        with serving(answer_of("api_srs_streams")) as peer:
            assert adapter("srs", peer.base_url).list_streams() == [
                LiveStream("cam1", "H264", 320, 240, 0, viewers=3)
            ]
        ((method, path, query),) = asked(peer)
        assert (method, path) == ("GET", "/api/v1/streams/")
        assert int(query["count"]) >= 40_000
        assert peer.requests[0].headers["authorization"] == "Basic YWRtaW46cw=="

    def test_one_stream_is_asked_for_alone(self) -> None:
        with serving(answer_of("api_zlm_getMediaList")) as peer:
            adapter("zlm", peer.base_url).list_streams(only="cam1")
        assert asked(peer)[0][2]["stream"] == "cam1"
        with serving(answer_of("api_srs_streams")) as peer:
            assert len(adapter("srs", peer.base_url).list_streams(only="cam1")) == 1
            assert adapter("srs", peer.base_url).list_streams(only="cam2") == []

    def test_what_srs_still_lists_after_its_end_is_not_there(self) -> None:
        answer = answer_of("api_srs_streams")
        answer["streams"][0]["publish"] = {"active": False}
        with serving(answer) as peer:
            assert adapter("srs", peer.base_url).list_streams() == []
            assert adapter("srs", peer.base_url).kick("cam1") == 0

    @pytest.mark.parametrize(("kind", "name"), [("zlm", "api_zlm_getMediaList"), ("srs", "api_srs_streams")])
    def test_of_another_application_nothing_is_listed(self, kind: str, name: str) -> None:
        text = json.dumps(answer_of(name)).replace('"app": "live"', '"app": "vod"')
        with serving(json.loads(text)) as peer:
            assert adapter(kind, peer.base_url).list_streams() == []

    def test_zlmediakit_ends_a_publisher(self) -> None:
        with serving({"code": 0, "count_hit": 1, "count_closed": 1}) as peer:
            assert adapter("zlm", peer.base_url).kick("cam1") == 1
        ((_, path, query),) = asked(peer)
        assert path == "/index/api/close_streams"
        assert (query["app"], query["stream"], query["force"]) == ("live", "cam1", "1")

    def test_srs_ends_a_publisher(self) -> None:
        with serving(answer_of("api_srs_streams"), {"code": 0}) as peer:
            peer_adapter = adapter("srs", peer.base_url)
            assert peer_adapter.kick("cam1") == 1
            assert asked(peer)[1:] == [("DELETE", "/api/v1/clients/937kp3kl", {})]

    @pytest.mark.parametrize(
        ("kind", "path", "query", "absent"),
        [
            ("zlm", "/index/api/kick_session", {"secret": "s", "id": "2-13"}, -1),
            ("zlm", "/index/api/kick_session", {"secret": "s", "id": "2-13"}, -500),
            ("srs", "/api/v1/clients/2-13", {}, 2049),
        ],
    )
    def test_one_viewer_is_ended(self, kind: str, path: str, query: dict[str, str], absent: int) -> None:
        with serving({"code": 0}, {"code": absent}, {"code": 1}) as peer:
            media = adapter(kind, peer.base_url)
            assert [media.end_viewer("2-13") for _ in range(2)] == [True, False]
            with pytest.raises(RemoteError):
                media.end_viewer("2-13")
        assert [(path, query)] * 3 == [(each[1], each[2]) for each in asked(peer)]

    def test_the_name_of_a_viewer_stays_within_its_path(self) -> None:
        with serving({"code": 0}) as peer:
            adapter("srs", peer.base_url).end_viewer("../streams?x=1")
        assert peer.requests[0].target == "/api/v1/clients/..%2Fstreams%3Fx%3D1"

    @pytest.mark.parametrize(
        ("kind", "answer", "said"),
        [
            ("zlm", {"code": -100, "msg": "Please login first"}, "Please login first"),
            ("zlm", {"code": 0, "data": "x"}, "data"),
            ("srs", {"code": 2048}, "2048"),
            ("srs", {"code": 0, "streams": [1]}, "streams"),
            ("srs", [], "JSON"),
        ],
    )
    def test_a_refusal_is_no_empty_list(self, kind: str, answer: object, said: str) -> None:
        with serving(answer) as peer, pytest.raises(RemoteError, match=said):
            adapter(kind, peer.base_url).list_streams()

    @pytest.mark.parametrize("kind", ["zlm", "srs"])
    def test_a_row_with_strange_values_is_read_as_far_as_it_can_be(self, kind: str) -> None:
        row = {"app": "live", "stream": "a_0", "name": "a_0", "schema": "rtmp", "publish": {"active": True}}
        odd = {"tracks": [1, {"codec_type": 0, "width": -1}], "video": "x", "kbps": 3, "totalReaderCount": 1e300}
        with serving({"code": 0, "data": [row | odd], "streams": [row | odd]}) as peer:
            assert adapter(kind, peer.base_url).list_streams() == [LiveStream("a_0")]
