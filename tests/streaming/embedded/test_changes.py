"""What a decoder sees: pictures in their order with B-frames, and publishers that change in the middle."""

import io
import subprocess
from collections.abc import Callable

import av
import pytest
from av.video.frame import VideoFrame

from tests.streaming.embedded.conftest import Media, play_target, publish_auth
from tests.streaming.embedded.peers import (
    DEADLINE_SECONDS,
    FlvTag,
    HttpPeer,
    Platform,
    ask,
    before,
    ffmpeg,
    parse_tags,
    pictures,
    since,
    until,
)
from tests.streaming.embedded.test_hls import numbers


def decoded(data: bytes, form: str) -> list[VideoFrame]:
    with av.open(io.BytesIO(data), mode="r", format=form) as container:
        return list(container.decode(video=0))


def flv_file(tags: list[FlvTag]) -> bytes:
    parts = [b"FLV\x01\x01\x00\x00\x00\x09\x00\x00\x00\x00"]
    for tag in tags:
        size = len(tag.body)
        stamp = (tag.at & 0xFFFFFF).to_bytes(3, "big") + bytes((tag.at >> 24,))
        parts.append(bytes((tag.kind,)) + size.to_bytes(3, "big") + stamp + bytes(3) + tag.body)
        parts.append((size + 11).to_bytes(4, "big"))
    return b"".join(parts)


def likeness(frame: VideoFrame) -> bytes:
    return frame.to_ndarray(format="gray").tobytes()


def by_flv(media: Media, name: str, act: Callable[[], None], count: int) -> bytes:
    """What a viewer gets who is there before `act` publishes, up to `count` pictures."""
    data = b""
    with media.view(f"/live/{name}.flv") as viewer:
        assert viewer.read_head() == 200
        act()
        for piece in viewer.body():
            data += piece
            if len(pictures(parse_tags(data))) >= count:
                break
    return data


def by_hls(media: Media, name: str, act: Callable[[], None], count: int) -> tuple[str, list[bytes]]:
    """Playlist and segments of a session that began before `act` publishes, as soon as there are `count`."""
    index = ask(media.http_port, play_target(f"/live/{name}.m3u8")).headers["location"]

    def listed() -> str:
        text = ask(media.http_port, index).body.decode()
        return text if text.count("#EXTINF") >= count else ""

    with HttpPeer(media.http_port, index):
        until(lambda: media.streams()[name]["viewers"] == 1)
        act()
        playlist = until(listed, what=f"{count} segments")
    folder = index.rpartition("/")[0]
    return playlist, [ask(media.http_port, f"{folder}/{number}.ts").body for number in numbers(playlist)]


def later(tags: list[FlvTag], shift: int) -> list[FlvTag]:
    return [tag._replace(at=tag.at + shift) for tag in tags]


def test_b_frames_are_shown_in_their_order(media: Media, clip: list[FlvTag]) -> None:
    wanted = [likeness(frame) for frame in decoded(flv_file(clip), "flv")]
    assert len({tag.body[2:5] for tag in pictures(clip)}) > 1, "no B-frames in the clip"
    with media.publisher("ordered") as publisher:
        publisher.send_tags(before(clip, 2040))
        media.until_live("ordered", before(clip, 2040))
        data = by_flv(media, "ordered", lambda: publisher.send_tags(since(clip, 2040)), 100)
    frames = decoded(data, "flv")
    assert [likeness(frame) for frame in frames] == wanted[50:]
    assert [round((frame.time or 0) * 1000) for frame in frames] == list(range(80, 4080, 40))


def test_b_frames_are_shown_in_their_order_by_hls(media: Media, clip: list[FlvTag]) -> None:
    wanted = [likeness(frame) for frame in decoded(flv_file(clip), "flv")]
    more = later(pictures(clip), 6000)
    with media.publisher("cut") as publisher:
        publisher.send_tags(clip)
        media.until_live("cut", clip)
        _, parts = by_hls(media, "cut", lambda: publisher.send_tags(more), 3)
    frames = decoded(b"".join(parts), "mpegts")
    stamps = [round((frame.time or 0) * 1000) for frame in frames]
    assert stamps == list(range(stamps[0], stamps[0] + 40 * len(stamps), 40))
    assert [likeness(frame) for frame in frames] == wanted[100:] + wanted[:100]


