"""What is measured in one picture. Nothing here knows a camera or a history."""

from dataclasses import dataclass
from functools import lru_cache
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


def measure(luma: Plane) -> Features:
    height, width = luma.shape
    picture = _reduced(luma)
    means = _pooled(picture, ROWS, COLUMNS)
    down = _bent(picture, 1, 0)
    fine = _energy(_bent(picture, _FINE, 1)) + _energy(_bent(picture, _FINE, 0))
    coarse = _energy(_stepped(picture, 1)) + _energy(_stepped(picture, 0))
    noise = np.median(_pooled(np.abs(_bent(down, 1, 1)), BLOCK_ROWS, BLOCK_COLUMNS)) * _TO_SIGMA
    clipped = float(np.count_nonzero(picture >= _CLIPPED)) / picture.size
    return Features(width, height, means, fine, coarse, float(noise), clipped)


def in_cells(luma: Plane) -> Floats:
    """Mean luma of each cell."""
    return _pooled(_reduced(luma), ROWS, COLUMNS)


def _reduced(luma: Plane) -> Floats:
    times = max(1, round(luma.shape[1] / _WIDTH))
    if times == 1:
        return luma.astype(np.float32)
    height, width = luma.shape[0] // times, luma.shape[1] // times
    whole = luma[: height * times, : width * times].reshape(height, times, width, times)
    # Sums of whole lines first: uint16 holds 16 x 255, and adding lines is cheap.
    sums = whole.sum(axis=1, dtype=np.uint16).sum(axis=2, dtype=np.float32)
    return np.asarray(sums / times**2, np.float32)


def _bent(picture: Floats, lag: int, axis: int) -> Floats:
    """Second differences along an axis."""
    if axis == 0:
        return picture[2 * lag :] - 2 * picture[lag:-lag] + picture[: -2 * lag]
    return picture[:, 2 * lag :] - 2 * picture[:, lag:-lag] + picture[:, : -2 * lag]


def _stepped(picture: Floats, axis: int) -> Floats:
    if axis == 0:
        return picture[_COARSE:] - picture[:-_COARSE]
    return picture[:, _COARSE:] - picture[:, :-_COARSE]


def _energy(differences: Floats) -> Floats:
    return _pooled(np.square(differences), BLOCK_ROWS, BLOCK_COLUMNS)


def _pooled(field: Floats, rows: int, columns: int) -> Floats:
    """Mean of each part of the picture; two matrix products are the cheapest way there."""
    pooled: Floats = _averaging(field.shape[0], rows) @ field @ _averaging(field.shape[1], columns).T
    return pooled


@lru_cache(maxsize=64)
def _averaging(length: int, parts: int) -> Floats:
    """Of `length` pixels the means of `parts` equal stretches."""
    edges = np.linspace(0, length, parts + 1)
    pixels = np.arange(length)
    share = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    weights = np.clip(share, 0, 1)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)
