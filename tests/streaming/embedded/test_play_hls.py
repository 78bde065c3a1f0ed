"""HLS over HTTP: entry, session, waiting, refusals."""

import json
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from protocol.play_urls import sign_hls_session
from streaming.embedded.config import Limits
from tests.streaming.embedded.conftest import HLS_KEY, Media, play_target
from tests.streaming.embedded.peers import (
    Answer,
    FlvTag,
    Platform,
    ask,
    before,
    count_frames,
    since,
    until,
)
from tests.streaming.embedded.test_hls import numbers

ENTRY = "/live/shown.m3u8"


@pytest.fixture(scope="module")
def shown(media: Media, clip: list[FlvTag]) -> Iterator[Media]:
    with media.publisher("shown") as publisher:
        publisher.send_tags(clip)
        media.until_live("shown", clip)
        yield media


def enter(media: Media, entry: str = ENTRY) -> str:
    """The address of the session's playlist."""
    answer = ask(media.http_port, play_target(entry))
    assert answer.status == 302, answer
    return answer.headers["location"]


def session(stream: str, expires: int, *, key: str = HLS_KEY, app: str = "live") -> str:
    return f"/s/{expires}/{sign_hls_session(key, app, stream, expires)}-0-0/live/{stream}"


def test_sessions_of_one_second_are_told_apart(shown: Media) -> None:
    assert len({enter(shown) for _ in range(5)}) == 5


def later() -> int:
    return int(time.time()) + 600


def test_the_entry_leads_to_a_session(shown: Media) -> None:
    answer = ask(shown.http_port, play_target(ENTRY), headers="Origin: http://map.example\r\n")
    assert answer.status == 302
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "no-store"
    prefix, expires, signature, rest = answer.headers["location"].split("/", 4)[1:]
    mac, uid, nonce = signature.split("-")
    assert (prefix, rest) == ("s", "live/shown/index.m3u8")
    assert (sign_hls_session(HLS_KEY, "live", "shown", int(expires), "0", nonce), uid) == (mac, "0")
    assert int(expires) > time.time() + 3000


@pytest.mark.parametrize(
    "target",
    [
        ENTRY,
        play_target(ENTRY, seconds=-2),
        play_target(ENTRY, key="wrong"),
        f"{ENTRY}?{play_target('/live/shown.flv').partition('?')[2]}",
        play_target(ENTRY) + "&" + play_target(ENTRY).partition("?")[2],
    ],
    ids=["bare", "expired", "forged", "other form", "repeated"],
)
def test_the_entry_refuses(shown: Media, target: str) -> None:
    answer = ask(shown.http_port, target)
    assert answer.status == 403
    assert "location" not in answer.headers


def test_head_of_the_entry_waits_for_nobody(shown: Media) -> None:
    assert ask(shown.http_port, play_target(ENTRY), method="HEAD").status == 302
    assert ask(shown.http_port, play_target("/live/absent.m3u8"), method="HEAD").status == 404


def test_an_absent_stream_is_404(media: Media) -> None:
    assert ask(media.http_port, play_target("/live/absent.m3u8")).status == 404


def test_the_first_playlist_waits_for_the_first_segment(media: Media, clip: list[FlvTag]) -> None:
    with media.publisher("first") as publisher:
        publisher.send_tags(before(clip, 1900))
        media.until_live("first", before(clip, 1900))
        playlist = enter(media, "/live/first.m3u8")
        answers: list[Answer] = []
        asking = threading.Thread(target=lambda: answers.append(ask(media.http_port, playlist)))
        asking.start()
        until(lambda: media.streams()["first"]["viewers"] == 1)
        publisher.send_tags(since(clip, 1900))
        asking.join()
        assert answers[0].status == 200
        assert answers[0].headers["content-type"] == "application/vnd.apple.mpegurl"
        assert answers[0].headers["cache-control"] == "no-store"
        names = numbers(answers[0].body.decode())
        segment = ask(media.http_port, f"{playlist.rpartition('/')[0]}/{names[0]}.ts")
        assert (segment.status, segment.headers["content-type"]) == (200, "video/mp2t")
        assert segment.headers["access-control-allow-origin"] == "*"
        assert len(segment.body) % 188 == 0
        assert ask(media.http_port, f"{playlist.rpartition('/')[0]}/{names[0] - 1}.ts").status == 404


def test_a_stream_that_stands_still_is_404_after_the_wait(shown: Media) -> None:
    assert ask(shown.http_port, enter(shown)).status == 404


