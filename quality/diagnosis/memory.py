"""What is kept of one camera's view in one hour band, as a few thousand bytes."""

import struct
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from quality.diagnosis.features import BLOCK_COLUMNS, BLOCK_ROWS, COLUMNS, ROWS, Floats

BANDS: Final = 8
BAND_HOURS: Final = 24 // BANDS
# Light changes within a band, at dusk the most: what is usual for it is known for each half hour.
PARTS: Final = BAND_HOURS * 2
# Pictures that have to be learned before a view is judged.
LEAST_LEARNED: Final = 8
# Statistics whose usual value and usual deviation are kept; of CHANGE how low it goes, and how often it was seen.
SOFTNESS, NOISE, LOST, CHANGE = range(4)
STATISTICS: Final = 4

_VERSION: Final = 1
_HEAD: Final = struct.Struct("<BHHH")
_BEIJING: Final = timedelta(hours=8)

Codes = npt.NDArray[np.uint8]


def band_of(at: datetime) -> int:
    """The hour band of a moment, which is aware: three hours of Beijing time each."""
    return _local_minutes(at) // (60 * BAND_HOURS)


def part_of(at: datetime) -> int:
    return _local_minutes(at) % (60 * BAND_HOURS) // 30


def _local_minutes(at: datetime) -> int:
    utc = at - (at.utcoffset() or timedelta())
    local = utc.replace(tzinfo=None) + _BEIJING
    return local.hour * 60 + local.minute


def _zeros(*shape: int) -> Codes:
    return np.zeros(shape, np.uint8)


def _floats(*shape: int) -> Floats:
    return np.zeros(shape, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """What is usual for one camera's view in one hour band. A value: learning makes a new one."""

    learned: int = 0
    width: int = 0
    height: int = 0
    # Cells: the median picture in codes of `to_code`.
    view: Codes = field(default_factory=lambda: _zeros(ROWS, COLUMNS))
    # Blocks: how like the median picture its contrasts usually are, 0..255 for a correlation of 0..1.
    likeness: Codes = field(default_factory=lambda: _zeros(BLOCK_ROWS, BLOCK_COLUMNS))
    # Blocks: details against contrasts, and contrasts, in codes of `to_log_code`.
    sharpness: Codes = field(default_factory=lambda: _zeros(BLOCK_ROWS, BLOCK_COLUMNS))
    contrast: Codes = field(default_factory=lambda: _zeros(BLOCK_ROWS, BLOCK_COLUMNS))
    # Half hours: mean log of luma, its usual deviation, how often seen.
    level: Floats = field(default_factory=lambda: _floats(PARTS, 3))
    # Usual value and usual deviation of each statistic.
    usual: Floats = field(default_factory=lambda: _floats(STATISTICS, 2))

    @property
    def is_ready(self) -> bool:
        return self.learned >= LEAST_LEARNED

    def to_bytes(self) -> bytes:
        if not self.learned:
            return b""
        head = _HEAD.pack(_VERSION, min(self.learned, 0xFFFF), self.width, self.height)
        return head + b"".join(part.tobytes() for part in self._parts())

    @classmethod
    def from_bytes(cls, data: bytes) -> "Memory":
        """Unknown versions and damaged bytes give an empty one."""
        empty = cls()
        if len(data) != _HEAD.size + sum(part.nbytes for part in empty._parts()) or data[0] != _VERSION:
            return empty
        _, learned, width, height = _HEAD.unpack_from(data)
        parts, begin = [], _HEAD.size
        for part in empty._parts():
            parts.append(np.frombuffer(data, part.dtype, part.size, begin).reshape(part.shape))
            begin += part.nbytes
        view, likeness, sharpness, contrast, level, usual = parts
        return cls(learned, width, height, view, likeness, sharpness, contrast, level, usual)

    def _parts(self) -> tuple[npt.NDArray[np.generic], ...]:
        return self.view, self.likeness, self.sharpness, self.contrast, self.level, self.usual


def to_code(luma: Floats) -> Floats:
    """Luma 0-255 to 0-255 with finer steps in the dark, where a step of one is a contrast."""
    return np.sqrt(np.maximum(luma, 0) * np.float32(255))


def to_luma(code: npt.NDArray[np.generic]) -> Floats:
    return np.square(code.astype(np.float32)) / np.float32(255)


def to_log_code(logarithm: Floats) -> Floats:
    """-4..12 of a natural logarithm to 0..255."""
    return np.asarray(np.clip((logarithm + 4) * np.float32(255 / 16), 0, 255))


def to_log(code: npt.NDArray[np.generic]) -> Floats:
    return code.astype(np.float32) * np.float32(16 / 255) - 4