def test_another_size_in_the_middle(media: Media, clip: list[FlvTag], larger_clip: list[FlvTag]) -> None:
    with media.publisher("resized") as publisher:
        publisher.send_tags(clip)
        media.until_live("resized", clip)
        larger = later(larger_clip, 6000)
        data = by_flv(media, "resized", lambda: publisher.send_tags(larger), 150)
        facts = media.streams()["resized"]
    assert [frame.width for frame in decoded(data, "flv")] == [352] * 50 + [640] * 100
    assert (facts["width"], facts["height"]) == (640, 360)


def test_another_size_in_the_middle_by_hls(
    media: Media, clip: list[FlvTag], larger_clip: list[FlvTag]
) -> None:
    with media.publisher("recut") as publisher:
        publisher.send_tags(clip)
        media.until_live("recut", clip)
        larger = later(larger_clip, 6000)
        playlist, parts = by_hls(media, "recut", lambda: publisher.send_tags(larger), 2)
    assert [{frame.width for frame in decoded(part, "mpegts")} for part in parts] == [{352}, {640}]
    first, second = numbers(playlist)
    between = playlist.partition(f"{first}.ts\n")[2].partition(f"{second}.ts")[0]
    assert between.startswith("#EXT-X-DISCONTINUITY\n")


def test_after_a_new_configuration_a_key_frame_comes_first(
    media: Media, clip: list[FlvTag], larger_clip: list[FlvTag]
) -> None:
    config, rest = [tag for tag in larger_clip if tag.is_config], pictures(larger_clip)[1:]
    with media.publisher("hasty") as publisher:
        publisher.send_tags(clip)
        media.until_live("hasty", clip)
        hasty = later([*config, *rest], 6000)
        tags = parse_tags(by_flv(media, "hasty", lambda: publisher.send_tags(hasty), 100))
    changed = next(index for index, tag in enumerate(tags) if tag.body == config[0].body)
    assert [tag.body for tag in tags[changed + 1 :]] == [tag.body for tag in rest[49:]]


def test_another_codec_in_the_middle_is_refused_by_name(
    start_media: Callable[..., Media], platform: Platform, clip: list[FlvTag]
) -> None:
    media = start_media(platform_url=platform.url)
    with media.publisher("turned") as publisher:
        publisher.send_tags(clip)
        media.until_live("turned", clip)

        def turn() -> None:
            publisher.send(9, b"\x90hvc1" + bytes(40), at=6000, chunk_stream=6, stream_id=1)

        assert len(pictures(parse_tags(by_flv(media, "turned", turn, 51)))) == 50
        assert publisher.is_closed()
    until(lambda: platform.last("turned", "unpublish"))
    assert platform.last("turned", "refused_codec")["codec"] == "H265"


def test_an_encoder_of_h265_is_refused_by_name(
    start_media: Callable[..., Media], platform: Platform
) -> None:
    media = start_media(platform_url=platform.url)
    address = f"rtmp://127.0.0.1:{media.rtmp_port}/live/modern?auth_key={publish_auth('modern')}"
    source = ["-re", "-f", "lavfi", "-i", "testsrc2=s=352x288:r=25", "-pix_fmt", "yuv420p", "-c:v", "libx265"]
    options = ["-preset", "ultrafast", "-x265-params", "log-level=none", "-f", "flv", address]
    done = subprocess.run(
        [ffmpeg(), "-v", "error", *source, *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=DEADLINE_SECONDS,
    )
    if b"Unknown encoder" in done.stderr:
        pytest.skip("this ffmpeg has no encoder of H.265")
    assert done.returncode != 0
    assert until(lambda: platform.last("modern", "refused_codec"))["codec"] == "H265"
