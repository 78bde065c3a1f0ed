"""Reading a stream up to its first key frame, from servers that behave and from servers that do not."""

import socket
from collections.abc import Callable

import pytest

from snapshots.capture.errors import CaptureError
from snapshots.capture.fetch import read_key_frame
from snapshots.choices import SnapshotResult
from tests.snapshots.clips import HEADER, make_tag, tags_of
from tests.snapshots.flv_server import Behaviour, FlvServer, Peer, chunked, ended, live, raw, silent, status

STREAM = "/live/a_0.flv"
AUDIO = make_tag(b"\xaf\x01" + bytes(200), kind=8)
HEVC = make_tag(b"\x1c\x00\x00\x00\x00hvcC")
# The lower half of the first byte is no codec here, and 7 there would be H.264.
ENHANCED_HEVC = make_tag(b"\x97hvc1" + bytes(20))


def fetch(
    media: FlvServer, behaviour: Behaviour, *, seconds: float = 5, most_bytes: int = 1_000_000
) -> bytes:
    media.behaviours[STREAM] = behaviour
    frame = read_key_frame(
        f"{media.base}{STREAM}?auth_key=1-2-3-4", timeout_seconds=seconds, most_bytes=most_bytes
    )
    return frame.config + frame.data


def expected(clip: bytes, number: int = 0) -> bytes:
    tags = tags_of(clip)
    (config, *_), frames = [tag for tag in tags if tag.is_config], [tag for tag in tags if tag.is_key_frame]
    return config.data[5:] + frames[number].data[5:]


def test_first_key_frame_of_a_live_stream_with_its_parameters(media: FlvServer, road_clip: bytes) -> None:
    assert fetch(media, live(road_clip)) == expected(road_clip)
    assert media.requests == [f"GET {STREAM}?auth_key=1-2-3-4 HTTP/1.1"]


def test_stream_that_begins_within_a_group_of_pictures(media: FlvServer, road_clip: bytes) -> None:
    """A server without GOP cache: what comes before the next key frame is no picture."""
    tags = tags_of(road_clip)
    first = next(number for number, tag in enumerate(tags) if tag.is_key_frame)
    joined = [tag.raw for tag in [*tags[:first], *tags[first + 1 :]]]
    assert fetch(media, live(HEADER, AUDIO, *joined)) == expected(road_clip, 1)


def test_answer_in_chunks_and_in_single_bytes(media: FlvServer, road_clip: bytes) -> None:
    assert fetch(media, chunked([road_clip[:5], road_clip[5:700], road_clip[700:]])) == expected(road_clip)
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    every_byte = [bytes([byte]) for byte in head + road_clip[:20_000]]
    assert fetch(media, raw(*every_byte)) == expected(road_clip)


def drip(peer: Peer) -> None:
    """Always something, never a key frame: no single read times out."""
    peer.send(b"HTTP/1.1 200 OK\r\n\r\n", HEADER)
    while not peer.closing.wait(0.02):
        peer.send(AUDIO)


def flood(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\n\r\n", HEADER)
    while not peer.closing.is_set():
        peer.send(AUDIO * 100)


def endless_head(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\n")
    while not peer.closing.is_set():
        peer.send(b"X-More: and more\r\n" * 100)


@pytest.mark.parametrize(
    ("behaviour", "result"),
    [
        (status(404), SnapshotResult.OFFLINE),
        (status(410), SnapshotResult.OFFLINE),
        (status(403), SnapshotResult.REFUSED),
        (status(302), SnapshotResult.REFUSED),
        (status(500), SnapshotResult.REFUSED),
        (raw(), SnapshotResult.REFUSED),
        (raw(b"SSH-2.0-OpenSSH\r\n\r\n"), SnapshotResult.REFUSED),
        (endless_head, SnapshotResult.REFUSED),
        (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), SnapshotResult.REFUSED),
        (ended(b"<html>no stream here</html>"), SnapshotResult.UNDECODABLE),
        (live(HEADER, HEVC), SnapshotResult.NOT_H264),
        (live(HEADER, ENHANCED_HEVC), SnapshotResult.NOT_H264),
        (ended(HEADER, AUDIO), SnapshotResult.NO_KEY_FRAME),
    ],
)
def test_reason_why_there_is_no_picture(
    media: FlvServer, behaviour: Behaviour, result: SnapshotResult
) -> None:
    with pytest.raises(CaptureError) as refusal:
        fetch(media, behaviour)
    assert refusal.value.result == result


def test_bytes_are_bounded_as_well_as_time(media: FlvServer) -> None:
    with pytest.raises(CaptureError, match="too many bytes"):
        fetch(media, flood, seconds=30, most_bytes=300_000)


@pytest.mark.parametrize("behaviour", [silent, drip, live(HEADER, AUDIO)])
def test_server_that_keeps_us_waiting_is_left(media: FlvServer, behaviour: Callable[[Peer], None]) -> None:
    """All of these would go on for good."""
    with pytest.raises(CaptureError) as refusal:
        fetch(media, behaviour, seconds=0.4)
    assert refusal.value.result == SnapshotResult.NO_KEY_FRAME


def test_nobody_listening_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}{STREAM}", "rtmp://127.0.0.1/live/a", "http://"):
        with pytest.raises(CaptureError) as refusal:
            read_key_frame(url, timeout_seconds=1)
        assert refusal.value.result == SnapshotResult.UNREACHABLE
