"""Clock, group of pictures, and what a viewer gets when its transport is full."""

import asyncio
from typing import cast

import pytest

from streaming.embedded import flv
from streaming.embedded.config import Limits
from streaming.embedded.flv import Tag
from streaming.embedded.hub import Client, Clock, Stream
from streaming.embedded.viewers import FlvViewer, http_chunk, plain, websocket_frame
from tests.streaming.embedded.peers import FlvTag, before, parse_tags
from tests.streaming.embedded.test_hls import Source

VIEWER = Client("2", "10.0.0.9", "", "flv")


def test_the_clock_begins_at_zero_and_runs_with_the_publisher() -> None:
    clock = Clock()
    assert [clock.advance(stamp) for stamp in (90_000, 90_040, 90_080)] == [0, 40, 80]


def test_the_clock_goes_on_over_the_wrap_of_32_bits() -> None:
    clock = Clock()
    assert [clock.advance(stamp) for stamp in (0xFFFFFFE0, 0x8, 0x30)] == [0, 40, 80]


def test_the_clock_lets_sound_lie_a_little_before_the_picture() -> None:
    clock = Clock()
    assert [clock.advance(stamp) for stamp in (1000, 1040, 1020, 1080)] == [0, 40, 20, 80]


@pytest.mark.parametrize("jump", [0, 5_000_000])
def test_a_jump_of_the_publishers_clock_is_one_frame(jump: int) -> None:
    clock = Clock()
    assert [clock.advance(stamp) for stamp in (100_000, 100_040, jump, jump + 40)] == [0, 40, 80, 120]


def test_after_a_restart_the_clock_goes_on_behind_the_newest() -> None:
    clock = Clock()
    for stamp in (0, 40, 80, 60):
        clock.advance(stamp)
    clock.restart()
    assert [clock.advance(stamp) for stamp in (777, 817)] == [120, 160]


def tag(at: int, size: int = 100, *, is_key: bool = False, kind: int = flv.VIDEO) -> Tag:
    first = b"\x17\x01" if is_key else b"\x27\x01"
    return Tag(kind, at, first + bytes(size), is_key=is_key)


def test_a_group_too_large_to_keep_is_let_go() -> None:
    stream = Stream(("live", "x"), Source(), Limits(gop_bytes=1000, gop_tags=50))
    stream.push(tag(0, is_key=True))
    for number in range(1, 8):
        stream.push(tag(40 * number))
    assert len(stream.gop) == 8
    for number in range(8, 12):
        stream.push(tag(40 * number))
    assert stream.gop == []
    stream.push(tag(480, is_key=True))
    assert len(stream.gop) == 1
    for number in range(13, 80):
        stream.push(tag(40 * number, size=1))
    assert stream.gop == []


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_frames_say_their_length(size: int) -> None:
    data = bytes(size)
    assert plain(data) == data
    assert http_chunk(data) == f"{size:x}\r\n".encode() + data + b"\r\n"
    frame = websocket_frame(data)
    assert frame[0] == 0x82
    said = frame[1] if frame[1] < 126 else int.from_bytes(frame[2 : 4 if frame[1] == 126 else 10], "big")
    assert said == size
    assert frame.endswith(data)


class Pipe:
    """A transport whose other side reads when the test says so."""

    def __init__(self) -> None:
        self.waiting = 0
        self.sent = b""
        self.writes = 0
        self.is_aborted = False

    def write(self, data: bytes) -> None:
        if self.is_aborted:
            raise RuntimeError("the handler is closed")
        self.sent += data
        self.writes += 1

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def is_closing(self) -> bool:
        return self.is_aborted

    def abort(self) -> None:
        self.is_aborted = True


class Watching:
    """A viewer of a stream fed by hand, on an event loop whose clock the test moves."""

    def __init__(self, clip: list[FlvTag], limits: Limits) -> None:
        self.source = Source()
        self.source.feed(before(clip, 80))
        self.pipe = Pipe()
        self.now = 100.0
        self.viewer = FlvViewer(
            self.source.stream, VIEWER, cast(asyncio.Transport, self.pipe), plain, limits, lambda: self.now
        )
        self.source.stream.listeners.add(self.viewer)
        self.viewer.begin()

    def feed(self, *tags: Tag) -> None:
        for item in tags:
            self.source.stream.push(item)
        self.source.stream.flush()

    def stamps(self) -> list[int]:
        return [item.at for item in parse_tags(self.pipe.sent) if item.is_picture]


LIMITS = Limits(viewer_transport_bytes=1000, viewer_queue_bytes=500, slow_viewer_seconds=10)


def watch(clip: list[FlvTag]) -> Watching:
    async def begin() -> Watching:
        return Watching(clip, LIMITS)

    return asyncio.run(begin())


def test_tags_that_came_together_are_sent_together(clip: list[FlvTag]) -> None:
    watching = watch(clip)
    writes = watching.pipe.writes
    watching.feed(tag(80), tag(120), tag(160))
    assert watching.pipe.writes == writes + 1
    assert watching.stamps() == [0, 40, 80, 120, 160]


def test_a_full_transport_lets_tags_wait_and_loses_none(clip: list[FlvTag]) -> None:
    watching = watch(clip)
    watching.pipe.waiting = 1001
    watching.feed(tag(80))
    watching.feed(tag(120))
    assert watching.stamps() == [0, 40]
    watching.pipe.waiting = 1000
    watching.feed(tag(160))
    assert watching.stamps() == [0, 40, 80, 120, 160]


def test_a_full_queue_skips_to_the_next_key_frame(clip: list[FlvTag]) -> None:
    watching = watch(clip)
    watching.pipe.waiting = 1001
    for number in range(2, 10):
        watching.feed(tag(40 * number))
    watching.pipe.waiting = 0
    watching.feed(tag(400), tag(440, is_key=True), tag(480))
    assert watching.stamps() == [0, 40, 440, 480]


def test_sound_that_begins_later_is_kept_from_one_who_was_told_of_none(clip: list[FlvTag]) -> None:
    watching = watch(clip)
    watching.feed(tag(80), tag(85, kind=flv.AUDIO), tag(120))
    assert {item.kind for item in parse_tags(watching.pipe.sent)} == {9, 18}


def test_one_who_is_behind_for_too_long_is_dropped(clip: list[FlvTag]) -> None:
    watching = watch(clip)
    watching.pipe.waiting = 1
    watching.feed(tag(80))
    watching.now += 9
    watching.feed(tag(120))
    assert not watching.viewer.done.done()
    watching.now += 2
    watching.feed(tag(160))
    assert watching.pipe.is_aborted
    assert watching.viewer.done.result() == "slow"


def test_one_who_catches_up_is_kept(clip: list[FlvTag]) -> None:
    watching = watch(clip)
    for _ in range(5):
        watching.pipe.waiting = 1
        watching.feed(tag(80))
        watching.now += 9
        watching.pipe.waiting = 0
        watching.feed(tag(120))
        watching.now += 9
    assert not watching.pipe.is_aborted


def test_one_whose_connection_has_just_gone_does_not_hurt_the_publisher(clip: list[FlvTag]) -> None:
    watching = watch(clip)
    watching.pipe.abort()
    watching.feed(tag(80))
    assert watching.stamps() == [0, 40]
