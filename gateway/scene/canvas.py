"""Pictures as the encoder wants them: planar YUV 4:2:0, limited range, BT.601."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Words = NDArray[np.int16]
Floats = NDArray[np.floating]

_TO_YUV = (
    (0.256788, 0.504129, 0.097906),
    (-0.148223, -0.290993, 0.439216),
    (0.439216, -0.367788, -0.071427),
)
_OFFSET = np.array([16.0, 128.0, 128.0], dtype=np.float32)

# Seven bits of opacity, so that value times opacity fits 16 bits with a sign.
OPAQUE = 128


def vector(values: Sequence[float] | Sequence[Sequence[float]] | Floats) -> Floats:
    """Colours and the like in the precision that everything is computed in."""
    return np.asarray(values, dtype=np.float32)


class Frame:
    """One picture in one block of memory; `luma` (h, w) and `chroma` (2, h/2, w/2) look into it."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.data = np.empty(width * height * 3 // 2, dtype=np.uint8)
        self.luma = self.data[: width * height].reshape(height, width)
        self.chroma = self.data[width * height :].reshape(2, height // 2, width // 2)


@dataclass(frozen=True)
class Patch:
    """A small picture to lay over a frame: what stays of the ground (0-128) and what is added to it.

    Adding without covering is light: a lamp's glow keeps all of the ground and adds to it.
    """

    luma: Bytes | Words
    keep_luma: Bytes
    chroma: Bytes | Words
    keep_chroma: Bytes
    may_overflow: bool = False

    @property
    def height(self) -> int:
        return int(self.luma.shape[0])

    @property
    def width(self) -> int:
        return int(self.luma.shape[1])

    @property
    def size_bytes(self) -> int:
        return self.luma.nbytes + self.keep_luma.nbytes + self.chroma.nbytes + self.keep_chroma.nbytes


def to_yuv(rgb: Floats) -> Floats:
    """(..., 3) of 0-255 as (..., 3) of limited-range YUV."""
    return difference_to_yuv(rgb) + _OFFSET


def difference_to_yuv(rgb: Floats) -> Floats:
    """The same without its zero points: for light that is added."""
    # Not a matrix product: the threads of BLAS wake for it and then spin.
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    yuv = np.empty_like(rgb)
    for index, (of_red, of_green, of_blue) in enumerate(_TO_YUV):
        yuv[..., index] = red * of_red + green * of_green + blue * of_blue
    return yuv


def halve(plane: Floats) -> Floats:
    """Each 2 x 2 block as its mean; height and width are even."""
    upper, lower = plane[0::2], plane[1::2]
    total = upper[:, 0::2] + upper[:, 1::2] + lower[:, 0::2] + lower[:, 1::2]
    return total * np.float32(0.25)


Shine = tuple[Floats, Floats]
"""Light that is added: how much of it (h, w) 0-1, and its colour as a difference in YUV (3)."""


def make_patch(yuv: Floats, cover: Floats, shines: Sequence[Shine] = ()) -> Patch:
    """From cover (h, w) 0-1, colours (h, w, 3) in YUV times cover, and light on top.

    Height and width are even.
    """
    luma, small, small_cover = yuv[..., 0], np.moveaxis(halve(yuv[..., 1:]), -1, 0), halve(cover)
    for share, colour in shines:
        luma = luma + share * colour[0]
        small = small + halve(share) * colour[1:, None, None]

    # Light may take colour away, which needs a sign; without it half the memory does.
    def kept(plane: Floats) -> Bytes | Words:
        return np.rint(plane).astype(np.int16) if shines else np.rint(plane).astype(np.uint8)

    return Patch(
        luma=kept(luma),
        keep_luma=np.rint((1 - cover) * OPAQUE).astype(np.uint8),
        chroma=kept(small),
        keep_chroma=np.rint((1 - small_cover) * OPAQUE).astype(np.uint8),
        may_overflow=bool(shines),
    )


def lay(frame: Frame, patch: Patch, x: int, y: int) -> None:
    """Lay the patch with its upper left corner at (x, y); what sticks out is cut off."""
    height, width = patch.luma.shape
    # Colour half a pixel off its place is not seen; light and dark moving by two pixels would be.
    u, v = x >> 1, y >> 1
    if x >= 0 and y >= 0 and x + width <= frame.width and y + height <= frame.height:
        luma, chroma = frame.luma[y : y + height, x : x + width], frame.chroma
        _blend(luma, patch.keep_luma, patch.luma, patch.may_overflow)
        chroma = chroma[:, v : v + height // 2, u : u + width // 2]
        _blend(chroma, patch.keep_chroma, patch.chroma, patch.may_overflow)
        return
    if (window := _window((height, width), frame.luma.shape, x, y)) is not None:
        on_frame, of_patch = window
        _blend(frame.luma[on_frame], patch.keep_luma[of_patch], patch.luma[of_patch], patch.may_overflow)
    if (window := _window(patch.keep_chroma.shape, frame.chroma.shape[1:], u, v)) is not None:
        on_frame, of_patch = window
        chroma, add = frame.chroma[:, *on_frame], patch.chroma[:, *of_patch]
        _blend(chroma, patch.keep_chroma[of_patch], add, patch.may_overflow)


Window = tuple[slice, slice]


def _window(patch: tuple[int, ...], frame: tuple[int, ...], x: int, y: int) -> tuple[Window, Window] | None:
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + patch[1], frame[1]), min(y + patch[0], frame[0])
    if left >= right or top >= bottom:
        return None
    return (
        (slice(top, bottom), slice(left, right)),
        (slice(top - y, bottom - y), slice(left - x, right - x)),
    )


def _blend(ground: Bytes, keep: Bytes, add: Bytes | Words, may_overflow: bool) -> None:
    mixed = np.multiply(ground, keep, dtype=np.int16)
    mixed >>= 7
    mixed += add
    if may_overflow:
        np.minimum(mixed, 255, out=mixed)
        np.maximum(mixed, 0, out=mixed)
    ground[...] = mixed
