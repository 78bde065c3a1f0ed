"""FLV over HTTP and WebSocket: who gets it, how it begins, who waits."""

import json
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from multidict import MultiDict

from protocol.play_urls import ORIGIN_UID, sign_path
from streaming.embedded.config import Limits
from streaming.embedded.tickets import RefusedError, check_play
from tests.streaming.embedded.conftest import PUBLISH_KEY, Media, media_config, play_target
from tests.streaming.embedded.peers import (
    WS_ACCEPT,
    WS_HEADERS,
    FlvTag,
    HttpPeer,
    Platform,
    ask,
    before,
    count_frames,
    pictures,
    read_tags,
    since,
    until,
)

PATH = "/live/shown.flv"
# Waiting would exceed the deadline of the test's own sockets.
PATIENT = Limits(wait_seconds=60)


@pytest.fixture(scope="module")
def shown(media: Media, clip: list[FlvTag]) -> Iterator[Media]:
    """The server with a stream that has been there for six seconds of its own time."""
    with media.publisher("shown") as publisher:
        publisher.send_tags(clip)
        media.until_live("shown", clip)
        yield media


def test_begins_with_the_last_key_frame(shown: Media, clip: list[FlvTag]) -> None:
    with shown.view(PATH) as viewer:
        assert viewer.read_head() == 200
        header, tags = read_tags(viewer, lambda tags: len(pictures(tags)) == 50)
    assert header == b"FLV\x01\x01\x00\x00\x00\x09\x00\x00\x00\x00"
    assert [tag.kind for tag in tags[:3]] == [18, 9, 9]
    assert tags[1].is_config
    assert tags[2].is_key
    assert tags[2].body == pictures(clip)[100].body
    assert [tag.at for tag in pictures(tags)] == list(range(0, 2000, 40))
    assert viewer.headers["content-type"] == "video/x-flv"
    assert viewer.headers["cache-control"] == "no-store"


def test_websocket_gives_the_same_bytes(shown: Media) -> None:
    with shown.view(PATH) as viewer:
        viewer.read_head()
        over_http = read_tags(viewer, lambda tags: len(pictures(tags)) == 50)
    with shown.view(PATH, headers=WS_HEADERS) as viewer:
        assert viewer.read_head() == 101
        assert viewer.headers["sec-websocket-accept"] == WS_ACCEPT
        assert read_tags(viewer, lambda tags: len(pictures(tags)) == 50) == over_http


def test_http_1_0_gets_no_chunks(shown: Media) -> None:
    with HttpPeer(shown.http_port, play_target(PATH)) as viewer:
        viewer.read_head()
    plain = HttpPeer(shown.http_port, play_target(PATH) + " HTTP/1.0\r\nX:")
    with plain:
        plain.read_head()
        assert plain._file.read(3) == b"FLV"


def test_sound_is_promised_only_where_it_is(media: Media, sound_clip: list[FlvTag]) -> None:
    with media.publisher("sounding") as publisher:
        publisher.send_tags(sound_clip)
        assert media.until_live("sounding")["has_audio"] is True
        with media.view("/live/sounding.flv") as viewer:
            viewer.read_head()
            header, tags = read_tags(viewer, lambda tags: len(pictures(tags)) == 50)
    assert header[4] == 5
    assert b"audiocodecid" in tags[0].body
    assert [tag.kind for tag in tags if tag.is_config] == [9, 8]
    assert sum(tag.kind == 8 for tag in tags) > 50


def test_promised_sound_that_never_comes_is_not_promised_on(media: Media, clip: list[FlvTag]) -> None:
    with media.publisher("mute") as publisher:
        publisher.metadata(videocodecid=7.0, audiocodecid=10.0)
        publisher.send_tags([tag for tag in clip if tag.kind == 9])
        assert media.until_live("mute")["has_audio"] is False


def test_without_metadata_sound_is_waited_for(media: Media, sound_clip: list[FlvTag]) -> None:
    with media.publisher("bare") as publisher:
        publisher.send_tags([tag for tag in sound_clip if tag.kind in (8, 9)])
        assert media.until_live("bare")["has_audio"] is True


