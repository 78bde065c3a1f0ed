"""Some seconds of a stream as consecutive frames of luma. No database."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import av
from av.error import FFmpegError

from snapshots.capture.decode import MOST_PIXELS, Plane, luma_of
from snapshots.capture.errors import CaptureError
from snapshots.capture.fetch import MOST_BYTES, read_pieces
from snapshots.capture.flv import Tag, VideoTags
from snapshots.choices import SnapshotResult
from streaming.embedded.flv import KEY_FRAME, plain_h264, video_codec

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame

_H264: Final = "H264"
_AVC_BYTES: Final = 5
_SEQUENCE_HEADER, _PICTURE = 0, 1
# More in a burst is no low stream; decoding it would hold up the captures.
_MOST_FRAMES: Final = 150
_PLANAR: Final = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p"})
_MILLISECONDS: Final = Fraction(1, 1000)


@dataclass(slots=True)
class Clip:
    """H.264 from a key frame on, not yet decoded: when each access unit is shown, in ms, and its bytes."""

    config: bytes = b""
    units: list[tuple[int, bytes]] = field(default_factory=list)

    @property
    def span_ms(self) -> int:
        shown = [at for at, _ in self.units]
        return max(shown) - min(shown) if shown else 0

    def take(self, tag: Tag) -> None:
        """Raises CaptureError at what is no H.264."""
        payload = plain_h264(tag.data) if tag.data else b""
        if len(payload) < _AVC_BYTES:
            return
        if video_codec(payload) != _H264:
            raise CaptureError(SnapshotResult.NOT_H264, video_codec(payload))
        if payload[1] == _SEQUENCE_HEADER and not self.units:
            self.config = payload[_AVC_BYTES:]
        elif payload[1] == _PICTURE and self.config and (self.units or payload[0] >> 4 & 7 == KEY_FRAME):
            # Frames are sent in the order of decoding; this is by how much later one is shown.
            later = int.from_bytes(payload[2:5], "big", signed=True)
            self.units.append((tag.at + later, payload[_AVC_BYTES:]))


def read_clip(url: str, *, seconds: float, timeout_seconds: float, ca_file: str = "") -> Clip:
    """So many seconds of an HTTP-FLV stream. Raises CaptureError; what came before it broke off is no clip."""
    clip, tags = Clip(), VideoTags()
    pieces = read_pieces(
        url, timeout_seconds=seconds + timeout_seconds, most_bytes=MOST_BYTES, ca_file=ca_file
    )
    with closing(pieces):
        try:
            for piece in pieces:
                for tag in tags.feed(piece):
                    clip.take(tag)
                    if clip.span_ms >= seconds * 1000 or len(clip.units) >= _MOST_FRAMES:
                        return clip
        except OSError as error:
            raise CaptureError(SnapshotResult.NO_KEY_FRAME, str(error) or "too slow") from error
    raise CaptureError(SnapshotResult.NO_KEY_FRAME, "the stream ended within the burst")


def frames_of(clip: Clip) -> tuple[list[Plane], list[float]]:
    """Luma of its frames, all of one size, and the second in which each is shown. Raises CaptureError."""
    frames: list[Plane] = []
    seconds: list[float] = []
    try:
        for frame in _decoded(clip):
            if frame.format.name not in _PLANAR:
                raise CaptureError(SnapshotResult.UNDECODABLE, f"frames of {frame.format.name}")
            if frame.is_corrupt or frame.pts is None or (seconds and frame.pts / 1000 <= seconds[-1]):
                continue
            luma = luma_of(frame)
            if frames and luma.shape != frames[0].shape:
                break
            frames.append(luma)
            seconds.append(frame.pts / 1000)
    except (FFmpegError, ValueError) as error:
        raise CaptureError(SnapshotResult.UNDECODABLE, str(error)) from error
    return frames, seconds


def _decoded(clip: Clip) -> Iterator["VideoFrame"]:
    decoder: VideoCodecContext = av.CodecContext.create("h264", "r")
    decoder.extradata = clip.config
    decoder.thread_count = 1
    decoder.options = {"max_pixels": str(MOST_PIXELS)}
    for at, unit in clip.units:
        packet = av.Packet(unit)
        packet.pts, packet.time_base = at, _MILLISECONDS
        yield from decoder.decode(packet)
    yield from decoder.decode(None)
