"""A province in the east of China that does not exist, on roads that do: the cameras of the demo's gateway."""

import random
import uuid
from dataclasses import dataclass
from typing import Any

FIXED, DOME, PANORAMIC = 1, 2, 3
UP, DOWN, BOTH = 0, 1, 2
ALONG, BRIDGE, TUNNEL, TOLL_PLAZA, TOLL_STATION, SERVICE_AREA, GANTRY = 1, 2, 3, 4, 5, 6, 7
ROAD_NAMES = {"G25": "长深高速", "G42": "沪蓉高速", "S38": "常合高速"}


@dataclass(frozen=True)
class Section:
    """One management office of one company, and a place on its road to count stakes from."""

    company: str
    office: str
    road: str
    town: str
    area: str
    stake_m: int
    longitude: float
    latitude: float


NORTH = Section(
    "江东北翼高速公路有限公司", "栖霞山管理处", "G25", "南京", "320113", 2_143_300, 118.9561, 32.1587
)
LAKE = Section(
    "江东北翼高速公路有限公司", "金牛湖管理处", "G25", "南京", "320116", 2_118_650, 118.8702, 32.4716
)
EAST = Section("沪宁东线高速公路有限公司", "茅山管理处", "G42", "镇江", "321183", 228_400, 119.2214, 31.9502)
MILL = Section("沪宁东线高速公路有限公司", "惠山管理处", "G42", "无锡", "320206", 121_750, 120.2307, 31.6604)
SOUTH = Section("太湖南岸高速公路有限公司", "滆湖管理处", "S38", "常州", "320412", 96_200, 119.8419, 31.6128)

# Where, how far along in metres, what stands there, direction, kind, light.
PLACES: tuple[tuple[Section, int, str, int, int, int, str], ...] = (
    (NORTH, 0, "栖霞山段", ALONG, BOTH, DOME, "day"),
    (EAST, 0, "茅山段", ALONG, UP, DOME, "clock"),
    (NORTH, 2_450, "龙潭大桥", BRIDGE, BOTH, FIXED, "day"),
    (SOUTH, 0, "滆湖大桥", BRIDGE, DOWN, DOME, "night"),
    (MILL, 0, "惠山隧道东口", TUNNEL, UP, FIXED, "dusk"),
    (LAKE, 0, "金牛湖服务区", SERVICE_AREA, BOTH, DOME, "rain"),
    (EAST, 6_300, "茅山收费站广场", TOLL_PLAZA, BOTH, FIXED, "night"),
    (SOUTH, 4_100, "嘉泽枢纽", ALONG, BOTH, DOME, "fog"),
    (MILL, 3_850, "惠山段", ALONG, DOWN, FIXED, "rain"),
    (LAKE, 5_200, "金牛湖段", ALONG, UP, DOME, "dusk"),
    (SOUTH, 8_750, "ETC 门架", GANTRY, DOWN, FIXED, "day"),
    (MILL, 7_400, "钱桥互通", ALONG, BOTH, PANORAMIC, "clock"),
)
# What is wrong with a camera, by its place in the list: to be seen in its picture and told by the gateway.
FAULTS = {4: "blurred", 8: "occluded"}
# Further cameras stand this far from their predecessor at the same place.
_FURTHER_M = 1_150


def simulated_cameras(count: int) -> list[dict[str, Any]]:
    """`count` cameras by wire names with their simulated sources; the same ones at every call."""
    return [_camera(index) for index in range(count)]


def _camera(index: int) -> dict[str, Any]:
    section, offset, place, classify, orientation, kind, light = PLACES[index % len(PLACES)]
    metres = offset + index // len(PLACES) * _FURTHER_M
    stake_m = section.stake_m + metres
    stake = f"K{stake_m // 1000}+{stake_m % 1000:03d}"
    # A fixed seed gives fixed numbers, so that a new data folder shows the same cameras.
    number = uuid.UUID(int=random.Random(f"camera {index}").getrandbits(128), version=4)  # noqa: S311
    return {
        "department": section.company,
        "cameraNum": str(number),
        "cameraName": f"{section.road} ({ROAD_NAMES[section.road]}) {section.town}{place} {stake}",
        "longAndLati": f"{section.longitude + metres * 9e-6:.5f}/{section.latitude + metres * 4e-6:.5f}",
        "road": section.road,
        "classify": classify,
        "cameraOrientation": orientation,
        "pileNum": stake,
        "area": section.area,
        "roadSec": section.office,
        "cameraType": kind,
        "poiName": f"{ROAD_NAMES[section.road]}{place}",
        "source": {"adapter": "simulated", "seed": index + 1, "light": light, "fault": FAULTS.get(index)},
    }


def can_turn(camera: dict[str, Any]) -> bool:
    return bool(camera["cameraType"] == DOME)