@pytest.mark.parametrize(
    ("prefix", "status"),
    [
        (session("shown", later(), key="wrong"), 403),
        (session("other", later()).replace("other", "shown"), 403),
        (session("shown", later(), app="other"), 403),
        (session("shown", later()).replace("/s/", "/s/1"), 403),
        (session("shown", later()).replace("/s/", "/s/0"), 403),
        (session("shown", later()).replace("/s/1", "/s/%EF%BC%91"), 403),
        (session("shown", later()).replace("-0-0/", "-p1-0/"), 403),
        (session("shown", later()).replace("-0-0/", "-0-1/"), 403),
        (session("shown", later()).replace("-0-0/", "-0/"), 403),
        (session("shown", int(time.time()) - 5), 410),
        (session("shown", int(time.time()) - 5, key="wrong"), 403),
        ("/live/shown", 403),
        ("/s/1/2/live/shown", 403),
        ("/s/x/2/live/shown", 403),
        ("/s//live/shown", 403),
        (session("shown", later()) + "/../other", 403),
        (session("shown", later()) + "/%2e%2e/other", 403),
        (session("shown", later()) + "/..%5cother", 403),
    ],
    ids=[
        "forged",
        "other stream",
        "other app",
        "moved expiry",
        "leading zero",
        "digit of another script",
        "other viewer",
        "other session",
        "no nonce",
        "over",
        "over and forged",
        "no session",
        "short mac",
        "no expiry",
        "no mac",
        "climbing",
        "climbing encoded",
        "climbing backslash",
    ],
)
@pytest.mark.parametrize("name", ["index.m3u8", "7000000000.ts"])
def test_playlist_and_segments_want_their_session(shown: Media, prefix: str, status: int, name: str) -> None:
    answer = ask(shown.http_port, f"{prefix}/{name}")
    assert answer.status == status
    assert json.loads(answer.body)["code"] == status


def test_ffmpeg_plays_from_an_entry_that_dies(
    start_media: Callable[..., Media], sound_clip: list[FlvTag]
) -> None:
    media = start_media(limits=Limits(wait_seconds=8.0, grace_seconds=1.0, media_idle_seconds=300))
    frames: list[int] = []
    by_group = [[tag for tag in sound_clip if tag.at // 1000 == second] for second in range(4)]
    with media.publisher("played") as publisher:
        publisher.send_tags([tag for second in by_group[:3] for tag in second])
        media.until_live("played")
        entry = play_target("/live/played.m3u8", seconds=5)
        url = f"http://127.0.0.1:{media.http_port}{entry}"
        playing = threading.Thread(target=lambda: frames.append(count_frames(url, "-t", "7.9")))
        playing.start()
        until(lambda: media.streams()["played"]["viewers"] == 1)
        until(lambda: ask(media.http_port, entry, method="HEAD").status == 403, what="the entry dead")
        shift = 0
        while playing.is_alive():
            publisher.send_tags(by_group[3], shift=shift)
            shift += 1000
            for second in by_group:
                publisher.send_tags([tag for tag in second if not tag.is_config], shift=shift + 3000)
            shift += 3000
            playing.join(1.0)
    assert frames[0] >= 195


def test_sessions_are_counted_told_and_kicked(
    start_media: Callable[..., Media], platform: Platform, clip: list[FlvTag]
) -> None:
    media = start_media(platform_url=platform.url)
    with media.publisher("counted") as publisher:
        publisher.send_tags(before(clip, 1900))
        media.until_live("counted", before(clip, 1900))
        playlist = enter(media, "/live/counted.m3u8")
        asking = threading.Thread(target=lambda: ask(media.http_port, playlist))
        asking.start()
        played = until(lambda: platform.last("counted", "play"))
        publisher.send_tags(since(clip, 1900))
        asking.join()
        assert ask(media.http_port, playlist).status == 200
        assert media.streams()["counted"]["viewers"] == 1
        assert played["protocol"] == "hls"
        assert media.kick(client_id=played["client_id"]) == 1
        assert until(lambda: platform.last("counted", "stop"))["reason"] == "kicked"
        assert ask(media.http_port, playlist).status == 410
        assert media.kick(client_id=played["client_id"]) == 0
    assert platform.of("counted").count("play") == 1


def test_an_idle_session_ends_and_packaging_with_it(
    start_media: Callable[..., Media], platform: Platform, clip: list[FlvTag]
) -> None:
    media = start_media(
        platform_url=platform.url,
        limits=Limits(hls_idle_seconds=0.2, wait_seconds=0.1, media_idle_seconds=300),
    )
    with media.publisher("idle") as publisher:
        publisher.send_tags(clip)
        media.until_live("idle", clip)
        assert ask(media.http_port, enter(media, "/live/idle.m3u8")).status == 404
        assert until(lambda: platform.last("idle", "stop"))["reason"] == "left"
        assert media.streams()["idle"]["viewers"] == 0


def test_a_session_survives_the_return_of_its_stream(media: Media, clip: list[FlvTag]) -> None:
    with media.publisher("returning") as publisher:
        publisher.send_tags(clip)
        media.until_live("returning", clip)
        playlist = enter(media, "/live/returning.m3u8")
    until(lambda: "returning" not in media.streams())
    with media.publisher("returning") as publisher:
        publisher.send_tags(before(clip, 3900))
        media.until_live("returning", before(clip, 3900))
        answers: list[Answer] = []
        asking = threading.Thread(target=lambda: answers.append(ask(media.http_port, playlist)))
        asking.start()
        until(lambda: media.streams()["returning"]["viewers"] == 1)
        publisher.send_tags(since(clip, 3900))
        asking.join()
    assert answers[0].status == 200
