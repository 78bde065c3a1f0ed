"""Pictures as the encoder wants them: planar YUV 4:2:0, limited range, BT.601."""

from collections.abc import Iterable, Sequence
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

    None stays: all of it. None is added: nothing. Adding without covering is light.
    """

    luma: Words
    keep_luma: Words | None
    chroma: Words | None
    keep_chroma: Words | None

    @property
    def height(self) -> int:
        return int(self.luma.shape[0])

    @property
    def width(self) -> int:
        return int(self.luma.shape[1])

    @property
    def size_bytes(self) -> int:
        planes = (self.luma, self.keep_luma, self.chroma, self.keep_chroma)
        return sum(plane.nbytes for plane in planes if plane is not None)


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


def make_patch(yuv: Floats, cover: Floats) -> Patch:
    """From cover (h, w) 0-1 and colours (h, w, 3) in YUV times cover; height and width are even."""
    small, small_cover = np.moveaxis(halve(yuv[..., 1:]), -1, 0), halve(cover)
    return Patch(
        luma=np.rint(yuv[..., 0]).astype(np.int16),
        keep_luma=np.rint((1 - cover) * OPAQUE).astype(np.int16),
        chroma=np.rint(small).astype(np.int16),
        keep_chroma=np.rint((1 - small_cover) * OPAQUE).astype(np.int16),
    )


def beside(patches: Sequence[Patch]) -> Patch:
    """Patches of one height in a row."""

    def row(planes: Iterable[Words | None]) -> Words:
        return np.concatenate([plane for plane in planes if plane is not None], axis=-1)

    return Patch(
        luma=row(one.luma for one in patches),
        keep_luma=row(one.keep_luma for one in patches),
        chroma=row(one.chroma for one in patches),
        keep_chroma=row(one.keep_chroma for one in patches),
    )


def make_light(share: Floats, colour: Floats, *, is_coloured: bool) -> Patch:
    """Light that covers nothing: how much of it (h, w) 0-1, and its colour as a difference in YUV.

    What is nearly white leaves the colours alone.
    """
    luma = np.rint(share * colour[0]).astype(np.int16)
    chroma = np.rint(halve(share) * colour[1:, None, None]).astype(np.int16) if is_coloured else None
    return Patch(luma, None, chroma, None)


def lay(frame: Frame, patch: Patch, x: int, y: int) -> None:
    """Lay the patch with its upper left corner at (x, y); what sticks out is cut off."""
    _lay_plane(frame.luma, patch.keep_luma, patch.luma, x, y)
    if patch.chroma is not None:
        # Colour half a pixel off its place is not seen; light and dark moving by two pixels would be.
        _lay_plane(frame.chroma, patch.keep_chroma, patch.chroma, x >> 1, y >> 1)


def _lay_plane(plane: Bytes, keep: Words | None, add: Words, x: int, y: int) -> None:
    height, width = add.shape[-2:]
    bottom, right = y + height, x + width
    if x < 0 or y < 0 or bottom > plane.shape[-2] or right > plane.shape[-1]:
        left, top = max(-x, 0), max(-y, 0)
        width, height = min(width, plane.shape[-1] - x), min(height, plane.shape[-2] - y)
        if left >= width or top >= height:
            return
        add = add[..., top:height, left:width]
        keep = None if keep is None else keep[..., top:height, left:width]
        x, y, bottom, right = x + left, y + top, y + height, x + width
    ground = plane[..., y:bottom, x:right]
    # All of one type: a mixed operation costs twice the time on patches of this size.
    mixed = ground.astype(np.int16)
    if keep is None:
        mixed += add
        np.minimum(mixed, 255, out=mixed)
        np.maximum(mixed, 0, out=mixed)
    else:
        mixed *= keep
        mixed >>= 7
        mixed += add
    ground[...] = mixed
