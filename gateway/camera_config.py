"""One camera of a configuration, from the file or from the platform."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from gateway.adapters import ADAPTERS, Settings
from gateway.adapters.base import AdapterFactory
from protocol.cameras import CameraRecord, parse_camera
from protocol.errors import CameraItemError


class CameraEntry(msgspec.Struct, forbid_unknown_fields=True):
    """The fields of VideoInformation by their wire names; `parse_camera` judges their values."""

    department: str
    cameraNum: str
    cameraName: str
    longAndLati: str
    road: str
    classify: int | str
    cameraOrientation: int | str
    pileNum: str
    area: int | str
    roadSec: str
    cameraType: int | str
    source: Settings
    gatewayNum: str = ""
    poiName: str = ""
    others: str = ""
    ptzOpen: bool = False


@dataclass(frozen=True)
class CameraConfig:
    record: CameraRecord
    source: Settings
    factory: AdapterFactory
    is_ptz_open: bool
    # By the platform, which knows its fields already.
    is_assigned: bool = False


def configured(record: CameraRecord, entry: CameraEntry, *, is_assigned: bool = False) -> CameraConfig:
    factory = ADAPTERS[type(entry.source)](entry.source)
    return CameraConfig(record, entry.source, factory, entry.ptzOpen, is_assigned)


def read_cameras(given: Sequence[CameraEntry]) -> tuple[tuple[CameraConfig, ...], list[str]]:
    """Those without a fault, and the faults of the others."""
    cameras: list[CameraConfig] = []
    faults: list[str] = []
    seen: dict[str, int] = {}
    for index, camera in enumerate(given):
        try:
            record = parse_camera(msgspec.json.encode(camera))
        except CameraItemError as error:
            faults.extend(f"cameras[{index}]：{fault}" for fault in error.faults)
            continue
        first = seen.setdefault(record.camera_num.lower(), index)
        if first != index:
            faults.append(f"cameras[{index}].cameraNum：与 cameras[{first}] 重复")
        cameras.append(configured(record, camera))
    return tuple(cameras), faults
