"""Watches many live streams over HTTP-FLV, remembers when each frame came, and decodes them when asked."""

import asyncio
import os
import threading
import time
from bisect import bisect_right
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import av
import uvloop
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext

from bench.media_sink import PLAY_KEY
from protocol.play_urls import sign_path

_PAUSE_SECONDS: Final = 0.1
_FLV_HEADER_BYTES: Final = 13
_TAG_HEADER_BYTES: Final = 11
_TAG_TRAILER_BYTES: Final = 4
_VIDEO_TAG: Final = 9
_KEY_FRAME: Final = 1
_CODEC_HEADER_BYTES: Final = 5


# Tags with the time they came.
Record = list[tuple[float, bytes]]


class Channel:
    """One stream: when its frames came, how often it had to be opened, and what is recorded of it."""

    def __init__(self, http_port: int, name: str) -> None:
        self.http_port = http_port
        self.name = name
        self.times: list[float] = []
        self.opened = 0
        self.parameters = b""
        self.recorded: Record | None = None

    def first_after(self, moment: float) -> float | None:
        index = bisect_right(self.times, moment)
        return self.times[index] if index < len(self.times) else None

    @property
    def last(self) -> float:
        return self.times[-1] if self.times else 0.0

    def decoded(self, record: Record, begin: float, end: float) -> int:
        """Frames of the record that came in that time and could be decoded."""
        decoder = VideoCodecContext.create("h264", "r")
        decoder.extradata = self.parameters
        decoder.thread_count = 1
        decoder.flags |= av.codec.context.Flags.low_delay
        decoder.options = {"skip_loop_filter": "all"}
        count, has_begun = 0, False
        for moment, tag in record:
            has_begun = has_begun or tag[0] >> 4 == _KEY_FRAME
            if has_begun:
                frames = len(decoder.decode(Packet(tag[_CODEC_HEADER_BYTES:])))
                count += frames if begin <= moment <= end else 0
        return count


@dataclass(frozen=True)
class Take:
    """What came of all channels in a time, to be decoded when the cores are free again."""

    channels: Sequence[Channel]
    records: Sequence[Record]
    begin: float
    end: float

    def rates(self) -> list[float]:
        """Decoded frames a second of each channel."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            counts = pool.map(
                lambda channel, record: channel.decoded(record, self.begin, self.end),
                self.channels,
                self.records,
            )
            return [count / (self.end - self.begin) for count in counts]


class FrameCounter:
    """`watch` and `channels` may be used from any thread."""

    def __init__(self) -> None:
        self.channels: list[Channel] = []
        self._loop = uvloop.new_event_loop()
        self._tasks: list[asyncio.Task[None]] = []
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def watch(self, channels: Sequence[Channel]) -> None:
        """These instead of those watched until now."""
        self.channels = list(channels)
        asyncio.run_coroutine_threadsafe(self._replace(channels), self._loop).result(10)

    def record(self) -> None:
        """From the next key frames on; what was recorded before is forgotten."""
        for channel in self.channels:
            channel.recorded = []

    def take(self, begin: float, end: float) -> "Take":
        """The record of that time; recording ends."""
        records = [channel.recorded or [] for channel in self.channels]
        for channel in self.channels:
            channel.recorded = None
        return Take(self.channels, records, begin, end)

    async def _replace(self, channels: Sequence[Channel]) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = [asyncio.create_task(_follow(channel)) for channel in channels]

    def close(self) -> None:
        self.watch([])
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _follow(channel: Channel) -> None:
    while True:
        try:
            await _view(channel)
        except (OSError, EOFError):
            await asyncio.sleep(_PAUSE_SECONDS)


async def _view(channel: Channel) -> None:
    path = f"/live/{channel.name}.flv"
    key = sign_path(path, PLAY_KEY, timestamp=int(time.time()) + 5)
    loop = asyncio.get_running_loop()
    transport, stream = await loop.create_connection(lambda: _Stream(channel), "127.0.0.1", channel.http_port)
    try:
        # The server holds the answer until a stream that was ordered is there.
        transport.write(f"GET {path}?auth_key={key} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
        await stream.ended.wait()
        raise EOFError
    finally:
        transport.close()


class _Stream(asyncio.Protocol):
    """Works on what has come without waiting for more: with readers the counting cost as much as the decoding."""

    def __init__(self, channel: Channel) -> None:
        self.ended = asyncio.Event()
        self._channel = channel
        self._buffer = bytearray()
        self._is_open = False

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_open and not self._open():
            return
        at = 0
        while len(self._buffer) >= at + _TAG_HEADER_BYTES:
            body = at + _TAG_HEADER_BYTES
            end = body + int.from_bytes(self._buffer[at + 1 : at + 4], "big")
            if len(self._buffer) < end + _TAG_TRAILER_BYTES:
                break
            if self._buffer[at] == _VIDEO_TAG:
                self._take(bytes(self._buffer[body:end]))
            at = end + _TAG_TRAILER_BYTES
        del self._buffer[:at]

    def connection_lost(self, _error: Exception | None) -> None:
        self.ended.set()

    def _open(self) -> bool:
        head, separator, _ = bytes(self._buffer).partition(b"\r\n\r\n")
        begin = len(head) + len(separator) + _FLV_HEADER_BYTES
        if not separator or len(self._buffer) < begin or b" 200 " not in head.split(b"\r\n")[0]:
            return False
        del self._buffer[:begin]
        self._is_open = True
        self._channel.opened += 1
        return True

    def _take(self, tag: bytes) -> None:
        channel = self._channel
        if tag[1] == 0:
            channel.parameters = tag[_CODEC_HEADER_BYTES:]
            return
        now = time.monotonic()
        channel.times.append(now)
        if channel.recorded is not None:
            channel.recorded.append((now, tag))
