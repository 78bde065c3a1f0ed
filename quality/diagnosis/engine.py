"""Judges a batch of pictures, and learns from those that look normal."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np

from protocol.codes import QualityFlag
from quality.diagnosis.features import Features, Floats, Plane, measure
from quality.diagnosis.judging import Judgement, judge, nine
from quality.diagnosis.learning import learned
from quality.diagnosis.memory import Memory
from quality.diagnosis.signs import Signs, compare, small
from quality.diagnosis.trace import BAD, UNSAID, Trace

# A view that stays strange for so many pictures is a new one.
_MOST_STRANGE: Final = 4
# Once the view is well known, every so many pictures are enough to keep up with it.
_WELL_LEARNED, _LEARN_EVERY = 36, 3
# In luma, and in log of luma.
_SUSPECT_BANDING, _SUSPECT_JUMP = 4.5, 0.1
_UNKNOWN_DEVIATION: Final = 0.1
# More at once need sheets of memory that the system hands out anew each time.
_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """One camera's new picture and what is known of it."""

    luma: Plane  # full range, CIF or larger
    at: datetime  # aware
    memory: Memory  # of `band_of(at)`
    trace: Trace
    # Per flag, added to the logit of the score: above 0 reports sooner. Nothing is nine zeros.
    sensitivity: Sequence[float] = ()
    # The lens turns, or may have since the last picture: nothing is judged, nothing learned.
    is_moving: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What one picture or burst says, and what is to be kept from it."""

    scores: Floats  # nine, 0-1, from 0.5 on abnormal; nan: cannot say
    verdicts: str  # nine of "0" "1" "-", smoothed over the last pictures
    confidence: Floats  # nine, 0-1, of each verdict
    suspects: frozenset[int]  # flags that a burst would decide
    memory: Memory
    trace: Trace
    has_learned: bool


def look(sights: Sequence[Sight]) -> list[Look]:
    """In the order given; no camera may stand in a batch twice."""
    return [
        seen for begin in range(0, len(sights), _AT_ONCE) for seen in _look_at(sights[begin : begin + _AT_ONCE])
    ]


def _look_at(sights: Sequence[Sight]) -> list[Look]:
    features = [measure(sight.luma) for sight in sights]
    memories = [_fitting(sight.memory, one) for sight, one in zip(sights, features, strict=True)]
    traces, at = [sight.trace for sight in sights], [sight.at for sight in sights]
    signs = compare(features, memories, traces, at)
    sensitivity = np.stack([nine(sight.sensitivity) for sight in sights])
    judgement = judge(signs, features, memories, traces, at, sensitivity)
    return [
        _still(sight, features[place])
        if sight.is_moving
        else _look(sight, memories[place], features[place], signs, judgement, place)
        for place, sight in enumerate(sights)
    ]


def _fitting(memory: Memory, features: Features) -> Memory:
    """A stream of another size is another view."""
    if memory.learned and (memory.width, memory.height) != (features.width, features.height):
        return Memory()
    return memory


def _is_of_size(trace: Trace, features: Features) -> bool:
    """Else what was said of the view would stand for good: the memories that could clear it no longer fit."""
    return not trace.width or (trace.width, trace.height) == (features.width, features.height)


def _still(sight: Sight, features: Features) -> Look:
    """A moving lens: only that a picture came is kept."""
    trace = replace(sight.trace, seen_at=0.0, lost=np.zeros_like(sight.trace.lost), strange=0)
    nothing = np.full(len(QualityFlag), np.nan, np.float32)
    return answer(nothing, sight.memory, trace, has_learned=False)


def _look(
    sight: Sight, memory: Memory, features: Features, signs: Signs, judgement: Judgement, place: int
) -> Look:
    scores = judgement.scores[place]
    is_strange = bool(judgement.is_strange[place])
    strange = sight.trace.strange + 1 if is_strange else 0
    before = sight.trace if _is_of_size(sight.trace, features) else forget_view(sight.trace)
    if strange >= _MOST_STRANGE:
        memory, strange, is_strange, before = Memory(), 0, False, forget_view(before)
    trace = replace(
        before.heard(scores),
        seen_at=sight.at.timestamp(),
        width=features.width,
        height=features.height,
        level=float(signs.level[place]),
        strange=strange,
        picture=small(features.means),
        lost=signs.gone[place].astype(np.uint8),
    )
    # What stands as a fault may not become usual, also while nothing can be said of it.
    is_normal = BAD not in trace.states and not bool((scores >= 0.5).any())
    is_usual = not is_strange and not bool(judgement.is_veiled[place])
    has_learned = is_normal and is_usual and _is_due(memory, sight.at)
    if has_learned:
        memory = learned(
            memory,
            features,
            level=float(signs.level[place]),
            likeness=signs.likeness[place],
            statistics=judgement.statistics[place],
            at=sight.at,
        )
    return answer(
        scores,
        memory,
        trace,
        suspects=_suspects(sight.trace, signs, judgement, place),
        has_learned=has_learned or memory is not sight.memory,
    )


def _suspects(trace: Trace, signs: Signs, judgement: Judgement, place: int) -> frozenset[int]:
    """Rows off in a known view; light that jumps from one picture to the next."""
    suspects = set()
    is_usual = not judgement.is_strange[place] and not judgement.is_veiled[place]
    if signs.banding[place] > _SUSPECT_BANDING and is_usual:
        suspects.add(int(QualityFlag.STRIPES))
    usual = 3 * np.nan_to_num(signs.deviation[place], nan=_UNKNOWN_DEVIATION)
    if trace.seen_at and abs(signs.level[place] - trace.level) > max(_SUSPECT_JUMP, usual):
        suspects.add(int(QualityFlag.FLICKER))
    return frozenset(suspects)


def _is_due(memory: Memory, at: datetime) -> bool:
    # Scattered over the minutes, whatever the period of the pictures.
    return memory.learned < _WELL_LEARNED or int(at.timestamp()) // 60 * 7919 % 1009 % _LEARN_EVERY == 0


def answer(
    scores: Floats,
    memory: Memory,
    trace: Trace,
    *,
    has_learned: bool,
    suspects: frozenset[int] = frozenset(),
) -> Look:
    return Look(
        scores=scores,
        verdicts=trace.verdicts,
        confidence=np.array(trace.confidence, np.float32),
        suspects=suspects,
        memory=memory,
        trace=trace,
        has_learned=has_learned,
    )


def forget_view(trace: Trace, mistaken: int | None = None) -> Trace:
    """After the lens was left somewhere else. The memories of all bands have to be dropped beside it.

    What is no matter of the view stands: a picture was black, noisy or flickering wherever it looked. Unless that very
    flag was `mistaken`.
    """
    kept = {QualityFlag.SIGNAL_LOST, QualityFlag.NOISE, QualityFlag.FLICKER, QualityFlag.STRIPES} - {mistaken}
    places = range(len(trace.states))
    return Trace(
        heat=tuple(trace.heat[place] if place in kept else 0 for place in places),
        states=tuple(trace.states[place] if place in kept else UNSAID for place in places),
        confidence=tuple(trace.confidence[place] if place in kept else 0.0 for place in places),
    )
