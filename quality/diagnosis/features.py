"""What is measured in one picture. Nothing here knows a camera or a history."""

import threading
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.floating]

# A picture is divided into so many cells, whatever its size: 8 x 8 pixels each of CIF.
ROWS: Final = 36
COLUMNS: Final = 44
# The cells in twos, for what needs more pixels to be measured well.
BLOCK_ROWS: Final = ROWS // 2
BLOCK_COLUMNS: Final = COLUMNS // 2
# Larger pictures are measured at about this width.
_WIDTH: Final = 352
# Lags in pixels: details that a soft lens loses first, and contrasts that it leaves.
_FINE: Final = 2
_COARSE: Final = 8
# Mean of |second difference in both directions| to the sigma of white noise.
_TO_SIGMA: Final = float(np.sqrt(np.pi / 2) / 6)
_CLIPPED: Final = 250


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    width: int
    height: int
    means: Floats  # cells: mean luma
    fine: Floats  # blocks: energy of details
    coarse: Floats  # blocks: energy of contrasts
    noise: float  # sigma of 255 in the less detailed half of the picture
    clipped: float  # share of pixels at the white end


class _Table(threading.local):
    """Three sheets of the size of the last picture, one set for each thread: fresh memory for every step of every
    picture costs more than the arithmetic."""

    def __init__(self) -> None:
        self.sheets = [np.empty((0, 0), np.float32)] * 3

    def of_size(self, rows: int, columns: int) -> list[Floats]:
        if self.sheets[0].shape != (rows, columns):
            self.sheets = [np.empty((rows, columns), np.float32) for _ in range(3)]
        return self.sheets


_table = _Table()


def measure(luma: Plane) -> Features:
    height, width = luma.shape
    picture, sheet, other = _laid_out(luma)
    means = _pooled(picture, ROWS, COLUMNS)
    clipped = np.count_nonzero(picture >= _CLIPPED) / picture.size
    _bend(picture, 1, 0, out=sheet)
    _bend(sheet, 1, 1, out=other)
    np.abs(other, out=other)
    noise = np.median(_pooled(other, BLOCK_ROWS, BLOCK_COLUMNS)) * _TO_SIGMA
    _bend(picture, _FINE, 0, out=sheet)
    _bend(picture, _FINE, 1, out=other)
    fine = _energy(sheet, other)
    _step(picture, 0, out=sheet)
    _step(picture, 1, out=other)
    coarse = _energy(sheet, other)
    return Features(width, height, means, fine, coarse, float(noise), clipped)


def in_cells(luma: Plane) -> Floats:
    """Mean luma of each cell."""
    return _pooled(_laid_out(luma)[0], ROWS, COLUMNS)


def _laid_out(luma: Plane) -> list[Floats]:
    """The picture at about the common width, on the first of three sheets of its size."""
    times = max(1, round(luma.shape[1] / _WIDTH))
    # Without the few pixels at the edges that would be part of a cell.
    rows, columns = luma.shape[0] // times // ROWS * ROWS, luma.shape[1] // times // COLUMNS * COLUMNS
    top, left = (luma.shape[0] - rows * times) // 2, (luma.shape[1] - columns * times) // 2
    whole = luma[top : top + rows * times, left : left + columns * times]
    sheets = _table.of_size(rows, columns)
    if times == 1:
        np.copyto(sheets[0], whole)
        return sheets
    # Sums of whole lines first: uint16 holds 16 x 255, and adding lines is cheap.
    lines = whole.reshape(rows, times, columns * times).sum(axis=1, dtype=np.uint16)
    np.sum(lines.reshape(rows, columns, times), axis=2, dtype=np.float32, out=sheets[0])
    sheets[0] /= times**2
    return sheets


def _bend(picture: Floats, lag: int, axis: int, *, out: Floats) -> None:
    """Second differences along an axis; none at the edges."""
    if axis == 1:
        picture, out = picture.T, out.T
    out[:lag] = out[-lag:] = 0
    inner, middle = out[lag:-lag], picture[lag:-lag]
    np.add(picture[2 * lag :], picture[: -2 * lag], out=inner)
    inner -= middle
    inner -= middle


def _step(picture: Floats, axis: int, *, out: Floats) -> None:
    """Differences over the coarse lag along an axis; none at the edges."""
    if axis == 1:
        picture, out = picture.T, out.T
    half = _COARSE // 2
    out[:half] = out[-half:] = 0
    np.subtract(picture[_COARSE:], picture[:-_COARSE], out=out[half:-half])


def _energy(one: Floats, other: Floats) -> Floats:
    """Of blocks; both sheets are used up."""
    np.square(one, out=one)
    np.square(other, out=other)
    one += other
    return _pooled(one, BLOCK_ROWS, BLOCK_COLUMNS)


def _pooled(field: Floats, rows: int, columns: int) -> Floats:
    """Mean of each part of the picture. No matrix products: the algebra library's threads wait for each other on a
    busy machine, and cost many times what they save."""
    height, width = field.shape[0] // rows, field.shape[1] // columns
    lines = field.reshape(rows, height, field.shape[1]).sum(axis=1)
    return np.asarray(lines.reshape(rows, columns, width).sum(axis=2) / np.float32(height * width))