def test_sound_that_browsers_cannot_play_is_left_out(media: Media, clip: list[FlvTag]) -> None:
    g711 = [FlvTag(8, at, b"\x72" + bytes(160)) for at in range(0, 6000, 20)]
    with media.publisher("g711") as publisher:
        publisher.metadata(videocodecid=7.0, audiocodecid=7.0)
        mixed = sorted([tag for tag in clip if tag.kind == 9] + g711, key=lambda tag: (tag.at, tag.kind))
        publisher.send_tags(mixed)
        assert media.until_live("g711")["has_audio"] is False
        with media.view("/live/g711.flv") as viewer:
            viewer.read_head()
            header, tags = read_tags(viewer, lambda tags: len(pictures(tags)) == 50)
    assert header[4] == 1
    assert 8 not in {tag.kind for tag in tags}


def test_ffmpeg_decodes_what_follows(media: Media, clip: list[FlvTag]) -> None:
    """Joining in the middle: the cached group of pictures and the live ones after it."""
    by_group = before(clip, 4000), since(clip, 4000)
    with media.publisher("decoded") as publisher:
        publisher.send_tags(by_group[0])
        media.until_live("decoded")
        url = f"http://127.0.0.1:{media.http_port}{play_target('/live/decoded.flv')}"
        counted: list[int] = []
        counting = threading.Thread(target=lambda: counted.append(count_frames(url)))
        counting.start()
        until(lambda: media.streams()["decoded"]["viewers"] == 1)
        publisher.send_tags(by_group[1])
    counting.join()
    assert counted == [100]


REFUSED = [
    PATH,
    play_target(PATH, seconds=-2),
    play_target(PATH, key="another-key"),
    play_target(PATH, key=PUBLISH_KEY),
    f"{PATH}?{play_target('/live/other.flv').partition('?')[2]}",
    f"{PATH}?{play_target('/live/shown.m3u8').partition('?')[2]}",
    play_target(PATH) + "&" + play_target(PATH).partition("?")[2],
    play_target(PATH) + "&auth_key=",
    f"{PATH}?auth_key=",
    f"{PATH}?auth_key=%00",
    f"{PATH}?auth_key=" + "1" * 4000,
    play_target(PATH).replace("auth_key", "AUTH_KEY"),
]
REFUSED_IDS = [
    "bare",
    "expired",
    "forged",
    "publish key",
    "other stream",
    "other form",
    "repeated",
    "repeated empty",
    "empty",
    "zero byte",
    "long",
    "other name",
]


@pytest.mark.parametrize("target", REFUSED, ids=REFUSED_IDS)
@pytest.mark.parametrize("headers", ["", WS_HEADERS], ids=["http", "websocket"])
def test_refuses_at_once_with_403(shown: Media, target: str, headers: str) -> None:
    answer = ask(shown.http_port, target, headers=headers)
    assert answer.status == 403
    assert json.loads(answer.body)["code"] == 403
    assert json.loads(answer.body)["msg"].startswith("播放地址")


def test_an_absent_stream_is_refused_for_its_signature_first(media: Media) -> None:
    assert ask(media.http_port, "/live/absent.flv?auth_key=1-0-0-0").status == 403
    assert ask(media.http_port, play_target("/live/absent.flv")).status == 404


def test_the_backup_key_is_good_as_well(shown: Media) -> None:
    assert ask(shown.http_port, play_target(PATH, key="play-key-backup"), method="HEAD").status == 200


def test_an_opened_stream_goes_on_after_its_url_has_died(media: Media, clip: list[FlvTag]) -> None:
    with media.publisher("lasting") as publisher:
        publisher.send_tags(before(clip, 4000))
        media.until_live("lasting", before(clip, 4000))
        target = play_target("/live/lasting.flv", seconds=5)
        with HttpPeer(media.http_port, target) as viewer:
            assert viewer.read_head() == 200
            until(lambda: ask(media.http_port, target, method="HEAD").status == 403)
            publisher.send_tags(since(clip, 4000))
            _, tags = read_tags(viewer, lambda tags: len(pictures(tags)) == 100)
    assert len(pictures(tags)) == 100


def test_head_and_options(shown: Media) -> None:
    head = ask(shown.http_port, play_target(PATH), method="HEAD")
    assert (head.status, head.headers["content-type"], head.body) == (200, "video/x-flv", b"")
    assert ask(shown.http_port, PATH, method="HEAD").status == 403
    assert ask(shown.http_port, play_target("/live/absent.flv"), method="HEAD").status == 404
    options = ask(shown.http_port, PATH, method="OPTIONS", headers="Origin: http://map.example\r\n")
    assert options.status == 204
    assert options.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
    post = ask(shown.http_port, play_target(PATH), method="POST")
    assert (post.status, post.headers["allow"]) == (405, "GET,HEAD")


