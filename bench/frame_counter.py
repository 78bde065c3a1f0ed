"""Watches many live streams over HTTP-FLV, decodes every frame, and remembers when each came."""

import asyncio
import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final

import av
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext

from bench.media_sink import PLAY_KEY
from protocol.play_urls import sign_path

_PAUSE_SECONDS: Final = 0.1
_FLV_HEADER_BYTES: Final = 13
_TAG_HEADER_BYTES: Final = 11
_VIDEO_TAG: Final = 9


class Channel:
    """One stream: times of its decoded frames, and how often it had to be opened."""

    def __init__(self, http_port: int, name: str) -> None:
        self.http_port = http_port
        self.name = name
        self.times: list[float] = []
        self.opened = 0

    def between(self, begin: float, end: float) -> int:
        return bisect_right(self.times, end) - bisect_left(self.times, begin)

    def first_after(self, moment: float) -> float | None:
        index = bisect_right(self.times, moment)
        return self.times[index] if index < len(self.times) else None

    @property
    def last(self) -> float:
        return self.times[-1] if self.times else 0.0


class FrameCounter:
    """`watch` and `channels` may be used from any thread."""

    def __init__(self) -> None:
        self.channels: list[Channel] = []
        self._loop = asyncio.new_event_loop()
        self._tasks: list[asyncio.Task[None]] = []
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def watch(self, channels: Sequence[Channel]) -> None:
        """These instead of those watched until now."""
        self.channels = list(channels)
        asyncio.run_coroutine_threadsafe(self._replace(channels), self._loop).result(10)

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
        except (OSError, EOFError, TimeoutError):
            await asyncio.sleep(_PAUSE_SECONDS)


async def _view(channel: Channel) -> None:
    path = f"/live/{channel.name}.flv"
    key = sign_path(path, PLAY_KEY, timestamp=int(time.time()) + 5)
    reader, writer = await asyncio.open_connection("127.0.0.1", channel.http_port)
    try:
        writer.write(f"GET {path}?auth_key={key} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
        # The server holds the answer until a stream that was ordered is there.
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise EOFError
        channel.opened += 1
        await reader.readexactly(_FLV_HEADER_BYTES)
        await _decode(channel, reader)
    finally:
        writer.close()


async def _decode(channel: Channel, reader: asyncio.StreamReader) -> None:
    decoder: VideoCodecContext | None = None
    while True:
        head = await reader.readexactly(_TAG_HEADER_BYTES)
        body = await reader.readexactly(int.from_bytes(head[1:4], "big") + 4)
        if head[0] != _VIDEO_TAG:
            continue
        if body[1] == 0:
            decoder = VideoCodecContext.create("h264", "r")
            decoder.extradata = body[5:-4]
            # One thread: frame threads would hold pictures back, and there are cores for the gateway only.
            decoder.thread_count = 1
            decoder.flags |= av.codec.context.Flags.low_delay
        elif decoder is not None:
            frames = decoder.decode(Packet(body[5:-4]))
            channel.times.extend([time.monotonic()] * len(frames))
