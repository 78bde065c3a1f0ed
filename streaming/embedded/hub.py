"""The streams that are there: clock, last group of pictures, listeners, and who publishes."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from streaming.embedded import flv
from streaming.embedded.config import Limits
from streaming.embedded.flv import Tag
from streaming.embedded.h264 import VideoConfig

logger = logging.getLogger(__name__)

_FRAME_MS = 40
_BACKWARD_MS = -2000
_FORWARD_MS = 60_000

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Client:
    """One peer: a publisher or a viewer, as hooks and lists name it."""

    client_id: str
    address: str
    query: str
    protocol: str
    # For whom a viewer's address was signed.
    uid: str = ""


class Publisher(Protocol):
    @property
    def client(self) -> Client: ...

    def kick(self, reason: str) -> None: ...


class Listener(Protocol):
    """Who gets the tags of a stream: a viewer, or the HLS packager for all of its sessions."""

    @property
    def watchers(self) -> int: ...

    def deliver(self, tags: Sequence[Tag]) -> None: ...

    def restart(self) -> None: ...

    def end(self, reason: str) -> None: ...


class Clock:
    """Turns each publisher's wrapping 32-bit timestamps into one monotone line of milliseconds."""

    def __init__(self) -> None:
        self.now = 0
        self._newest = -_FRAME_MS
        self._last: int | None = None

    def advance(self, stamp: int) -> int:
        if self._last is None:
            self.now = self._newest + _FRAME_MS
        else:
            step = (stamp - self._last + (1 << 31)) % (1 << 32) - (1 << 31)
            # A publisher whose own clock jumps must not freeze or fast-forward the viewers.
            self.now += step if _BACKWARD_MS <= step <= _FORWARD_MS else _FRAME_MS
        self._last = stamp
        self._newest = max(self._newest, self.now)
        return max(self.now, 0)

    def restart(self) -> None:
        self._last = None


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """One line of the stream list."""

    app: str
    stream: str
    publisher: Client
    since: float
    width: int
    height: int
    fps: float
    bitrate_kbps: int
    gop_seconds: float
    has_audio: bool
    total_bytes: int
    viewers: int


class _Rates:
    """Pictures, bytes and time of the last whole group of pictures, of the running one before the first."""

    def __init__(self) -> None:
        self.gop_seconds = 0.0
        self._settled = (0.0, 0)
        self._began: tuple[int, int, int] | None = None

    def begin_group(self, at: int, pictures: int, total_bytes: int) -> None:
        if self._began is not None and at > self._began[0]:
            self.gop_seconds = (at - self._began[0]) / 1000
            self._settled = self._since(at, pictures, total_bytes)
        self._began = at, pictures, total_bytes

    def _since(self, at: int, pictures: int, total_bytes: int) -> tuple[float, int]:
        if self._began is None:
            return 0.0, 0
        began_at, began_pictures, began_bytes = self._began
        seconds = (at - began_at) / 1000
        kilobits = (total_bytes - began_bytes) * 8 / 1000
        return round((pictures - began_pictures) / seconds, 1), round(kilobits / seconds)

    def read(self, at: int, pictures: int, total_bytes: int) -> tuple[float, int]:
        """Pictures and kilobits a second."""
        if self.gop_seconds or self._began is None or at <= self._began[0]:
            return self._settled
        return self._since(at + _FRAME_MS, pictures, total_bytes)


class Stream:
    def __init__(self, key: Key, publisher: Publisher, limits: Limits) -> None:
        self.app, self.name = key
        self.publisher: Publisher | None = publisher
        self.last_client = publisher.client
        self.since = time.time()
        self.clock = Clock()
        self.listeners: set[Listener] = set()
        self.config: VideoConfig | None = None
        self.video_header = b""
        self.audio_header = b""
        self.has_audio: bool | None = None
        self.announced_audio: bool | None = None
        self.gop: list[Tag] = []
        self.total_bytes = self.total_pictures = 0
        self.rates = _Rates()
        self.on_live: Callable[[], None] | None = None
        self.is_announced = False
        self._limits = limits
        self._gop_bytes = 0
        self._waiting: list[Tag] = []
        self._first_video_at: int | None = None
        self._is_told = False

    @property
    def key(self) -> Key:
        return self.app, self.name

    @property
    def is_live(self) -> bool:
        """Someone publishes, and what a viewer must be told at the start is known: size, sound, a key frame."""
        return self.publisher is not None and self.has_audio is not None and self._is_told

    @property
    def viewers(self) -> int:
        """Who is kept waiting for a publisher that reconnects counts."""
        return sum(listener.watchers for listener in self.listeners)

    def begin(self, publisher: Publisher, announced_audio: bool | None) -> None:
        """A publisher starts or takes over: nothing of the one before is mixed with it."""
        self.publisher = publisher
        self.last_client = publisher.client
        self.announced_audio = announced_audio
        self.has_audio = None
        self.audio_header = b""
        self._first_video_at = None
        # Live again, and told again, once its first key frame is there.
        self._is_told = False
        self._clear_gop()
        self._waiting.clear()
        self.clock.restart()
        for listener in list(self.listeners):
            listener.restart()

    def set_video(self, config: VideoConfig, header: bytes) -> None:
        self.config, self.video_header = config, header
        self._clear_gop()
        self._waiting.append(Tag(flv.VIDEO, max(self.clock.now, 0), header, is_config=True))

    def set_audio(self, header: bytes) -> None:
        self.audio_header = header
        self.has_audio = True
        self._waiting.append(Tag(flv.AUDIO, max(self.clock.now, 0), header, is_config=True))

    def push(self, tag: Tag) -> None:
        size = len(tag.payload)
        if tag.is_key:
            self.rates.begin_group(tag.at, self.total_pictures, self.total_bytes)
            self.gop = [tag]
            self._gop_bytes = size
        elif self.gop:
            self.gop.append(tag)
            self._gop_bytes += size
            # New viewers then wait for the next key frame: late, but the memory is bounded.
            if self._gop_bytes > self._limits.gop_bytes or len(self.gop) > self._limits.gop_tags:
                self._clear_gop()
        self.total_bytes += size
        if tag.kind == flv.VIDEO:
            self.total_pictures += 1
        self._waiting.append(tag)
        if not self._is_told:
            self._settle_audio(tag)

    def flush(self) -> None:
        """Hand on what came since the last flush, merged: one send per viewer."""
        if not self._waiting:
            return
        tags, self._waiting = self._waiting, []
        if self.listeners:
            for listener in list(self.listeners):
                listener.deliver(tags)

    def _clear_gop(self) -> None:
        self.gop = []
        self._gop_bytes = 0

    def _settle_audio(self, tag: Tag) -> None:
        if tag.kind != flv.VIDEO:
            return
        if self._first_video_at is None:
            if not tag.is_key:
                return
            self._first_video_at = tag.at
        if self.has_audio is None:
            # Without word of it, or with word of sound that does not come, a viewer is not kept waiting long.
            if (
                self.announced_audio is not False
                and tag.at - self._first_video_at < self._limits.audio_wait_ms
            ):
                return
            self.has_audio = False
        self._is_told = True
        if self.on_live is not None:
            self.on_live()

    @property
    def fps(self) -> float:
        return self.rates.read(self.clock.now, self.total_pictures, self.total_bytes)[0]

    def facts(self) -> StreamFacts:
        fps, bitrate_kbps = self.rates.read(self.clock.now, self.total_pictures, self.total_bytes)
        return StreamFacts(
            app=self.app,
            stream=self.name,
            publisher=self.last_client,
            since=self.since,
            width=self.config.width if self.config else 0,
            height=self.config.height if self.config else 0,
            fps=fps,
            bitrate_kbps=bitrate_kbps,
            gop_seconds=self.rates.gop_seconds,
            has_audio=bool(self.has_audio),
            total_bytes=self.total_bytes,
            viewers=self.viewers,
        )


