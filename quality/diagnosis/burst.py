"""Flicker and rolling stripes: what only consecutive frames show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from protocol.codes import QualityFlag
from quality.diagnosis.engine import Look, answer
from quality.diagnosis.features import Floats, Plane, in_cells
from quality.diagnosis.judging import logistic, nine
from quality.diagnosis.memory import Memory
from quality.diagnosis.trace import FLAGS, Trace

LEAST_FRAMES: Final = 20
LEAST_SECONDS: Final = 0.9
# Cells darker than this follow a lamp in steps of the codec.
_LEAST_LUMA: Final = 12.0
# Beats a second: slower is weather, or exposure that jumps.
_SLOWEST: Final = 0.95
# Deviation of log luma, and of luma in a row.
_FLICKER, _STRIPES = 0.014, 2.0
_STEEP: Final = 5.0
_NOTHING: Final = -4.0
_PARTS: Final = 3
_FLAGS: Final = (QualityFlag.FLICKER, QualityFlag.STRIPES)


@dataclass(frozen=True, slots=True, eq=False)
class Burst:
    """Consecutive frames of one camera: at least LEAST_FRAMES, over at least LEAST_SECONDS."""

    frames: Sequence[Plane]  # luma, full range, all of one size
    seconds: Sequence[float]  # when each was taken, ascending
    at: datetime
    memory: Memory
    trace: Trace
    sensitivity: Sequence[float] = ()


def look_at_burst(burst: Burst) -> Look:
    """FLICKER and STRIPES; the other flags stay as they stand, and nothing is learned."""
    scores = np.full(FLAGS, np.nan, np.float32)
    seconds = np.asarray(burst.seconds, np.float32)
    if len(seconds) >= LEAST_FRAMES and seconds[-1] - seconds[0] >= LEAST_SECONDS:
        margins = _margins(np.stack([in_cells(frame) for frame in burst.frames]), seconds)
        scores[list(_FLAGS)] = logistic(margins + nine(burst.sensitivity)[list(_FLAGS)])
    return answer(scores, burst.memory, burst.trace.heard(scores, is_burst=True), has_learned=False)


def _margins(cells: Floats, seconds: Floats) -> Floats:
    """Of _FLAGS."""
    course = _course(cells)
    # What is left when all of the picture is brought to the same brightness.
    stripes = _stripes(cells / np.exp(course)[:, None, None])
    course = course - np.polynomial.Polynomial.fit(seconds, course, 2)(seconds)
    flicker = float(course.std())
    beats = np.count_nonzero(np.diff(np.sign(course))) / 2 / (seconds[-1] - seconds[0])
    # One looks a little like the other: the stronger one it is.
    is_striped = stripes > flicker * float(cells.mean())
    return np.array(
        [
            _margin(flicker, _FLICKER) if beats >= _SLOWEST and not is_striped else _NOTHING,
            _margin(stripes, _STRIPES) if is_striped else _NOTHING,
        ],
        np.float32,
    )


def _margin(strength: float, threshold: float) -> float:
    return float(_STEEP * np.log((strength + 1e-3) / threshold))


def _course(cells: Floats) -> Floats:
    """Of each frame: log of how bright all of the picture is against the whole burst."""
    usual = np.median(cells, axis=0)
    is_lit = usual >= min(_LEAST_LUMA, float(np.quantile(usual, 0.7)))
    # What passes by is in few cells at a time.
    course: Floats = np.median(np.log((cells[:, is_lit] + 1) / (usual[is_lit] + 1)), axis=1)
    return course


def _stripes(cells: Floats) -> float:
    """Deviation of whole rows from themselves, in luma."""
    apart = cells - np.median(cells, axis=0)
    # A stripe is in all parts of its row, a lorry is not.
    parts = np.stack([np.median(part, axis=2) for part in np.array_split(apart, _PARTS, axis=2)])
    is_common = (np.sign(parts) == np.sign(parts[0])).all(axis=0)
    rows = np.where(is_common, np.sign(parts[0]) * np.abs(parts).min(axis=0), 0)
    return float(rows.std())
