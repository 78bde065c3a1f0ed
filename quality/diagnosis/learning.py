"""A picture that looks normal becomes part of what is usual."""

from dataclasses import replace
from datetime import datetime
from typing import Final

import numpy as np

from quality.diagnosis.features import BLOCK_COLUMNS, BLOCK_ROWS, Features, Floats
from quality.diagnosis.memory import CHANGE, Codes, Memory, part_of, to_code, to_log_code
from quality.diagnosis.signs import details

# The first pictures count alike; later ones move what is known by so much of their (bounded) difference.
_FIRST: Final = 12
_LATER: Final = 1 / 12
# In codes: a lorry may not leave a mark.
_MOST_STEP: Final = 24.0
_LEVEL_FIRST: Final = 6
_DOWN, _UP = 0.6, 0.04
# The first picture has nothing to be like.
_UNKNOWN: Final = np.full((BLOCK_ROWS, BLOCK_COLUMNS), 190, np.float32)


def learned(
    memory: Memory,
    features: Features,
    *,
    level: float,
    likeness: Floats,
    statistics: Floats,
    at: datetime,
) -> Memory:
    """`statistics` are the picture's own, compared with `memory`; nan where there is none."""
    if (memory.width, memory.height) != (features.width, features.height):
        memory = Memory(width=features.width, height=features.height)
    count = memory.learned + 1
    share = max(1 / count, _LATER)
    rng = np.random.default_rng(count)
    code = to_code(features.means)
    sharpness, contrast = details(features)
    return replace(
        memory,
        learned=count,
        view=_nearer(memory.view, code, share, rng),
        likeness=_nearer(memory.likeness, likeness * 255 if memory.learned else _UNKNOWN, share, rng),
        sharpness=_nearer(memory.sharpness, to_log_code(sharpness), share, rng),
        contrast=_nearer(memory.contrast, to_log_code(contrast), share, rng),
        level=_levels(memory.level, level, part_of(at)),
        usual=_usual(memory.usual, statistics, count),
    )


def _nearer(known: Codes, new: Floats, share: float, rng: np.random.Generator) -> Codes:
    step = new - known
    if share <= 1 / _FIRST:
        step = np.clip(step, -_MOST_STEP, _MOST_STEP)
    # Steps are smaller than a code: rounded up or down by chance, they add up all the same.
    moved = known + share * step + rng.random(known.shape, np.float32)
    return np.clip(np.floor(moved), 0, 255).astype(np.uint8)


def _levels(levels: Floats, level: float, part: int) -> Floats:
    levels = levels.copy()
    known, deviation, count = (float(value) for value in levels[part])
    share = 1 / min(count + 1, _LEVEL_FIRST)
    apart = abs(level - known)
    # One picture says nothing of deviations.
    deviation = deviation + share * (apart - deviation) if count else 0.0
    levels[part] = known + share * (level - known), deviation, min(count + 1, 99)
    return levels


def _usual(usual: Floats, statistics: Floats, count: int) -> Floats:
    before, usual = usual, usual.copy()
    share = max(1 / count, _LATER)
    apart = statistics - usual[:, 0]
    is_known = ~np.isnan(statistics)
    usual[is_known, 0] += share * apart[is_known]
    usual[is_known, 1] += share * (np.abs(apart[is_known]) - usual[is_known, 1])
    if is_known[CHANGE]:
        usual[CHANGE] = before[CHANGE]
        _lower(usual[CHANGE], float(statistics[CHANGE]))
    return usual


def _lower(low_and_times: Floats, change: float) -> None:
    """Follows the low values quickly, and is slow to leave them: a night has pictures with traffic and without."""
    low, times = (float(value) for value in low_and_times)
    step = 1.0 if not times else _DOWN if change < low else _UP
    low_and_times[:] = low + step * (change - low), min(times + 1, 99)