@pytest.mark.parametrize(
    ("target", "status"),
    [("/", 404), ("/live/", 404), ("/live/a/b/c", 404), ("/live/x.mp4", 404), ("/healthz", 200)],
)
def test_other_addresses_answer_in_json(media: Media, target: str, status: int) -> None:
    answer = ask(media.http_port, target)
    assert answer.status == status
    assert isinstance(json.loads(answer.body), dict)


@pytest.mark.parametrize("target", ["/healthz", PATH, "/live/absent.flv", "/nowhere"])
def test_any_origin_may_read_by_default(media: Media, target: str) -> None:
    if target == "/live/absent.flv":
        # Signed when it is asked for, as it is good for seconds.
        target = play_target(target)
    answer = ask(media.http_port, target, headers="Origin: http://map.example\r\n")
    assert answer.headers["access-control-allow-origin"] == "*"


def test_only_configured_origins_may_read(start_media: Callable[..., Media], clip: list[FlvTag]) -> None:
    media = start_media(cors_origins=("http://console.example",))
    with media.publisher("guarded") as publisher:
        publisher.send_tags(clip)
        media.until_live("guarded", clip)
        target = play_target("/live/guarded.flv")
        ours, foreign = "Origin: http://console.example\r\n", "Origin: http://map.example\r\n"
        allowed = ask(media.http_port, target, method="HEAD", headers=ours)
        assert allowed.headers["access-control-allow-origin"] == "http://console.example"
        refused = ask(media.http_port, target, method="HEAD", headers=foreign)
        assert "access-control-allow-origin" not in refused.headers
        assert refused.headers["vary"] == "Origin"
        assert ask(media.http_port, target, headers=WS_HEADERS + foreign).status == 403
        with HttpPeer(media.http_port, target, headers=WS_HEADERS + ours) as viewer:
            assert viewer.read_head() == 101


def test_the_platform_is_asked_for_an_absent_stream(
    start_media: Callable[..., Media], platform: Platform, clip: list[FlvTag]
) -> None:
    platform.answers["not_found"] = {"code": 0, "wait": True}
    media = start_media(platform_url=platform.url)
    with media.view("/live/coming.flv") as viewer:
        asked = until(lambda: platform.last("coming", "not_found"))
        assert (asked["app"], asked["protocol"], asked["address"]) == ("live", "flv", "127.0.0.1")
        with media.publisher("coming") as publisher:
            publisher.send_tags(clip)
            assert viewer.read_head() == 200
            _, tags = read_tags(viewer, lambda tags: bool(pictures(tags)))
            assert pictures(tags)[0].is_key
        until(lambda: platform.last("coming", "stop"))
    assert platform.of("coming")[:3] == ["not_found", "publish", "play"]


def test_a_push_that_was_begun_and_never_comes_is_404(
    start_media: Callable[..., Media], platform: Platform
) -> None:
    platform.answers["not_found"] = {"code": 0, "wait": True}
    limits = Limits(wait_seconds=1.0)
    media = start_media(platform_url=platform.url, limits=limits)
    with media.view("/live/never.flv") as viewer:
        asked_at = until(lambda: platform.last("never", "not_found"))["at"]
        assert viewer.read_head() == 404
    again = ask(media.http_port, play_target("/live/never.flv"))
    assert again.status == 404
    assert platform.last("never", "not_found")["at"] - asked_at >= limits.wait_seconds


@pytest.mark.parametrize(
    "answer", [{"code": 0, "wait": False}, {"code": 0}, {"code": 500, "wait": True}, {"wait": 1}]
)
def test_no_push_begun_is_404_at_once(
    start_media: Callable[..., Media], platform: Platform, answer: dict[str, object]
) -> None:
    platform.answers["not_found"] = answer
    media = start_media(platform_url=platform.url, limits=PATIENT)
    assert ask(media.http_port, play_target("/live/none.flv")).status == 404


def test_a_dead_platform_is_404_at_once(start_media: Callable[..., Media]) -> None:
    media = start_media(platform_url="http://127.0.0.1:1", limits=PATIENT)
    assert ask(media.http_port, play_target("/live/none.flv")).status == 404


def test_a_silent_platform_is_waited_for_no_longer_than_a_stream(
    start_media: Callable[..., Media], platform: Platform
) -> None:
    platform.hold = threading.Event()
    media = start_media(platform_url=platform.url, limits=Limits(wait_seconds=1.0, hook_seconds=60))
    began = time.monotonic()
    assert ask(media.http_port, play_target("/live/none.flv")).status == 404
    assert time.monotonic() - began >= 1.0


