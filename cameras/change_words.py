"""A change of a camera in the words of the ledger: what each field is called, and its values."""

from collections.abc import Iterable, Mapping
from typing import Final

from cameras.choices import CameraType, Classify, Orientation
from cameras.columns import COLUMNS

TITLES: Final = {
    **{column.key: column.title for column in COLUMNS},
    "organisation": "单位",
    "owner": "登记方",
    "ptz_override": "云台",
    "is_pending": "待审核",
}
_WORDS: Final[Mapping[str, Mapping[object, str]]] = {
    "orientation": {value: str(label) for value, label in Orientation.choices},
    "classify": {value: str(label) for value, label in Classify.choices},
    "camera_type": {value: str(label) for value, label in CameraType.choices},
    "ptz_override": {None: "按类型", True: "可控", False: "不可控"},
    "is_pending": {True: "是", False: "否"},
}


def fields_in_words(fields: Iterable[tuple[str, object, object]]) -> list[tuple[str, str, str]]:
    """Title, before and after of each, as a CameraChange has them."""
    return [(TITLES.get(name, name), word_of(name, old), word_of(name, new)) for name, old, new in fields]


def word_of(name: str, value: object) -> str:
    words = _WORDS.get(name)
    if words is not None:
        return words.get(value, str(value))
    return "—" if value in (None, "") else str(value)
