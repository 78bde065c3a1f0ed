"""Luma as the platform gets it: through x264 with the gateway's own options, and back."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, Final

import av
import numpy as np
import numpy.typing as npt

from bench.quality_scenes import HEIGHT, WIDTH, Bytes
from gateway.ffmpeg import transcode_arguments
from protocol.commands import VideoFormat

GOP: Final = 50
FRAME_RATE: Final = 25
# Full range to video's range and back, as cameras and `snapshots.capture.decode` do.
_TO_VIDEO: Final = np.round(np.arange(256) * 219 / 255 + 16).astype(np.uint8)
_TO_FULL: Final = np.clip(np.round((np.arange(256) - 16.0) * 255 / 219), 0, 255).astype(np.uint8)
_LEAST_QP, _MOST_QP = 8, 51
_GREY: Final = np.full((HEIGHT // 2, WIDTH), 128, np.uint8)


def stream(frames: Sequence[Bytes], kbit: int) -> list[Bytes]:
    """All frames after they went through a stream of that bit rate."""
    return list(_decoded(_packets(frames, kbit)))


def key_frames(frames: Sequence[Bytes], kbit: int) -> list[Bytes]:
    """The key frames but the first, whose quality the rate control has not yet found."""
    keys = [packet for packet in _packets(frames, kbit) if packet.is_keyframe]
    return [picture for packet in keys[1:] for picture in _decoded([packet])]


class Still:
    """Single key frames as they come out of a running stream: the quantiser is the one its rate control found."""

    def __init__(self, frames: Sequence[Bytes], kbit: int, rng: np.random.Generator) -> None:
        """`frames` are more than two GOPs of such a stream."""
        sizes = [packet.size for packet in _packets(frames, kbit) if packet.is_keyframe]
        places = range(0, len(frames), GOP)
        self._rng = rng
        self.qp = _quantiser(frames[places[-1]], sizes[-1])

    def picture(self, luma: Bytes) -> Bytes:
        # Rate control never settles on one value.
        qp = self.qp + int(self._rng.integers(-1, 2))
        (packet,) = _encode([luma], _encoder({"qp": str(qp)}))
        (picture,) = _decoded([packet])
        return picture


def _quantiser(luma: Bytes, size: int) -> int:
    low, high = _LEAST_QP, _MOST_QP
    while low < high:
        middle = (low + high) // 2
        (packet,) = _encode([luma], _encoder({"qp": str(middle)}))
        low, high = (middle + 1, high) if packet.size > size else (low, middle)
    return low


def _packets(frames: Sequence[Bytes], kbit: int) -> list[Any]:
    video = VideoFormat(width=WIDTH, height=HEIGHT, bitrate=kbit, iframe=GOP, framerate=FRAME_RATE)
    words = iter(transcode_arguments(video, scale=False))
    given = {word.removeprefix("-"): next(words) for word in words}
    rate = {"b": given["b:v"], "maxrate": given["maxrate"], "bufsize": given["bufsize"]}
    return list(_encode(frames, _encoder(rate)))


def _encoder(options: dict[str, str]) -> Any:
    encoder: Any = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FRAME_RATE), Fraction(FRAME_RATE)
    encoder.thread_count = 1
    encoder.options = {
        **{"preset": "ultrafast", "tune": "zerolatency", "profile": "main", "bf": "0"},
        **{"g": str(GOP), "keyint_min": str(GOP), "sc_threshold": "0"},
        **options,
    }
    return encoder


def _encode(frames: Sequence[Bytes], encoder: Any) -> Iterator[Any]:
    for index, luma in enumerate(frames):
        frame: Any = av.VideoFrame.from_ndarray(np.vstack((_TO_VIDEO[luma], _GREY)), "yuv420p")
        frame.pts = index
        yield from encoder.encode(frame)
    yield from encoder.encode(None)


def _decoded(packets: Sequence[Any]) -> Iterator[Bytes]:
    decoder: Any = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    for packet in [*packets, None]:
        for frame in decoder.decode(packet):
            plane = frame.planes[0]
            raw: npt.NDArray[np.uint8] = np.frombuffer(plane, np.uint8)
            yield _TO_FULL[raw.reshape(plane.height, plane.line_size)[:, : plane.width]]