def test_a_silent_platform_does_not_keep_a_stream_that_comes(
    start_media: Callable[..., Media], platform: Platform, clip: list[FlvTag]
) -> None:
    platform.hold = threading.Event()
    media = start_media(platform_url=platform.url)
    with media.view("/live/anyway.flv") as viewer, media.publisher("anyway") as publisher:
        publisher.send_tags(clip)
        assert viewer.read_head() == 200


def test_viewers_who_ask_together_share_one_question(
    start_media: Callable[..., Media], platform: Platform
) -> None:
    platform.hold = threading.Event()
    media = start_media(platform_url=platform.url)
    with media.view("/live/many.flv") as first, media.view("/live/many.flv") as second:
        until(lambda: platform.secrets)
        platform.hold.set()
        assert (first.read_head(), second.read_head()) == (404, 404)
    assert platform.of("many") == ["not_found"]


def test_play_and_stop_are_told(
    start_media: Callable[..., Media], platform: Platform, clip: list[FlvTag]
) -> None:
    media = start_media(platform_url=platform.url)
    with media.publisher("counted") as publisher:
        publisher.send_tags(clip)
        media.until_live("counted", clip)
        with media.view("/live/counted.flv", headers=WS_HEADERS) as viewer:
            viewer.read_head()
            played = until(lambda: platform.last("counted", "play"))
            assert media.streams()["counted"]["viewers"] == 1
        stopped = until(lambda: platform.last("counted", "stop"))
    assert (played["protocol"], played["address"]) == ("ws", "127.0.0.1")
    assert played["query"].startswith("auth_key=")
    assert (stopped["client_id"], stopped["reason"]) == (played["client_id"], "left")
    assert stopped["bytes"] > 1000


def test_one_viewer_can_be_kicked(
    start_media: Callable[..., Media], platform: Platform, clip: list[FlvTag]
) -> None:
    media = start_media(platform_url=platform.url)
    with media.publisher("chosen") as publisher:
        publisher.send_tags(clip)
        media.until_live("chosen", clip)
        with media.view("/live/chosen.flv") as viewer:
            viewer.read_head()
            client_id = until(lambda: platform.last("chosen", "play"))["client_id"]
            assert media.kick(client_id=client_id) == 1
            assert until(lambda: platform.last("chosen", "stop"))["reason"] == "kicked"
        assert media.streams()["chosen"]["viewers"] == 0


@pytest.mark.parametrize("more", ["&x=%ff", "&x=%00&y"])
def test_odd_queries_of_a_signed_url_are_carried_to_the_platform(
    start_media: Callable[..., Media], platform: Platform, clip: list[FlvTag], more: str
) -> None:
    media = start_media(platform_url=platform.url)
    with media.publisher("odd") as publisher:
        publisher.send_tags(clip)
        media.until_live("odd", clip)
        with HttpPeer(media.http_port, play_target("/live/odd.flv") + more) as viewer:
            assert viewer.read_head() == 200
            assert until(lambda: platform.last("odd", "play"))["query"].startswith("auth_key=")


def test_a_secret_of_odd_bytes_is_refused(media: Media) -> None:
    assert ask(media.http_port, "/api/streams", headers="X-Media-Secret: \udcff\r\n").status == 403


def test_a_signature_of_the_decoded_path_is_meant(shown: Media) -> None:
    auth_key = sign_path(PATH, "play-key-main", timestamp=4_000_000_000)
    assert ask(shown.http_port, f"/live/%73hown.flv?auth_key={auth_key}", method="HEAD").status == 200


def test_a_cdn_takes_streams_with_the_key_of_the_origin(shown: Media) -> None:
    config = media_config(origin_keys=("", "of-the-cdn"))
    assert check_play(config, PATH, MultiDict(origin_key="of-the-cdn")) == ORIGIN_UID
    for given in ({"origin_key": ""}, {"origin_key": "another"}, {}):
        with pytest.raises(RefusedError):
            check_play(config, PATH, MultiDict(given))
    with pytest.raises(RefusedError):
        check_play(config, PATH, MultiDict([("origin_key", "of-the-cdn")] * 2))
    assert ask(shown.http_port, f"{PATH}?origin_key=of-the-cdn").status == 403
