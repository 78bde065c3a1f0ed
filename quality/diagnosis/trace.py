"""The last picture of one camera in little, and how long each flag has been seen."""

import struct
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from protocol.codes import QualityFlag
from quality.diagnosis.features import COLUMNS, ROWS, Floats
from quality.diagnosis.memory import Codes

FLAGS: Final = len(QualityFlag)
UNSAID, GOOD, BAD = -1, 0, 1
_LETTERS: Final = {UNSAID: "-", GOOD: "0", BAD: "1"}

_VERSION: Final = 1
_HEAD: Final = struct.Struct("<BdHHfB")
# A clear picture weighs two, a weak one one: at least two pictures for a verdict, three weak ones.
_RAISED, _MOST = 3, 4
_CLEAR_BAD, _CLEAR_GOOD = 0.8, 0.2
_KEPT: Final = 0.5


def _nothing() -> Codes:
    return np.zeros((ROWS, COLUMNS), np.uint8)


def _nine(value: int) -> tuple[int, ...]:
    return (value,) * FLAGS


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """A value: every picture makes a new one."""

    seen_at: float = 0.0  # unix seconds; 0: no picture is kept
    width: int = 0
    height: int = 0
    level: float = 0.0  # mean log of its luma
    strange: int = 0  # pictures in a row that show another view
    # Cells: four times the mean luma, modulo 256: small differences are all that is asked of it.
    picture: Codes = field(default_factory=_nothing)
    # Cells whose contrasts were gone.
    lost: Codes = field(default_factory=_nothing)
    heat: tuple[int, ...] = _nine(0)
    states: tuple[int, ...] = _nine(UNSAID)
    confidence: tuple[float, ...] = (0.0,) * FLAGS

    @property
    def verdicts(self) -> str:
        return "".join(_LETTERS[state] for state in self.states)

    def heard(self, scores: Floats, *, is_burst: bool = False) -> "Trace":
        """After one more picture with these scores; nan leaves a flag as it stands. A burst is worth two pictures."""
        heat, states, confidence = list(self.heat), list(self.states), list(self.confidence)
        for flag, score in enumerate(scores.tolist()):
            if score != score:
                continue
            heat[flag] = min(max(heat[flag] + _weight(score) * (2 if is_burst else 1), 0), _MOST)
            if heat[flag] >= _RAISED:
                states[flag] = BAD
            elif heat[flag] == 0 or states[flag] == UNSAID:
                states[flag] = GOOD
            certain = score if states[flag] == BAD else 1 - score
            confidence[flag] = _KEPT * confidence[flag] + (1 - _KEPT) * certain
        return replace(self, heat=tuple(heat), states=tuple(states), confidence=tuple(confidence))

    def to_bytes(self) -> bytes:
        head = _HEAD.pack(_VERSION, self.seen_at, self.width, self.height, self.level, self.strange)
        nines = bytes(
            [
                *self.heat,
                *(state + 1 for state in self.states),
                *(min(255, round(255 * share)) for share in self.confidence),
            ]
        )
        return head + nines + self.picture.tobytes() + np.packbits(self.lost).tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Trace":
        """Unknown versions and damaged bytes give an empty one."""
        cells = ROWS * COLUMNS
        if len(data) != _HEAD.size + 3 * FLAGS + cells + cells // 8 or data[0] != _VERSION:
            return cls()
        _, seen_at, width, height, level, strange = _HEAD.unpack_from(data)
        begin = _HEAD.size
        nines = data[begin : begin + 3 * FLAGS]
        picture = np.frombuffer(data, np.uint8, cells, begin + 3 * FLAGS).reshape(ROWS, COLUMNS)
        bits = np.frombuffer(data, np.uint8, cells // 8, begin + 3 * FLAGS + cells)
        return cls(
            seen_at,
            width,
            height,
            level,
            strange,
            picture,
            np.unpackbits(bits).reshape(ROWS, COLUMNS),
            tuple(nines[:FLAGS]),
            tuple(min(state, 2) - 1 for state in nines[FLAGS : 2 * FLAGS]),
            tuple(share / 255 for share in nines[2 * FLAGS :]),
        )


def _weight(score: float) -> int:
    if score >= _CLEAR_BAD:
        return 2
    if score >= 0.5:
        return 1
    return -2 if score < _CLEAR_GOOD else -1
