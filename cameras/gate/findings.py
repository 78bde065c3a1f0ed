"""What the gate looks at and what it can find."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    FAR = "far"
    OFFSET = "offset"
    STAKE = "stake"
    CONTRADICTION = "contradiction"
    SAME_NAME = "same_name"
    AREA = "area"
    INCOMPLETE = "incomplete"


LABELS: Final = {
    Kind.FAR: "坐标偏离路线",
    Kind.OFFSET: "坐标系疑似不对",
    Kind.STAKE: "桩号与坐标不符",
    Kind.CONTRADICTION: "名称与字段矛盾",
    Kind.SAME_NAME: "重名",
    Kind.AREA: "行政区划",
    Kind.INCOMPLETE: "名称不完整",
}
# What a camera loses of its point in the score; of several findings the worst counts.
WEIGHTS: Final = {kind: 0.3 if kind is Kind.INCOMPLETE else 1.0 for kind in Kind}


@dataclass(frozen=True, slots=True)
class Point:
    """As much of a camera as the gate needs; `key` is the caller's own, `company` that of its company."""

    key: object
    company: str
    name: str
    road: str
    stake: str
    stake_m: int
    orientation: int
    classify: int
    longitude: float
    latitude: float
    area: str

    @property
    def position(self) -> tuple[float, float]:
        return self.longitude, self.latitude


@dataclass(frozen=True, slots=True)
class Finding:
    kind: Kind
    words: str

    @property
    def label(self) -> str:
        return LABELS[self.kind]
