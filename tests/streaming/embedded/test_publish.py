"""Who may publish, and what becomes of the stream."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from streaming.embedded.config import Limits
from tests.streaming.embedded.conftest import PLAY_KEY, SECRET, Media, publish_auth
from tests.streaming.embedded.peers import (
    DEADLINE_SECONDS,
    FlvTag,
    Platform,
    Publisher,
    ask,
    ffmpeg,
    pictures,
    read_tags,
    until,
)


@pytest.mark.parametrize(
    ("name", "auth_key"),
    [
        ("refused", None),
        ("refused", publish_auth("refused", seconds=-10)),
        ("refused", publish_auth("refused", key=PLAY_KEY)),
        ("refused", publish_auth("other")),
        ("refused", publish_auth("refused") + "&auth_key=" + publish_auth("refused")),
        ("refused", "0-0-0-0"),
        ("re.fused", publish_auth("re.fused")),
        ("../refused", publish_auth("../refused")),
    ],
    ids=["none", "expired", "play key", "other stream", "repeated", "junk", "dot", "climbing"],
)
def test_refuses_a_publisher(media: Media, name: str, auth_key: str | None) -> None:
    with Publisher(media.rtmp_port) as publisher:
        assert publisher.publish("live", name, auth_key) == "NetStream.Publish.Denied"
        assert publisher.is_closed()
    assert name not in media.streams()


def test_refuses_a_name_that_a_route_owns(media: Media) -> None:
    with Publisher(media.rtmp_port) as publisher:
        assert publisher.publish("api", "streams", publish_auth("streams")) == "NetStream.Publish.Denied"


def test_refuses_to_play_over_rtmp(media: Media) -> None:
    command = [
        ffmpeg(),
        "-v",
        "error",
        "-i",
        f"rtmp://127.0.0.1:{media.rtmp_port}/live/any",
        "-f",
        "null",
        "-",
    ]
    done = subprocess.run(command, capture_output=True, timeout=20, stdin=subprocess.DEVNULL)
    assert done.returncode != 0


def test_lists_what_is_published(media: Media, clip: list[FlvTag]) -> None:
    with media.publisher("listed") as publisher:
        publisher.send_tags(clip)
        until(lambda: media.streams().get("listed", {}).get("gop_seconds"), what="two key frames")
        facts = media.streams()["listed"]
    assert (facts["app"], facts["codec"], facts["width"], facts["height"]) == ("live", "H264", 352, 288)
    assert (facts["fps"], facts["gop_seconds"], facts["has_audio"]) == (25.0, 2.0, False)
    assert 50 < facts["bitrate_kbps"] < 600
    assert facts["publisher"]["address"] == "127.0.0.1"


def test_a_publisher_of_small_chunks_arrives_whole(media: Media, clip: list[FlvTag]) -> None:
    with media.publisher("small-chunks", chunk_size=128) as publisher:
        publisher.send_tags(clip)
        media.until_live("small-chunks", clip)
        with media.view("/live/small-chunks.flv") as viewer:
            viewer.read_head()
            _, tags = read_tags(viewer, lambda tags: len(pictures(tags)) == 50)
    assert [tag.body for tag in pictures(tags)] == [tag.body for tag in pictures(clip)[100:]]


@pytest.mark.parametrize(
    ("body", "codec"),
    [
        (b"\x1c\x00\x00\x00\x00" + bytes(40), "H265"),
        (b"\x90hvc1" + bytes(40), "H265"),
        (b"\x90av01" + bytes(40), "AV1"),
        (b"\x12" + bytes(40), "H263"),
        (b"\x17\x00\x00\x00\x00junk", "H264: no decoder configuration record"),
    ],
)
def test_refuses_by_name_what_is_not_h264(
    start_media: Callable[..., Media], platform: Platform, body: bytes, codec: str
) -> None:
    media = start_media(platform_url=platform.url)
    with media.publisher("modern") as publisher:
        publisher.send(9, body, chunk_stream=6, stream_id=1)
        assert publisher.read_status() == "NetStream.Publish.BadName"
        assert publisher.is_closed()
    assert until(lambda: platform.last("modern", "refused_codec"))["codec"] == codec
    assert "publish" not in platform.of("modern")
    assert "modern" not in media.streams()


def test_tells_the_platform_of_coming_and_going(
    start_media: Callable[..., Media], platform: Platform, clip: list[FlvTag]
) -> None:
    media = start_media(platform_url=platform.url)
    with media.publisher("told") as publisher:
        publisher.send_tags(clip)
        came = until(lambda: platform.last("told", "publish"))
    assert (came["codec"], came["width"], came["has_audio"]) == ("H264", 352, False)
    assert came["address"] == "127.0.0.1"
    assert came["query"].startswith("auth_key=")
    went = until(lambda: platform.last("told", "unpublish"))
    assert went["client_id"] == came["client_id"]
    assert platform.secrets == {SECRET}
    assert platform.paths == {"/hooks/media/embedded"}


def test_a_newer_publisher_takes_over(
    start_media: Callable[..., Media], platform: Platform, clip: list[FlvTag], larger_clip: list[FlvTag]
) -> None:
    media = start_media(platform_url=platform.url)
    with media.publisher("twice") as old, media.publisher("twice") as new:
        old.send_tags(clip)
        media.until_live("twice")
        new.send_tags(larger_clip)
        assert old.is_closed()
        until(lambda: media.streams().get("twice", {}).get("width") == 640, what="the newer one's picture")
    until(lambda: "unpublish" in platform.of("twice"))
    assert platform.of("twice") == ["publish", "publish", "unpublish"]


def test_a_newer_publisher_without_h264_hurts_nobody(media: Media, clip: list[FlvTag]) -> None:
    with media.publisher("kept") as good, media.publisher("kept") as bad:
        good.send_tags(clip)
        media.until_live("kept")
        bad.send(9, b"\x1c\x00\x00\x00\x00" + bytes(40), chunk_stream=6, stream_id=1)
        assert bad.is_closed()
        assert media.streams()["kept"]["width"] == 352


def test_viewers_survive_a_short_restart(media: Media, clip: list[FlvTag], larger_clip: list[FlvTag]) -> None:
    with media.publisher("restarted") as publisher:
        publisher.send_tags(clip, shift=500_000)
        media.until_live("restarted", clip)
        viewer = media.view("/live/restarted.flv")
        assert viewer.read_head() == 200
    with media.publisher("restarted") as publisher, viewer:
        publisher.send_tags(larger_clip)
        _, tags = read_tags(viewer, lambda tags: len(pictures(tags)) == 50 + 100)
    configs = [tag for tag in tags if tag.is_config]
    assert [tag.body for tag in configs] == [tags_config(clip), tags_config(larger_clip)]
    first_of_new = tags.index(configs[1]) + 1
    assert tags[first_of_new].is_key
    stamps = [tag.at for tag in pictures(tags)]
    assert stamps == sorted(stamps)
    assert {later - earlier for earlier, later in zip(stamps, stamps[1:], strict=False)} == {40}


def tags_config(tags: list[FlvTag]) -> bytes:
    return next(tag.body for tag in tags if tag.kind == 9 and tag.is_config)


def test_the_stream_ends_when_nobody_returns(media: Media, clip: list[FlvTag]) -> None:
    with media.publisher("ended") as publisher:
        publisher.send_tags(clip)
        media.until_live("ended", clip)
        viewer = media.view("/live/ended.flv")
        viewer.read_head()
    with viewer:
        _, tags = read_tags(viewer, lambda tags: False)
    assert len(pictures(tags)) == 50
    assert "ended" not in media.streams()


def test_a_wall_clock_of_32_bits_does_not_wrap_for_viewers(media: Media, clip: list[FlvTag]) -> None:
    with media.publisher("wrapping") as publisher:
        publisher.send_tags(clip, shift=0xFFFFFFFF - 5000)
        media.until_live("wrapping", clip)
        with media.view("/live/wrapping.flv") as viewer:
            viewer.read_head()
            _, tags = read_tags(viewer, lambda tags: len(pictures(tags)) == 50)
    assert [tag.at for tag in pictures(tags)] == list(range(0, 2000, 40))


def test_ffmpeg_crosses_the_24_bits_of_a_plain_timestamp(media: Media) -> None:
    address = f"rtmp://127.0.0.1:{media.rtmp_port}/live/real?auth_key={publish_auth('real')}"
    source = ["-re", "-f", "lavfi", "-i", "testsrc2=s=352x288:r=25", "-pix_fmt", "yuv420p", "-c:v", "libx264"]
    options = ["-preset", "ultrafast", "-g", "25", "-output_ts_offset", "16776", "-f", "flv", address]
    publisher = subprocess.Popen([ffmpeg(), "-v", "error", *source, *options], stdin=subprocess.DEVNULL)
    try:
        media.until_live("real")
        with media.view("/live/real.flv") as viewer:
            viewer.read_head()
            _, tags = read_tags(viewer, lambda tags: len(pictures(tags)) >= 50)
    finally:
        publisher.terminate()
        publisher.wait(DEADLINE_SECONDS)
    assert pictures(tags)[0].is_key
    stamps = [tag.at for tag in pictures(tags)]
    assert [later - earlier for earlier, later in zip(stamps, stamps[1:], strict=False)] == [40] * (
        len(stamps) - 1
    )


def test_a_real_highway_clip_passes_unchanged(media: Media, road_video: Path, tmp_path: Path) -> None:
    copy = tmp_path / "road.flv"
    subprocess.run(
        [ffmpeg(), "-v", "error", "-i", str(road_video), "-c", "copy", "-t", "6", str(copy)], check=True
    )
    address = f"rtmp://127.0.0.1:{media.rtmp_port}/live/road?auth_key={publish_auth('road')}"
    command = [
        ffmpeg(),
        "-v",
        "error",
        "-re",
        "-stream_loop",
        "-1",
        "-i",
        str(copy),
        "-c",
        "copy",
        "-f",
        "flv",
        address,
    ]
    publisher = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        facts = media.until_live("road")
    finally:
        publisher.terminate()
        publisher.wait(DEADLINE_SECONDS)
    assert (facts["width"], facts["height"]) == (320, 240)


def test_a_stream_is_listed_with_its_viewers_while_its_publisher_reconnects(
    start_media: Callable[..., Media], clip: list[FlvTag]
) -> None:
    media = start_media(limits=Limits(grace_seconds=600))
    with media.publisher("back") as publisher:
        publisher.send_tags(clip)
        media.until_live("back")
        viewer = media.view("/live/back.flv")
        viewer.read_head()
        until(lambda: media.streams()["back"]["viewers"] == 1)
    stream = media.server.hub.streams["live", "back"]
    until(lambda: stream.publisher is None, what="gone")
    assert media.streams()["back"]["viewers"] == 1
    with viewer, media.publisher("back") as again:
        # No key frame yet.
        again.send_tags(clip[:3])
        until(lambda: stream.publisher is not None, what="back")
        assert media.streams()["back"]["viewers"] == 1


def test_one_stream_is_listed_alone(media: Media, clip: list[FlvTag]) -> None:
    def listed(query: str) -> list[str]:
        answer = ask(media.http_port, f"/api/streams?{query}", headers=f"X-Media-Secret: {SECRET}\r\n")
        return [line["stream"] for line in json.loads(answer.body)["streams"]]

    with media.publisher("one") as one, media.publisher("other") as other:
        for name, publisher in (("one", one), ("other", other)):
            publisher.send_tags(clip)
            media.until_live(name)
        assert listed("app=live&stream=one") == ["one"]
        assert listed("app=live&stream=none") == listed("app=vod&stream=one") == listed("stream=one") == []


def test_a_stream_is_not_listed_before_its_first_picture(media: Media, clip: list[FlvTag]) -> None:
    headers = [tag for tag in clip if not tag.is_picture]
    with media.publisher("empty") as publisher:
        publisher.send_tags(headers)
        until(lambda: ("live", "empty") in media.server.hub.streams, what="there")
        assert "empty" not in media.streams()


def test_kick_closes_publisher_and_viewers_without_grace(
    start_media: Callable[..., Media], clip: list[FlvTag]
) -> None:
    media = start_media(limits=Limits(grace_seconds=600))
    with media.publisher("kicked") as publisher:
        publisher.send_tags(clip)
        client_id = media.until_live("kicked")["publisher"]["id"]
        with media.view("/live/kicked.flv") as viewer:
            viewer.read_head()
            until(lambda: media.streams()["kicked"]["viewers"] == 1)
            assert media.kick(app="live", stream="kicked") == 2
            read_tags(viewer, lambda tags: False)
        assert publisher.is_closed()
    assert media.streams() == {}
    assert media.kick(client_id=client_id) == 0


@pytest.mark.parametrize("body", [b"", b"[]", b'{"app": "live"}', b'{"client_id": 7}', b"\xff"])
def test_kick_says_what_is_missing(media: Media, body: bytes) -> None:
    header = f"X-Media-Secret: {SECRET}\r\n"
    answer = ask(media.http_port, "/api/kick", method="POST", headers=header, body=body)
    assert answer.status == 400
    assert json.loads(answer.body)["code"] == 400


@pytest.mark.parametrize("header", ["", "X-Media-Secret: wrong\r\n", "X-Media-Secret: \r\n"])
@pytest.mark.parametrize("target", ["/api/streams", "/api/kick"])
def test_the_api_wants_the_secret(media: Media, target: str, header: str) -> None:
    method = "POST" if target.endswith("kick") else "GET"
    assert ask(media.http_port, target, method=method, headers=header).status == 403


def test_a_publisher_without_media_is_closed(start_media: Callable[..., Media]) -> None:
    media = start_media(limits=Limits(media_idle_seconds=0.5))
    with media.publisher("silent") as publisher:
        assert publisher.is_closed()
