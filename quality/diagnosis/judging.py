"""From signs to scores: how abnormal one picture is, flag by flag."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from protocol.codes import QualityFlag
from quality.diagnosis.features import Features, Floats
from quality.diagnosis.memory import CHANGE, LOST, NOISE, SOFTNESS, Memory
from quality.diagnosis.signs import Mask, Signs
from quality.diagnosis.trace import FLAGS, Trace

# Pictures less than this apart are alike in a live stream too.
LEAST_SECONDS: Final = 2.0
_MOST_SENSITIVITY: Final = 3.0
# Fog, rain or glare takes contrasts away and adds light, without driving the sensor to its end.
_VEIL_GAIN, _VEIL_LUMA, _VEIL_CLIPPED = 0.72, 12.0, 0.12
_VEIL_SOFTNESS: Final = 0.4
_NOISE_FLOOR: Final = 0.5
_CHANGE_FLOOR: Final = 0.05
# Logarithms: between these lies what a live picture does not stay below, and so much below its camera's own low.
_LEAST_CHANGE, _MOST_CHANGE = float(np.log(0.33)), float(np.log(1.2))
_BELOW_LOW: Final = 0.42
_LEAST_GAIN: Final = 0.25
_LEAST_CHANGES: Final = 4
# How steep a score rises around its threshold; signs are logarithms or shares of the picture.
_STEEP, _STEEPER, _SCREEN_STEEP = 6.0, 9.0, 45.0


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    scores: Floats  # pictures x flags, nan where nothing can be said
    is_strange: Mask  # another view than the usual one
    is_veiled: Mask  # fog or the like: contrasts are faint, and light is added
    statistics: Floats  # pictures x statistics, as `Memory.usual` keeps them


def judge(
    signs: Signs,
    features: Sequence[Features],
    memories: Sequence[Memory],
    traces: Sequence[Trace],
    at: Sequence[datetime],
    sensitivity: Floats,
) -> Judgement:
    ready = np.array([memory.is_ready for memory in memories])
    usual = np.stack([memory.usual for memory in memories])
    alike = np.array(
        [
            (trace.width, trace.height) == (one.width, one.height)
            and moment.timestamp() - trace.seen_at >= LEAST_SECONDS
            for one, trace, moment in zip(features, traces, at, strict=True)
        ]
    )
    veiled = ready & (signs.gain < _VEIL_GAIN) & (signs.offset > _VEIL_LUMA) & (signs.clipped < _VEIL_CLIPPED)
    strange = ready & (signs.same < 0.1) & (signs.lost > 0.75) & (signs.blank < 0.6)
    margins = np.full((len(features), FLAGS), np.nan, np.float32)
    margins[:, QualityFlag.SIGNAL_LOST] = _black(signs, alike)
    # Where staff took noise for usual, it is learned before it is judged again.
    is_noise_known = ready | (sensitivity[:, QualityFlag.NOISE] >= 0)
    margins[:, QualityFlag.NOISE] = np.where(is_noise_known, _noise(signs, usual, ready), np.nan)
    margins[:, QualityFlag.FROZEN] = np.where(alike, _frozen(signs, usual), np.nan)
    is_known = ready & ~strange
    margins[:, QualityFlag.OCCLUDED] = np.where(is_known & ~veiled, _occluded(signs, usual), np.nan)
    margins[:, QualityFlag.BLURRED] = np.where(is_known, _blurred(signs, usual, veiled), np.nan)
    margins[:, QualityFlag.BRIGHTNESS] = np.where(ready & ~veiled, _brightness(signs), np.nan)
    _leave_out(margins, signs)
    margins = margins + np.clip(sensitivity, -_MOST_SENSITIVITY, _MOST_SENSITIVITY)
    statistics = np.stack(
        [signs.softness, np.log(signs.noise + _NOISE_FLOOR), signs.lost_twice, np.log(signs.change + _CHANGE_FLOOR)],
        axis=1,
    )
    statistics[~alike, CHANGE] = np.nan
    statistics[~ready[:, None] & np.array([True, False, True, False])] = np.nan
    return Judgement(logistic(margins), strange, veiled, statistics)


def _leave_out(margins: Floats, signs: Signs) -> None:
    """What follows from another fault is not a second one."""
    black = margins[:, QualityFlag.SIGNAL_LOST].copy()
    margins[black >= 0] = np.nan
    margins[:, QualityFlag.SIGNAL_LOST] = black
    # White has no contrasts.
    is_glaring = (margins[:, QualityFlag.BRIGHTNESS] >= 0) & (signs.level > signs.expected)
    margins[is_glaring, QualityFlag.OCCLUDED] = np.nan
    # Of a picture that stands still the encoder keeps every grain.
    margins[margins[:, QualityFlag.FROZEN] >= 0, QualityFlag.NOISE] = np.nan


def logistic(margins: Floats) -> Floats:
    scores: Floats = 1 / (1 + np.exp(-margins))
    return scores


def _black(signs: Signs, alike: Mask) -> Floats:
    dark = _STEEP * (np.log(24.0) - np.log(np.maximum(np.exp(signs.level) - 4, 0.5)))
    blank = 40 * (signs.blank - 0.78)
    # A screen of one colour instead of a picture: nothing in it moves.
    screen = np.where(alike & (signs.blank > 0.9), _SCREEN_STEEP * (0.1 - signs.change), -9)
    return np.asarray(np.maximum(np.minimum(dark, blank), screen))


def _noise(signs: Signs, usual: Floats, ready: Mask) -> Floats:
    known, deviation = usual[:, NOISE, 0], usual[:, NOISE, 1]
    most = np.maximum(np.log(3.3), known + 0.65)
    threshold = np.clip(known + np.maximum(0.65, 5 * deviation), np.log(2.7), most)
    threshold = np.where(ready, threshold, np.log(7.0))
    return np.asarray(_STEEP * (np.log(signs.noise + _NOISE_FLOOR) - threshold))


def _frozen(signs: Signs, usual: Floats) -> Floats:
    # A still road at night changes by little more than a frozen one that is encoded anew.
    low, times = usual[:, CHANGE, 0], usual[:, CHANGE, 1]
    low = np.where(times >= _LEAST_CHANGES, low - _BELOW_LOW, _LEAST_CHANGE)
    # Where contrasts are faint, so are their changes.
    faint = np.log(np.clip(np.nan_to_num(signs.gain, nan=1.0), _LEAST_GAIN, 1))
    threshold = np.clip(low, _LEAST_CHANGE, _MOST_CHANGE) + faint
    return np.asarray(_STEEPER * (threshold - np.log(signs.change + _CHANGE_FLOOR)))


def _occluded(signs: Signs, usual: Floats) -> Floats:
    threshold = np.maximum(0.065, usual[:, LOST, 0] + 4 * usual[:, LOST, 1])
    margin = _STEEPER * np.log((signs.lost_twice + 0.02) / (threshold + 0.02))
    return np.where(signs.usable > 0.05, margin, np.nan)


def _blurred(signs: Signs, usual: Floats, veiled: Mask) -> Floats:
    threshold = np.maximum(0.5, usual[:, SOFTNESS, 0] + 5 * usual[:, SOFTNESS, 1])
    # Haze and drops on the pane soften too.
    threshold = threshold + np.where(veiled, _VEIL_SOFTNESS, 0)
    return np.asarray(10 * (signs.softness - threshold))


def _brightness(signs: Signs) -> Floats:
    apart = signs.level - signs.expected
    threshold = np.maximum(0.35, 3.5 * signs.deviation)
    return np.asarray(8 * (np.abs(apart) - threshold))


def nine(values: npt.ArrayLike) -> Floats:
    """Sensitivities of one camera; nothing given is nine zeros."""
    row = np.zeros(FLAGS, np.float32)
    given = np.asarray(values, np.float32)
    row[: given.size] = given
    return row
