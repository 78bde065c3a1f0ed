"""Formats of single values on the wire (document 1.1; protocol.md section 3).

Every parser takes what JSON or a query brings and the name of the field, and raises MalformedError
with the field and the value in words.
"""

import math
import re
import unicodedata
from enum import IntEnum
from typing import Final, TypeVar

from protocol.codes import Orientation
from protocol.envelope import parse_number
from protocol.errors import MalformedError, shorten

EnumT = TypeVar("EnumT", bound=IntEnum)

LONGITUDE_RANGE: Final = (73.0, 136.0)
LATITUDE_RANGE: Final = (3.0, 54.0)
LONGEST_CAMERA_NUM: Final = 64
LONGEST_ROAD: Final = 64

_UUID4: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE
)
_CAMERA_NUM: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_STAKE: Final = re.compile(r"[Kk]([0-9]{1,5})\+([0-9]{1,3})")
_DEGREES: Final = r"\s*([0-9]{1,3}(?:\.[0-9]{1,15})?)\s*"
_LON_LAT: Final = re.compile(f"{_DEGREES}/{_DEGREES}")
_ROADS: Final = re.compile(r"\s*[A-Z][0-9][0-9A-Z]{0,8}\s*(?:&\s*[A-Z][0-9][0-9A-Z]{0,8}\s*)*")
_AREA: Final = re.compile(r"[1-9][0-9]{5}")
_SECONDS: Final = re.compile(r"[0-9]{1,15}")
LINE_BREAKS: Final = str.maketrans("", "", "\r\n\t")
_ORIENTATION_WORDS: Final = {
    "上行": Orientation.UP,
    "下行": Orientation.DOWN,
    "双向": Orientation.BOTH,
    "上下行": Orientation.BOTH,
}
# Year 5138 in seconds, 1973 in milliseconds: between them no date is meant both ways.
_FIRST_MILLISECONDS: Final = 10**11
# The last second datetime can hold.
_LAST_SECOND: Final = 253_402_300_799


def fault(field: str, value: object, why: str) -> MalformedError:
    """The one wording of all faults: field, value (shortened), reason."""
    return MalformedError(f"{field} 的值“{shorten(value)}”{why}")


def clean_text(value: object, field: str, *, longest: int, shortest: int = 1) -> str:
    """Text without CR, LF and tabs, without blanks at its ends, of `shortest` to `longest` characters.

    NUL and other control characters and lone surrogates are refused: PostgreSQL and XML cannot hold them.
    """
    if not isinstance(value, str):
        raise fault(field, value, "应为字符型")
    text = value.strip()
    if not text.isprintable():
        text = text.translate(LINE_BREAKS)
        refuse_control_characters(text, field)
    if len(text) < shortest:
        raise fault(field, value, "不能为空" if shortest == 1 else f"少于 {shortest} 个字符")
    if len(text) > longest:
        raise fault(field, text, f"有 {len(text)} 个字符，最多 {longest} 个")
    return text


def refuse_control_characters(text: str, field: str) -> None:
    for position, char in enumerate(text, start=1):
        kind = unicodedata.category(char)
        if kind == "Cc":
            raise fault(field, text, f"第 {position} 个字符是控制字符 U+{ord(char):04X}")
        if kind == "Cs":
            raise fault(field, text, f"第 {position} 个字符是不成对的代理项 U+{ord(char):04X}")


def is_camera_num(value: object, *, uuid4: bool = True) -> bool:
    """A UUID of version 4; with `uuid4` off any 1 to 64 of letters, digits, `_` and `-`."""
    return isinstance(value, str) and bool((_UUID4 if uuid4 else _CAMERA_NUM).fullmatch(value))


def parse_camera_num(value: object, field: str = "cameraNum", *, uuid4: bool = True) -> str:
    """The number as written, trimmed. Case is kept; compare without regard to it."""
    text = clean_text(value, field, longest=LONGEST_CAMERA_NUM)
    if not is_camera_num(text, uuid4=uuid4):
        why = "不符合 UUID4 规则" if uuid4 else "只能含字母、数字、下划线和连字符"
        raise fault(field, text, why)
    return text


def parse_int(value: object, field: str, *, low: int, high: int) -> int:
    """A whole number in low..high, as a number or as a string of digits."""
    number = parse_number(value)
    if number is None:
        raise fault(field, value, "应为整数")
    if not low <= number <= high:
        raise fault(field, value, f"应在 {low} 到 {high} 之间")
    return number


def parse_choice(value: object, field: str, choices: type[EnumT]) -> EnumT:
    """A member of one of the document's value lists, as a number or as a string of digits."""
    number = value if type(value) is int else parse_number(value)
    try:
        if number is not None:
            return choices(number)
    except ValueError:
        pass
    allowed = "、".join(str(int(choice)) for choice in choices)
    raise fault(field, value, f"应为 {allowed} 之一")


def parse_orientation(value: object, field: str = "cameraOrientation") -> Orientation:
    """0, 1, 2, or the words the sample uses instead."""
    if isinstance(value, str) and value.strip() in _ORIENTATION_WORDS:
        return _ORIENTATION_WORDS[value.strip()]
    return parse_choice(value, field, Orientation)


def parse_stake(value: object, field: str = "pileNum") -> int:
    """`K<km>+<metres>` as metres from the start of the road: K1100+300 is 1100300."""
    match = _STAKE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise fault(field, value, "不符合 K<千米>+<米> 格式，例如 K1100+300")
    return int(match[1]) * 1000 + int(match[2])


def format_stake(metres: int) -> str:
    """1100300 -> K1100+300. ValueError below zero."""
    if metres < 0:
        raise ValueError("a pile number cannot be negative")
    return f"K{metres // 1000}+{metres % 1000:03d}"


def parse_lon_lat(value: object, field: str = "longAndLati") -> tuple[float, float]:
    """`lon/lat` in decimal degrees (WGS-84), inside 73-136 and 3-54."""
    match = _LON_LAT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise fault(field, value, "不符合 经度/纬度 格式，例如 118.7741/32.247")
    longitude, latitude = float(match[1]), float(match[2])
    if not LONGITUDE_RANGE[0] <= longitude <= LONGITUDE_RANGE[1]:
        raise fault(field, value, "经度应在 73 到 136 之间")
    if not LATITUDE_RANGE[0] <= latitude <= LATITUDE_RANGE[1]:
        raise fault(field, value, "纬度应在 3 到 54 之间")
    return longitude, latitude


def parse_road(value: object, field: str = "road") -> tuple[str, ...]:
    """`G42` or `G42&S38` as its roads, in the order given."""
    match = _ROADS.fullmatch(value) if isinstance(value, str) and len(value) <= LONGEST_ROAD else None
    if match is None:
        raise fault(field, value, "不符合路线编号格式，例如 G42 或 G42&S38")
    return tuple(part.strip() for part in match[0].split("&"))


def parse_area(value: object, field: str = "area") -> str:
    """Six digits of GB/T 2260, from a number or a string."""
    text = value.strip() if isinstance(value, str) else str(parse_number(value))
    if not _AREA.fullmatch(text):
        raise fault(field, value, "应为六位行政区划代码，例如 320100")
    return text


def parse_timestamp(value: object, field: str) -> float:
    """Unix seconds from seconds or milliseconds, told apart by magnitude."""
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not _SECONDS.fullmatch(text):
        raise fault(field, value, "应为 unix 时间戳（秒）")
    number = int(text)
    seconds = number / 1000 if number >= _FIRST_MILLISECONDS else float(number)
    if seconds > _LAST_SECOND or not math.isfinite(seconds):
        raise fault(field, value, "超出时间范围")
    return seconds
