"""What the document asks of each item that is reported (appendix 1, section 1), read on its own."""

import re
from typing import Any

Item = dict[str, Any]

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
ROAD = re.compile(r"[A-Z]\d{1,4}(&[A-Z]\d{1,4})*")
PLACE = re.compile(r"(\d{2,3}(?:\.\d+)?)/(\d{1,2}(?:\.\d+)?)")
PILE = re.compile(r"K\d+\+\d{1,3}")
AREA = re.compile(r"[1-9]\d{5}")
MANDATORY = (
    "department",
    "cameraNum",
    "cameraName",
    "longAndLati",
    "road",
    "classify",
    "cameraOrientation",
    "pileNum",
    "area",
    "roadSec",
    "cameraType",
)
NUMBERS = {"classify": range(9), "cameraOrientation": range(3), "cameraType": range(1, 5)}


def camera_faults(item: Item) -> list[str]:
    missing = [f"缺少 {name}" for name in MANDATORY if item.get(name) in (None, "")]
    if missing:
        return missing
    faults = [
        f"{name}={item[name]!r} 应为 {allowed[0]} 至 {allowed[-1]} 的数字"
        for name, allowed in NUMBERS.items()
        if type(item[name]) is not int or item[name] not in allowed
    ]
    for name, pattern in (("cameraNum", UUID4), ("road", ROAD), ("pileNum", PILE), ("area", AREA)):
        if not pattern.fullmatch(str(item[name])):
            faults.append(f"{name}={item[name]!r} 格式不符")
    for name, longest in (("department", 64), ("cameraName", 128), ("roadSec", 64)):
        if not isinstance(item[name], str) or len(item[name]) > longest or item[name] != item[name].strip():
            faults.append(f"{name} 应为不超过 {longest} 个字符且首尾无空白的文字")
    place = PLACE.fullmatch(str(item["longAndLati"]))
    if not place or not (73 <= float(place[1]) <= 136 and 3 <= float(place[2]) <= 54):
        faults.append(f"longAndLati={item['longAndLati']!r} 不在境内或格式不符")
    return faults


def is_status(item: Item) -> bool:
    return type(item.get("online")) is int and item["online"] in (0, 1, 2)


def is_quality(item: Item) -> bool:
    """Nine states; the document's own sample has ten digits."""
    return bool(re.fullmatch(r"[01]{9,10}", str(item.get("cameraStatus", ""))))


def is_analysis(item: Item) -> bool:
    return isinstance(item.get("data"), str)
