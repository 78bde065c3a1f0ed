"""HLS: tags to segments and a live playlist, only while someone watches (RFC 8216)."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from streaming.embedded import flv, h264, mpegts
from streaming.embedded.config import Limits
from streaming.embedded.flv import Tag
from streaming.embedded.hub import Client, Stream

_FRAME_MS = 40
_USUAL_GOP_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Segment:
    number: int
    seconds: float
    data: bytes
    is_break: bool
    breaks_before: int


@dataclass(slots=True)
class Session:
    """One HLS viewer: whoever uses a session prefix from one address."""

    client: Client
    since: float
    seen: float
    sent_bytes: int = 0


class Packager:
    """Listener of one stream for all of its HLS sessions."""

    def __init__(self, stream: Stream, limits: Limits) -> None:
        self.stream = stream
        self.sessions: dict[str, Session] = {}
        self._limits = limits
        # Document: key frame at least every 2 s. A longer one makes longer segments, up to the limit.
        gop = stream.rates.gop_seconds or _USUAL_GOP_SECONDS
        self._target = min(max(math.ceil(gop - 0.2), 1), int(limits.hls_segment_seconds))
        self._hard_ms = min(self._target * 1000 + 400, int(limits.hls_segment_seconds * 1000))
        # Numbers go on growing when a stream ends and comes back: players take a smaller one for old.
        self._number = int(time.time() * 4)
        self._segments: deque[Segment] = deque()
        self._grown = asyncio.Event()
        self._muxer = mpegts.Muxer()
        self._config = stream.config
        self._audio = mpegts.parse_aac(stream.audio_header) if stream.has_audio else None
        self._breaks = 0
        self._is_break = False
        self._clear()
        self.deliver(stream.gop)

    def _clear(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._began: int | None = None
        self._last = 0

    @property
    def watchers(self) -> int:
        return len(self.sessions)

    def deliver(self, tags: Sequence[Tag]) -> None:
        for tag in tags:
            if tag.is_config:
                self._configure(tag)
            elif tag.kind == flv.VIDEO:
                self._video(tag)
            elif self._audio is not None and self._began is not None:
                frame = mpegts.adts_frame(self._audio, tag.payload[2:])
                self._add(self._muxer.audio(frame, present_ms=tag.at))

    def restart(self) -> None:
        self._cut(self._last + _FRAME_MS)
        self._clear()
        self._is_break = True
        self._audio = None

    def end(self, reason: str) -> None:
        # Whoever waits for a first segment waits in vain.
        self._grown.set()

    def _configure(self, tag: Tag) -> None:
        if tag.kind == flv.AUDIO:
            self._audio = mpegts.parse_aac(tag.payload)
            return
        config = h264.parse_record(tag.payload[5:])
        if config != self._config:
            self._cut(self._last + _FRAME_MS)
            self._clear()
            self._is_break = True
            self._config = config

    def _video(self, tag: Tag) -> None:
        if self._config is None:
            return
        if self._began is not None:
            elapsed = tag.at - self._began
            # Frames between key frames may begin a segment; players only start at a key one.
            is_full = elapsed + _FRAME_MS > self._hard_ms or self._size > self._limits.hls_bytes // 10
            if is_full or (tag.is_key and elapsed >= self._target * 500):
                self._cut(tag.at)
                self._begin(tag.at)
        elif tag.is_key:
            self._begin(tag.at)
        else:
            return
        self._last = tag.at
        picture = h264.to_annex_b(tag.payload[5:], self._config, is_key=tag.is_key)
        present = tag.at + flv.composition_ms(tag.payload)
        self._add(self._muxer.video(picture, decode_ms=tag.at, present_ms=present, is_key=tag.is_key))

    def _begin(self, at: int) -> None:
        self._clear()
        self._began = self._last = at
        self._add(self._muxer.tables(has_audio=self._audio is not None))

    def _add(self, data: bytes) -> None:
        self._parts.append(data)
        self._size += len(data)

    def _cut(self, at: int) -> None:
        if self._began is None or at <= self._began:
            return
        # A publisher that stood still leaves a gap; no duration may exceed the target (RFC 8216 4.3.3.1).
        seconds = min(at - self._began, self._hard_ms) / 1000
        data = b"".join(self._parts)
        self._segments.append(Segment(self._number, seconds, data, self._is_break, self._breaks))
        self._number += 1
        self._breaks += self._is_break
        self._is_break = False
        while len(self._segments) > self._limits.hls_kept_segments:
            self._segments.popleft()
        self._grown.set()

    async def first_segment(self, deadline: float) -> bool:
        """Wait until there is something to list; False when the time (loop clock) is over or the stream has ended."""
        try:
            async with asyncio.timeout_at(deadline):
                await self._grown.wait()
        except TimeoutError:
            return False
        return bool(self._segments)

    def playlist(self) -> str:
        listed = list(self._segments)[-self._limits.hls_segments :]
        lines = ["#EXTM3U", "#EXT-X-VERSION:3", f"#EXT-X-TARGETDURATION:{self._target}"]
        lines.append(f"#EXT-X-MEDIA-SEQUENCE:{listed[0].number}")
        if listed[0].breaks_before:
            lines.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{listed[0].breaks_before}")
        for segment in listed:
            if segment.is_break:
                lines.append("#EXT-X-DISCONTINUITY")
            lines += [f"#EXTINF:{segment.seconds:.3f},", f"{segment.number}.ts"]
        return "\n".join(lines) + "\n"

    def segment(self, number: int) -> bytes | None:
        return next((segment.data for segment in self._segments if segment.number == number), None)
