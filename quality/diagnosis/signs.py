"""A picture beside what is usual for its camera: a handful of figures, for a whole batch at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from quality.diagnosis.features import COLUMNS, ROWS, Features, Floats
from quality.diagnosis.memory import Memory, part_of, to_log, to_luma
from quality.diagnosis.trace import Trace

Mask = npt.NDArray[np.bool_]

# A window of contrasts is five cells wide.
_REACH: Final = 2
# Energy of contrasts in a window above what sensor and codec make of nothing.
_LEAST_CONTRAST: Final = 12.0
_BLANK: Final = 1.0
# Correlation of a window with the usual view: gone below, the same above.
_GONE, _SAME = 0.35, 0.7
_FAINT: Final = 0.25
# Places that are usually less like the usual view than this tell nothing.
_LEAST_LIKENESS: Final = 0.6
# Blocks that tell about sharpness: the most contrasty part of the picture, well above its quiet part, and no
# letters, which are written into the picture behind the lens.
_EDGE_SHARE, _QUIET_SHARE = 0.2, 0.3
_TIMES_QUIET, _LEAST_EDGE = 3.0, 30.0
_TEXT_SHARPNESS, _TEXT_CONTRAST = 0.7, 8.3
_LIT: Final = 3.0
_LEAST_BLOCKS: Final = 6
_LEAST_KEPT, _LEAST_DETAILS = 0.1, 0.02
_DARKEST: Final = 4.0
_MOST_GONE: Final = 0.75
_STILL_SHARE: Final = 0.9
# Pictures of a half hour before its light is known.
_LEAST_LEVELS: Final = 3
# By how much more light may differ for each half hour in between.
_PART_DEVIATION: Final = 0.15


@dataclass(frozen=True, slots=True, eq=False)
class Signs:
    """One entry for each picture of the batch; nan where nothing can be said."""

    level: Floats  # mean log of luma
    expected: Floats  # the same as usual at this half hour
    deviation: Floats  # and how far off it usually is
    blank: Floats  # share of the picture without any contrast
    gain: Floats  # of the contrasts that are still there, against the usual ones
    offset: Floats  # luma that is added to all of them
    usable: Floats  # share of the picture that has contrasts in the usual view
    same: Floats  # of that: the share that shows them still
    lost: Floats  # the share that does not
    lost_twice: Floats  # the share that did not in the last picture either
    softness: Floats  # log of how much of the details is gone
    noise: Floats  # sigma of 255
    clipped: Floats
    change: Floats  # from the last picture: mean of the cells but those that traffic and clocks change
    banding: Floats  # luma by which whole rows are off
    gone: Mask  # cells that are lost
    likeness: Floats  # blocks: correlation with the usual view


def compare(
    features: Sequence[Features], memories: Sequence[Memory], traces: Sequence[Trace], at: Sequence[datetime]
) -> Signs:
    means = np.stack([one.means for one in features])
    view = to_luma(np.stack([memory.view for memory in memories]))
    correlation, ratio, usable, own = _contrasts(means, view)
    likeness = np.stack([memory.likeness for memory in memories])
    # Where traffic always hides the usual view, nothing is missed.
    usable &= (likeness >= _LEAST_LIKENESS * 255).repeat(2, 1).repeat(2, 2)
    same = usable & (correlation > _SAME)
    # A dirty glass lets a little of the usual contrasts through.
    gain = _median(ratio, same)
    faint = ratio < _FAINT * np.nan_to_num(gain, nan=1.0)[:, None, None]
    gone = usable & ((correlation < _GONE) | faint)
    offset = _median(means - gain[:, None, None] * view, same)
    level = _level(means, view, gone)
    expected, deviation = zip(*map(_expected, memories, at), strict=True)
    hidden = _halved(gone) > 0
    count = np.maximum(usable.sum((1, 2)), 1).astype(np.float32)
    twice = gone & (np.stack([trace.lost for trace in traces]) > 0)
    return Signs(
        level=level,
        expected=_column(expected),
        deviation=_column(deviation),
        blank=(own < _BLANK).mean((1, 2), dtype=np.float32),
        gain=gain,
        offset=offset,
        usable=usable.mean((1, 2), dtype=np.float32),
        same=same.sum((1, 2)) / count,
        lost=gone.sum((1, 2)) / count,
        lost_twice=twice.sum((1, 2)) / count,
        softness=_column([_softness_of(*one) for one in zip(features, memories, hidden, strict=True)]),
        noise=_column([one.noise for one in features]),
        clipped=_column([one.clipped for one in features]),
        change=_change(means, traces),
        banding=_banding(means - gain[:, None, None] * view),
        gone=gone,
        likeness=_halved(np.clip(correlation, 0, 1)),
    )


def _halved(cells: Floats | Mask) -> Floats:
    """Cells to blocks."""
    return np.asarray(cells.reshape(len(cells), ROWS // 2, 2, COLUMNS // 2, 2).mean((2, 4)))


def _column(values: Sequence[float]) -> Floats:
    return np.array(values, np.float32)


def _level(means: Floats, view: Floats, gone: Mask) -> Floats:
    """As if what hides a part of the view had the brightness of the rest."""
    now, usual = np.log(means + _DARKEST), np.log(view + _DARKEST)
    is_seen = ~gone | (gone.mean((1, 2)) > _MOST_GONE)[:, None, None]
    apart = ((now - usual) * is_seen).sum((1, 2)) / is_seen.sum((1, 2))
    level: Floats = apart + usual.mean((1, 2))
    return level


def _expected(memory: Memory, at: datetime) -> tuple[float, float]:
    """The usual level at this half hour, and its usual deviation; of the nearest known one before it is known."""
    known = np.flatnonzero(memory.level[:, 2] >= _LEAST_LEVELS)
    if not known.size:
        return np.nan, np.nan
    apart = np.abs(known - part_of(at))
    level, deviation, _ = memory.level[known[apart.argmin()]]
    return float(level), float(deviation) + _PART_DEVIATION * int(apart.min())


def _contrasts(means: Floats, view: Floats) -> tuple[Floats, Floats, Mask, Floats]:
    """Of each window: its likeness to the usual view, its contrast against the usual one, whether there is one usually, and its own energy."""
    # Across and down.
    now = [_steps(means, axis) for axis in (1, 2)]
    then = [_steps(view, axis) for axis in (1, 2)]
    both = _windowed(now[0] * then[0] + now[1] * then[1])
    own = _windowed(now[0] ** 2 + now[1] ** 2)
    usual = _windowed(then[0] ** 2 + then[1] ** 2)
    correlation = both / np.sqrt((own + 1) * (usual + 1))
    return correlation, both / (usual + 1), usual > _LEAST_CONTRAST, own


def _steps(cells: Floats, axis: int) -> Floats:
    """From each cell to the next one; the last one gets none."""
    steps = np.zeros_like(cells)
    if axis == 1:
        np.subtract(cells[:, 1:], cells[:, :-1], out=steps[:, :-1])
    else:
        np.subtract(cells[:, :, 1:], cells[:, :, :-1], out=steps[:, :, :-1])
    return steps


def _windowed(cells: Floats) -> Floats:
    """Means over windows, smaller ones at the edges."""
    sums = cells
    for axis in (1, 2):
        wide = np.pad(sums, [(_REACH, _REACH) if each == axis else (0, 0) for each in range(3)])
        length = sums.shape[axis]
        first, *others = (
            wide[:, place : place + length] if axis == 1 else wide[:, :, place : place + length]
            for place in range(2 * _REACH + 1)
        )
        sums = first.copy()
        for other in others:
            sums += other
    return np.asarray(sums / _window_sizes())


@lru_cache(maxsize=1)
def _window_sizes() -> Floats:
    down, across = (
        np.minimum(np.arange(length), _REACH) + np.minimum(np.arange(length)[::-1], _REACH) + 1
        for length in (ROWS, COLUMNS)
    )
    return np.asarray(down[:, None] * across, np.float32)


def _median(values: Floats, where: Mask) -> Floats:
    """Over the cells of each picture; nan without any."""
    return np.array(
        [np.median(one[mask]) if mask.any() else np.nan for one, mask in zip(values, where, strict=True)],
        np.float32,
    )


def _banding(rest: Floats) -> Floats:
    """What rows have in common from side to side, without what changes evenly down the picture, as haze does."""
    parts = np.stack([np.median(part, axis=2) for part in np.array_split(rest, 3, axis=2)])
    rows = np.nan_to_num(np.median(parts, axis=0))
    rows = rows - rows @ _smooth() @ _smooth().T
    return np.asarray(rows.std(axis=1))


@lru_cache(maxsize=1)
def _smooth() -> Floats:
    """Orthonormal parabolas down the picture."""
    down = np.linspace(-1, 1, ROWS)
    basis, _ = np.linalg.qr(np.stack((np.ones(ROWS), down, down**2), axis=1))
    return basis.astype(np.float32)


def details(features: Features) -> tuple[Floats, Floats]:
    """Of each block: log of details against contrasts, log of contrasts."""
    coarse = np.log(features.coarse + 1)
    return np.log(features.fine + np.float32(0.5)) - coarse, coarse


def _softness_of(features: Features, memory: Memory, hidden: Mask) -> float:
    """Log of what details have lost beyond what contrasts have; nan where too little is to be seen.

    Noise and codec are in every block: what the quiet blocks have is taken off before details are compared, or at
    night nothing else would be compared.
    """
    contrast, sharpness = to_log(memory.contrast), to_log(memory.sharpness)
    coarse, fine = np.exp(contrast), np.exp(contrast + sharpness)
    is_text = (sharpness > _TEXT_SHARPNESS) & (contrast > _TEXT_CONTRAST)
    quiet = float(np.quantile(coarse, _QUIET_SHARE))
    least = max(float(np.quantile(coarse, 1 - _EDGE_SHARE)), _TIMES_QUIET * quiet, _LEAST_EDGE)
    # Headlights are no part of the usual view, and what is hidden is not soft.
    where = (coarse >= least) & ~_around(is_text) & ~hidden & (features.coarse < _LIT * coarse)
    if np.count_nonzero(where) < _LEAST_BLOCKS:
        return np.nan
    weights = 1 / np.sqrt(coarse[where])
    kept_details = _excess(features.fine, where, weights) / _excess(fine, where, weights)
    kept_contrasts = _excess(features.coarse, where, weights) / _excess(coarse, where, weights)
    if kept_contrasts < _LEAST_KEPT:
        # Hidden or dark: not soft.
        return np.nan
    return float(np.log(kept_contrasts) - np.log(max(kept_details, _LEAST_DETAILS)))


def _excess(energy: Floats, where: Mask, weights: Floats) -> float:
    return max(float(((energy[where] - np.quantile(energy, _QUIET_SHARE)) * weights).sum()), 1e-3)


def _around(blocks: Mask) -> Mask:
    """The blocks and their neighbours."""
    wide = np.pad(blocks, 1)
    rows = wide[:-2] | wide[1:-1] | wide[2:]
    around: Mask = rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:]
    return around


def _change(means: Floats, traces: Sequence[Trace]) -> Floats:
    before = np.stack([trace.picture for trace in traces])
    # Differences modulo 256: the shortest way round.
    apart = np.abs((small(means) - before).astype(np.int8).astype(np.float32)).reshape(len(means), -1)
    apart.sort(axis=1)
    return np.asarray(apart[:, : round(_STILL_SHARE * apart.shape[1])].mean(axis=1) / 4)


def small(means: Floats) -> npt.NDArray[np.uint8]:
    """A picture as a trace keeps it."""
    return np.round(means * 4).astype(np.int32).astype(np.uint8)
