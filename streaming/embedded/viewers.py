"""FLV viewers: bounded queue, skip to the next key frame, drop; HTTP and WebSocket differ in the frame only."""

import asyncio
import time
from collections.abc import Callable, Sequence

from streaming.embedded import flv
from streaming.embedded.config import Limits
from streaming.embedded.flv import Tag
from streaming.embedded.hub import Client, Key, Stream

Frame = Callable[[bytes], bytes]


def http_chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def plain(data: bytes) -> bytes:
    return data


def websocket_frame(data: bytes) -> bytes:
    """One unmasked binary message (RFC 6455 section 5.2)."""
    size = len(data)
    if size < 126:
        return bytes((0x82, size)) + data
    if size < 1 << 16:
        return b"\x82\x7e" + size.to_bytes(2, "big") + data
    return b"\x82\x7f" + size.to_bytes(8, "big") + data


class FlvViewer:
    """Writes to the transport directly: a task woken for each picture costs ten times as much."""

    watchers = 1

    def __init__(
        self,
        stream: Stream,
        client: Client,
        transport: asyncio.Transport,
        frame: Frame,
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.client = client
        self.since = time.time()
        self.sent_bytes = 0
        self.done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.has_audio = bool(stream.has_audio)
        self._stream = stream
        self._transport = transport
        self._frame = frame
        self._limits = limits
        self._queue: list[Tag] = []
        self._queue_bytes = 0
        self._base: int | None = None
        self._needs_key = True
        self._behind_since: float | None = None
        self._time = clock

    @property
    def key(self) -> Key:
        return self._stream.key

    def begin(self) -> None:
        """Header, decoder configuration and the last group of pictures at once: the first picture is a key."""
        stream = self._stream
        config = stream.config
        if config is None:
            return
        facts = flv.metadata(
            width=config.width, height=config.height, fps=stream.fps, has_audio=self.has_audio
        )
        parts = [flv.file_header(has_audio=self.has_audio)]
        flv.add_tag(parts, flv.SCRIPT, 0, facts)
        flv.add_tag(parts, flv.VIDEO, 0, stream.video_header)
        if self.has_audio:
            flv.add_tag(parts, flv.AUDIO, 0, stream.audio_header)
        self._take(stream.gop)
        self._send(parts)

    def deliver(self, tags: Sequence[Tag]) -> None:
        # uvloop raises on a transport whose peer has just gone; that must not reach the publisher.
        if self.done.done() or self._transport.is_closing():
            return
        waiting = self._transport.get_write_buffer_size()
        if waiting == 0:
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = self._time()
        elif self._time() - self._behind_since > self._limits.slow_viewer_seconds:
            self.drop("slow")
            return
        self._take(tags)
        # The transport is part of the queue; what it holds can no longer be skipped.
        if waiting <= self._limits.viewer_transport_bytes:
            self._send([])
        elif self._queue_bytes > self._limits.viewer_queue_bytes:
            self._skip()

    def restart(self) -> None:
        """The next picture comes from another encoder: nothing may refer to what was sent before."""
        self._skip()

    def end(self, reason: str) -> None:
        if not self.done.done():
            self.done.set_result(reason)

    def drop(self, reason: str) -> None:
        """End at once, what the transport still holds is thrown away."""
        self.end(reason)
        self._transport.abort()

    def _take(self, tags: Sequence[Tag]) -> None:
        for tag in tags:
            if tag.kind == flv.AUDIO and not self.has_audio:
                continue
            if tag.is_config:
                # Until its next key frame the new encoder refers to pictures this viewer has not seen.
                self._needs_key |= tag.kind == flv.VIDEO
            elif self._needs_key:
                if not tag.is_key:
                    continue
                self._needs_key = False
            self._queue.append(tag)
            self._queue_bytes += len(tag.payload)

    def _skip(self) -> None:
        # A decoder configuration is never sent again; without it the next key frame is of no use.
        self._queue = [tag for tag in self._queue if tag.is_config]
        self._queue_bytes = sum(len(tag.payload) for tag in self._queue)
        self._needs_key = True

    def _send(self, parts: list[bytes]) -> None:
        # Each viewer begins at 0: some players read the 32 bits as signed, a standing stream gets there in 25 days.
        if self._queue and self._base is None:
            self._base = self._queue[0].at
        base = self._base or 0
        for tag in self._queue:
            flv.add_tag(parts, tag.kind, max(tag.at - base, 0), tag.payload)
        self._queue.clear()
        self._queue_bytes = 0
        if parts:
            data = self._frame(b"".join(parts))
            self.sent_bytes += len(data)
            self._transport.write(data)
