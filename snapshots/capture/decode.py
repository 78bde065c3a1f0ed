"""One key frame to a JPEG of true colours, CIF or larger (document 4.1 2.c)."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import av
import numpy as np
import numpy.typing as npt
import simplejpeg
from av.error import FFmpegError
from av.video.reformatter import ColorRange, Colorspace

from snapshots.capture.errors import CaptureError
from snapshots.capture.flv import KeyFrame
from snapshots.choices import SnapshotResult

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.plane import VideoPlane

CIF_WIDTH, CIF_HEIGHT = 352, 288
# 4K and a little; a stream that claims more is not decoded at all (threats.md 20).
MOST_PIXELS = 4096 * 2304
# From here on untagged video is BT.709, as players assume.
_HD_HEIGHT = 720
_YUV_601 = frozenset({Colorspace.FCC, Colorspace.ITU601, 2, 6})
_UNTAGGED = 2

Plane = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """Full-range BT.601, as in the JPEG; `u` and `v` have half the width and height."""

    y: Plane
    u: Plane
    v: Plane


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One picture and what it was made of: whoever judges its quality needs no second look at the stream."""

    jpeg: bytes
    planes: Planes
    width: int
    height: int
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class Style:
    """How a JPEG is made: quality 1-100, and the pixels of its longest side, 0 for those of the stream."""

    quality: int
    longest_side: int = 0


def _table(black: int, middle: float, scale: float) -> bytes:
    values = np.clip(np.round((np.arange(256) - black) * scale + middle), 0, 255)
    return values.astype(np.uint8).tobytes()


# Video's range 16-235 (luma) and 16-240 (colour) to JPEG's 0-255; without it greys and blacks are off.
_FULL_LUMA = _table(16, 0, 255 / 219)
_FULL_COLOUR = _table(128, 128, 255 / 224)


def picture_of(
    frame: KeyFrame,
    *,
    quality: int,
    taken_at: datetime,
    longest_side: int = 0,
    most_pixels: int = MOST_PIXELS,
) -> Picture:
    """Raises CaptureError when the key frame gives no whole picture. A `longest_side` of 0 leaves the size as it is."""
    try:
        planes = _full_range(_fit_for_jpeg(_decode(frame, most_pixels), longest_side))
        jpeg = simplejpeg.encode_jpeg_yuv_planes(planes.y, planes.u, planes.v, quality)
    except (FFmpegError, ValueError) as error:
        raise CaptureError(SnapshotResult.UNDECODABLE, str(error)) from error
    height, width = planes.y.shape
    return Picture(jpeg, planes, width, height, taken_at)


def luma_of(frame: "VideoFrame") -> Plane:
    """Full-range luma of a planar frame of 8 bits, as in the JPEG of a picture that needs no scaling."""
    return _plane(frame.planes[0], None if _is_full_range(frame) else _FULL_LUMA)


def _decode(frame: KeyFrame, most_pixels: int) -> "VideoFrame":
    # A decoder of its own for every picture: a kept one repairs a damaged frame with another camera's.
    decoder: VideoCodecContext = av.CodecContext.create("h264", "r")
    decoder.extradata = frame.config
    # Threads of the decoder would only wait for each other over one picture.
    decoder.thread_count = 1
    decoder.options = {"max_pixels": str(most_pixels)}
    # The end of the stream makes the decoder give its picture at once.
    pictures = [*decoder.decode(av.Packet(frame.data)), *decoder.decode(None)]
    if not pictures or pictures[0].is_corrupt:
        raise CaptureError(SnapshotResult.UNDECODABLE, "the key frame is damaged")
    return pictures[0]


def _fit_for_jpeg(frame: "VideoFrame", longest_side: int) -> "VideoFrame":
    """Planar 4:2:0 of BT.601 in at least CIF. The common camera needs nothing of it."""
    is_601 = frame.colorspace in _YUV_601 and not _is_untagged_hd(frame)
    width, height = _size(frame.width, frame.height, longest_side)
    # A sliver has to grow to cover CIF, and grows along its length as well.
    if width * height > MOST_PIXELS:
        size = f"{frame.width}x{frame.height}"
        raise CaptureError(SnapshotResult.UNDECODABLE, f"{size} in CIF would be {width}x{height}")
    if (
        is_601
        and frame.format.name in ("yuv420p", "yuvj420p")
        and (width, height) == (frame.width, frame.height)
    ):
        return frame
    source = Colorspace.ITU709 if _is_untagged_hd(frame) else _known(frame.colorspace)
    return frame.reformat(
        width=width,
        height=height,
        format="yuvj420p",
        src_colorspace=source,
        dst_colorspace=Colorspace.ITU601,
        src_color_range=ColorRange.JPEG if _is_full_range(frame) else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
    )


def _is_untagged_hd(frame: "VideoFrame") -> bool:
    return frame.colorspace == _UNTAGGED and frame.height >= _HD_HEIGHT


def _known(colorspace: int) -> Colorspace:
    try:
        return Colorspace(colorspace)
    except ValueError:
        return Colorspace.ITU601


def _size(width: int, height: int, longest_side: int) -> tuple[int, int]:
    """Of the same shape: no side longer than wanted, but never less than what covers CIF."""
    least = max(CIF_WIDTH / width, CIF_HEIGHT / height)
    wanted = longest_side / max(width, height) if longest_side else 1
    scale = max(least, min(wanted, 1))
    if scale == 1:
        return width, height
    # Even, because colour has half the size.
    return -(-round(width * scale) // 2) * 2, -(-round(height * scale) // 2) * 2


def _is_full_range(frame: "VideoFrame") -> bool:
    return frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")


def _full_range(frame: "VideoFrame") -> Planes:
    luma, colour = (None, None) if _is_full_range(frame) else (_FULL_LUMA, _FULL_COLOUR)
    # Lines are padded to the width the decoder likes.
    y, u, v = frame.planes
    return Planes(_plane(y, luma), _plane(u, colour), _plane(v, colour))


def _plane(plane: "VideoPlane", table: bytes | None) -> Plane:
    raw = bytes(plane)
    if table is not None:
        raw = raw.translate(table)
    return np.frombuffer(raw, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