Tell = Callable[[str, Key, Client, dict[str, object]], None]


class Hub:
    """All streams. `tell(event, key, client, details)` carries publish and unpublish to the platform."""

    def __init__(self, limits: Limits, tell: Tell) -> None:
        self.streams: dict[Key, Stream] = {}
        self._limits = limits
        self._tell = tell
        self._arrivals: dict[Key, set[asyncio.Future[Stream]]] = {}
        self._grace: dict[Key, asyncio.TimerHandle] = {}

    def attach(self, key: Key, publisher: Publisher, announced_audio: bool | None) -> Stream:
        """A publisher whose first sequence header is H.264.

        A newer one replaces the one before: both carry a signature only the platform gives out, and after a
        network cut the gateway's new connection arrives long before the dead one times out here.
        """
        stream = self.streams.get(key)
        timer = self._grace.pop(key, None)
        if timer is not None:
            timer.cancel()
        if stream is None:
            stream = self.streams[key] = Stream(key, publisher, self._limits)
            stream.on_live = lambda: self._arrived(key)
            stream.begin(publisher, announced_audio)
            return stream
        old = stream.publisher
        stream.begin(publisher, announced_audio)
        if old is not None:
            logger.warning("%s/%s: publisher %s replaced", *key, old.client.client_id)
            old.kick("replaced")
        return stream

    def detach(self, stream: Stream, publisher: Publisher) -> None:
        """A publisher has gone. Its viewers are kept for the time of grace."""
        if stream.publisher is not publisher:
            return
        stream.publisher = None
        # An ffmpeg restarted by its gateway is back within this time; players would have to be reopened by hand.
        loop = asyncio.get_running_loop()
        self._grace[stream.key] = loop.call_later(self._limits.grace_seconds, self.end, stream, "unpublished")

    def end(self, stream: Stream, reason: str) -> None:
        timer = self._grace.pop(stream.key, None)
        if timer is not None:
            timer.cancel()
        if self.streams.get(stream.key) is not stream:
            return
        del self.streams[stream.key]
        publisher, stream.publisher = stream.publisher, None
        if publisher is not None:
            publisher.kick(reason)
        for listener in list(stream.listeners):
            listener.end(reason)
        details: dict[str, object] = {"reason": reason, "bytes": stream.total_bytes}
        self._tell("unpublish", stream.key, stream.last_client, details)

    def live(self, key: Key) -> Stream | None:
        stream = self.streams.get(key)
        return stream if stream is not None and stream.is_live else None

    def is_publishing(self, key: Key) -> bool:
        stream = self.streams.get(key)
        return stream is not None and stream.publisher is not None

    def arrival(self, key: Key) -> asyncio.Future[Stream]:
        """Resolved when the stream comes alive; cancel it to stop waiting."""
        future: asyncio.Future[Stream] = asyncio.get_running_loop().create_future()
        waiting = self._arrivals.setdefault(key, set())
        waiting.add(future)

        def forget(done: asyncio.Future[Stream]) -> None:
            waiting.discard(done)
            if not waiting and self._arrivals.get(key) is waiting:
                del self._arrivals[key]

        future.add_done_callback(forget)
        return future

    def _arrived(self, key: Key) -> None:
        stream = self.streams[key]
        stream.is_announced = True
        config = stream.config
        size = {"width": config.width, "height": config.height} if config else {}
        details: dict[str, object] = {"codec": "H264", "has_audio": bool(stream.has_audio), **size}
        self._tell("publish", key, stream.last_client, details)
        for future in list(self._arrivals.get(key, ())):
            if not future.done():
                future.set_result(stream)
