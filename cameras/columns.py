"""The columns of the ledger as a spreadsheet: their titles, what may stand in them, and how a camera is shown there."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cameras.choices import CameraType, Classify, Orientation
from protocol import codes, fields
from protocol.cameras import (
    LONGEST_CAMERA_NAME,
    LONGEST_DEPARTMENT,
    LONGEST_GATEWAY_NUM,
    LONGEST_OTHERS,
    LONGEST_POI_NAME,
    LONGEST_ROAD_SECTION,
)
from protocol.errors import MalformedError

SHEET_NAME: Final = "点位台账"


@dataclass(frozen=True)
class Column:
    """`parse` takes the text of a cell and the title, and raises MalformedError in words."""

    key: str
    title: str
    parse: Callable[[str, str], Any]
    hint: str
    width: int
    is_required: bool = True
    choices: tuple[str, ...] = ()


def _text(longest: int, shortest: int = 1) -> Callable[[str, str], str]:
    return lambda text, title: fields.clean_text(text, title, longest=longest, shortest=shortest)


def _number(text: str, title: str) -> str:
    return fields.parse_camera_num(text, title, uuid4=False)


def _road(text: str, title: str) -> str:
    return "&".join(fields.parse_road(text.strip(), title))


def _stake(text: str, title: str) -> str:
    fields.parse_stake(text, title)
    return text.strip().upper()


_DEGREES: Final = re.compile(r"[0-9]{1,3}(\.[0-9]{1,20})?")


def _degrees(low: float, high: float) -> Callable[[str, str], float]:
    def parse(text: str, title: str) -> float:
        if not _DEGREES.fullmatch(text.strip()):
            raise fields.fault(title, text, "应为十进制度数，例如 117.0009")
        value = float(text)
        if not low <= value <= high:
            raise fields.fault(title, text, f"应在 {low:g} 到 {high:g} 之间")
        return value

    return parse


def _choice(kind: type[Any], numbers: type[Any]) -> Callable[[str, str], int]:
    """By its word, or by the document's number."""
    words = {str(label).replace(" ", ""): value for value, label in kind.choices}

    def parse(text: str, title: str) -> int:
        value = words.get(text.replace(" ", ""))
        if value is not None:
            return int(value)
        try:
            return int(fields.parse_choice(text, title, numbers))
        except MalformedError:
            raise fields.fault(title, text, f"应为 {'、'.join(words)} 之一") from None

    return parse


def _orientation(text: str, title: str) -> int:
    try:
        return int(fields.parse_orientation(text, title))
    except MalformedError:
        raise fields.fault(title, text, "应为 上行、下行、双向 之一") from None


def _labels(kind: type[Any]) -> tuple[str, ...]:
    return tuple(str(label) for label in kind.labels)


COLUMNS: Final = (
    Column("number", "摄像机编号", _number, "留空为新点位，导入时生成编号；已有点位不要改动", 38, False),
    Column("name", "名称", _text(LONGEST_CAMERA_NAME), "应含路线、方向与桩号，例如 G2 京沪高速 K400+300 上行", 44),
    Column("department", "单位", _text(LONGEST_DEPARTMENT), "路公司名称，与台账一致", 26),
    Column("section", "管理处", _text(LONGEST_ROAD_SECTION, 0), "路段管理处名称；直属单位的点位留空", 20, False),
    Column("road", "路线", _road, "例如 G2；重合路段写 G42&S38", 10),
    Column("stake", "桩号", _stake, "例如 K1100+300", 13),
    Column("orientation", "方向", _orientation, "上行、下行或双向", 8, choices=_labels(Orientation)),
    Column("longitude", "经度", _degrees(*fields.LONGITUDE_RANGE), "WGS-84，十进制度数，例如 117.0009", 13),
    Column("latitude", "纬度", _degrees(*fields.LATITUDE_RANGE), "WGS-84，十进制度数，例如 36.6758", 13),
    Column("classify", "位置类型", _choice(Classify, codes.Classify), "从列表中选", 12, choices=_labels(Classify)),
    Column(
        *("camera_type", "摄像机类型", _choice(CameraType, codes.CameraType), "从列表中选", 12),
        choices=_labels(CameraType),
    ),
    Column("area", "行政区划", fields.parse_area, "GB/T 2260 六位代码，例如 370112", 11),
    Column("gateway", "网关编号", _text(LONGEST_GATEWAY_NUM, 0), "已登记的网关；没有则留空", 16, False),
    Column("poi_name", "兴趣点", _text(LONGEST_POI_NAME, 0), "桥梁、隧道、收费站等的名称", 22, False),
    Column("others", "其他参数", _text(LONGEST_OTHERS, 0), "可留空", 20, False),
)
BY_KEY: Final = {column.key: column for column in COLUMNS}
# What others write over the same columns.
_ALIASES: Final = {
    "编号": "number",
    "摄像机名称": "name",
    "点位名称": "name",
    "所属单位": "department",
    "路公司": "department",
    "路段单位": "section",
    "所在路段": "section",
    "路线编号": "road",
    "类型": "camera_type",
    "行政区划代码": "area",
    "网关": "gateway",
    "兴趣点名称": "poi_name",
    "其他": "others",
}
_BY_TITLE: Final = {**{column.title: column.key for column in COLUMNS}, **_ALIASES}
_WORDS: Final = {
    "orientation": dict(Orientation.choices),
    "classify": dict(Classify.choices),
    "camera_type": dict(CameraType.choices),
}


def key_of_title(text: str) -> str | None:
    """`经度（WGS-84）*` is 经度."""
    plain = re.split(r"[（(]", text.strip(), maxsplit=1)[0].replace("*", "").replace(" ", "").strip()
    return _BY_TITLE.get(plain)


def shown(key: str, value: object) -> str:
    """The text of a cell that holds `value`; `parse` makes the same value of it."""
    words = _WORDS.get(key)
    if words is not None:
        return str(words[value])  # type: ignore[index]  # one of the choices
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)


def cells_of(values: Mapping[str, object]) -> dict[str, str]:
    """Every column of one camera as text; `values` by key."""
    return {column.key: shown(column.key, values[column.key]) for column in COLUMNS}
