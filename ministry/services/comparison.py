"""One camera as an upper platform tells it against what it was sent: by meaning, not by notation."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from cameras.choices import OnlineStatus
from cameras.models import Camera
from cameras.selectors import camera_record
from protocol.cameras import camera_to_wire
from protocol.envelope import parse_number
from protocol.errors import MalformedError, shorten
from protocol.fields import parse_orientation, parse_stake

Meaning = Callable[[object], object]


def content_difference(camera: Camera, entry: Mapping[str, Any], told: Collection[str]) -> str:
    """The fields that differ, with both values; empty when none does.

    `told` are the fields which this platform tells at all: one that it never tells says nothing.
    `camera` comes with its organisation, the organisation's parent and its gateway.
    """
    ours = camera_to_wire(camera_record(camera), gateway_num=False)
    return "；".join(
        f"{label}：我方“{shorten(ours[field])}”，对方“{shorten(_text(entry.get(field)))}”"
        for field, (label, meaning) in _FIELDS.items()
        if field in told and meaning(ours[field]) != meaning(entry.get(field))
    )


def status_difference(ours: OnlineStatus, theirs: object) -> str:
    """As above, for `onlineStatus`."""
    number = parse_number(theirs)
    if number == ours:
        return ""
    known = dict(OnlineStatus.choices)
    said = known[number] if number in known else shorten(_text(theirs)) or "无"
    return f"状态：我方“{ours.label}”，对方“{said}”"


def _text(value: object) -> str:
    return "" if value is None else value.strip() if isinstance(value, str) else shorten(value)


def _number(value: object) -> object:
    number = parse_number(value)
    return _text(value) if number is None else number


def _place(value: object) -> object:
    text = _text(value)
    try:
        return tuple(float(part) for part in text.split("/"))
    except ValueError:
        return text


def _stake(value: object) -> object:
    return _read(parse_stake, value)


def _orientation(value: object) -> object:
    return _read(parse_orientation, value)


def _read(parse: Callable[[object], object], value: object) -> object:
    try:
        return parse(value)
    except MalformedError:
        return _text(value)


# The number is what the entry was found by.
_FIELDS: Final[dict[str, tuple[str, Meaning]]] = {
    "department": ("单位", _text),
    "cameraName": ("名称", _text),
    "longAndLati": ("经纬度", _place),
    "road": ("路线", _text),
    "classify": ("位置类型", _number),
    "cameraOrientation": ("方向", _orientation),
    "pileNum": ("桩号", _stake),
    "area": ("行政区划", _number),
    "roadSec": ("管理处", _text),
    "cameraType": ("类型", _number),
    "gatewayNum": ("网关编号", _text),
    "poiName": ("兴趣点", _text),
    "others": ("其他参数", _text),
}
