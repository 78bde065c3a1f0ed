"""What some seconds of one FLV stream are like: encoding, size, frame rate, key frames, gaps. No Django."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from snapshots.capture.errors import CaptureError
from snapshots.capture.fetch import read_pieces
from snapshots.capture.flv import KeyFrame, Tag, VideoTags
from snapshots.choices import SnapshotResult
from streaming.embedded.flv import KEY_FRAME, plain_h264, video_codec
from streaming.embedded.h264 import H264Error, parse_record

H264: Final = "H264"
# More in a few seconds is no stream of a camera.
_MOST_BYTES: Final = 128 * 1024 * 1024
_AVC_BYTES: Final = 5
_SEQUENCE_HEADER, _PICTURE = 0, 1
_INFO_FRAME = 5
_AGAIN_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: `first_frame` until it has to be there at all, `reading` of the stream's own time behind it."""

    first_frame: float = 8.0
    reading: float = 10.0


@dataclass(slots=True)
class Meter:
    """Takes video tags with the second of their arrival; counts from the first key frame on."""

    codec: str = ""
    width: int = 0
    height: int = 0
    frames: int = 0
    size_bytes: int = 0
    longest_key_ms: int = 0
    longest_gap_ms: float = 0
    first_frame_at: float | None = None
    key_frame: KeyFrame | None = None
    span_ms: int = 0
    # Why nothing more came before the time was over.
    ended: str = ""
    _config: bytes = b""
    _stamp: int = 0
    _key_ms: int = 0
    _arrived_at: float = 0.0

    def take(self, tag: Tag, arrived_at: float) -> None:
        payload = plain_h264(tag.data) if tag.data else b""
        if len(payload) < _AVC_BYTES or payload[0] >> 4 == _INFO_FRAME:
            return
        if not self.codec:
            self.codec = video_codec(payload)
        if self.codec != H264:
            return
        if payload[1] == _SEQUENCE_HEADER:
            self._read_config(payload[_AVC_BYTES:])
        elif payload[1] == _PICTURE and self._config:
            self._take_picture(payload, tag.at, arrived_at)

    def _read_config(self, record: bytes) -> None:
        try:
            config = parse_record(record)
        except H264Error:
            self.codec = "参数集无法识别的 H.264"
            return
        self._config, self.width, self.height = record, config.width, config.height

    def _take_picture(self, payload: bytes, stamp: int, arrived_at: float) -> None:
        is_key = payload[0] >> 4 & 7 == KEY_FRAME
        if self.first_frame_at is None:
            if not is_key:
                return
            self.first_frame_at = arrived_at
            self.key_frame = KeyFrame(self._config, payload[_AVC_BYTES:])
        else:
            passed = _passed_ms(self._stamp, stamp)
            self.span_ms += passed
            self.longest_gap_ms = max(self.longest_gap_ms, passed, (arrived_at - self._arrived_at) * 1000)
            self.longest_key_ms = max(self.longest_key_ms, self.span_ms - self._key_ms)
        if is_key:
            self._key_ms = self.span_ms
        self._stamp, self._arrived_at = stamp, arrived_at
        self.frames += 1
        self.size_bytes += len(payload)

    def stop(self, at: float, why: str) -> None:
        """Nothing more comes: the time since the last frame counts as a gap."""
        self.ended = why
        if self.first_frame_at is not None:
            self.longest_gap_ms = max(self.longest_gap_ms, (at - self._arrived_at) * 1000)

    @property
    def fps(self) -> float:
        return (self.frames - 1) * 1000 / self.span_ms if self.span_ms else 0.0

    @property
    def bitrate_kbps(self) -> float:
        return self.size_bytes * 8 / self.span_ms if self.span_ms else 0.0


def _passed_ms(before: int, now: int) -> int:
    """Difference of two 32-bit times; one that goes back is none."""
    passed = (now - before) & 0xFFFFFFFF
    return 0 if passed & 0x80000000 else passed


def measure(
    address: Callable[[], str],
    *,
    ca_file: str = "",
    patience: Patience,
    began: float | None = None,
    wait: Callable[[float], None] = time.sleep,
) -> Meter:
    """Read the stream; times count from `began` (monotonic clock), by default from now. Never raises what the
    other side is to blame for. `address` signs anew for each try: a server may not wait for a stream."""
    origin = time.monotonic() if began is None else began
    gives_up = time.monotonic() + patience.first_frame
    while True:
        meter = Meter()
        try:
            _read(meter, address(), ca_file, patience, gives_up, origin)
        except CaptureError as error:
            meter.stop(time.monotonic() - origin, _reason(error))
            is_absent = error.result == SnapshotResult.OFFLINE
            if is_absent and time.monotonic() + _AGAIN_SECONDS < gives_up:
                wait(_AGAIN_SECONDS)
                continue
        except OSError:
            meter.stop(time.monotonic() - origin, "没有后续画面" if meter.frames else "没有画面")
        return meter


def _read(meter: Meter, url: str, ca_file: str, patience: Patience, gives_up: float, origin: float) -> None:
    seconds = max(0.0, gives_up - time.monotonic()) + patience.reading
    tags = VideoTags()
    pieces = read_pieces(url, timeout_seconds=seconds, most_bytes=_MOST_BYTES, ca_file=ca_file)
    with closing(pieces):
        for piece in pieces:
            now = time.monotonic()
            for tag in tags.feed(piece):
                meter.take(tag, now - origin)
                if meter.span_ms >= patience.reading * 1000 or meter.codec not in ("", H264):
                    return
            if meter.first_frame_at is None and now > gives_up:
                raise TimeoutError
    meter.stop(time.monotonic() - origin, "码流中断")


def _reason(error: CaptureError) -> str:
    if error.result == SnapshotResult.OFFLINE:
        return "媒体服务器上没有该码流"
    # The other details are for the log.
    return f"{error.result.label}，{error.detail}" if error.detail.startswith("HTTP") else error.result.label
