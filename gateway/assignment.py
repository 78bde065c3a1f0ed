"""The cameras that the platform has this gateway run: read from its answer, checked as a whole."""

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from gateway.adapters import rtsp
from gateway.camera_config import CameraConfig, CameraEntry, configured
from gateway.mistakes import place_and_reason
from gateway.targets import Network
from protocol.cameras import parse_camera
from protocol.configuration import MOST_FAULTS
from protocol.errors import CameraItemError
from protocol.forwarding import is_among


@dataclass(frozen=True)
class Fault:
    """`place` inside the camera's entry, empty for the whole of it; `reason` in Chinese, without secrets."""

    camera_num: str
    place: str
    reason: str

    def __str__(self) -> str:
        return "：".join(filter(None, (self.camera_num, self.place, self.reason)))


class AssignmentError(Exception):
    """It cannot be run as it is; nothing of it is."""

    def __init__(self, version: int | None, faults: Sequence[Fault]) -> None:
        super().__init__("；".join(map(str, faults)))
        self.version = version
        self.faults = tuple(faults[:MOST_FAULTS])


@dataclass(frozen=True)
class Assignment:
    version: int
    cameras: tuple[CameraConfig, ...]


class _Given(msgspec.Struct):
    version: int
    cameras: list[msgspec.Raw]


class _Named(msgspec.Struct):
    cameraNum: Any = None


def read_assignment(raw: bytes, networks: Sequence[Network]) -> Assignment:
    """`{"version", "cameras"}` as JSON; cameras may stand in these networks. AssignmentError with every fault."""
    try:
        given = msgspec.json.decode(raw, type=_Given)
    except msgspec.DecodeError as error:
        raise AssignmentError(None, [Fault("", *place_and_reason(str(error)))]) from error
    cameras: dict[str, CameraConfig] = {}
    faults: list[Fault] = []
    for item in given.cameras:
        try:
            camera = _read_camera(item, networks)
        except AssignmentError as error:
            faults.extend(error.faults)
            continue
        num = camera.record.camera_num
        if cameras.setdefault(num.lower(), camera) is not camera:
            faults.append(Fault(num, "cameraNum", "重复"))
    if faults:
        raise AssignmentError(given.version, faults)
    return Assignment(given.version, tuple(cameras.values()))


def _read_camera(item: msgspec.Raw, networks: Sequence[Network]) -> CameraConfig:
    num = _num_of(item)
    try:
        entry = msgspec.json.decode(item, type=CameraEntry)
        # Staff may number a camera as they like.
        record = parse_camera(item, uuid4=False)
    except msgspec.ValidationError as error:
        raise AssignmentError(None, [Fault(num, *place_and_reason(str(error)))]) from error
    except CameraItemError as error:
        raise AssignmentError(None, [Fault(num, "", fault) for fault in error.faults]) from error
    if faults := [Fault(num, place, reason) for place, reason in _source_faults(entry, networks)]:
        raise AssignmentError(None, faults)
    return configured(record, entry, is_assigned=True)


def _source_faults(entry: CameraEntry, networks: Sequence[Network]) -> Iterator[tuple[str, str]]:
    source = entry.source
    if not isinstance(source, rtsp.Settings):
        # The others read files of this machine.
        yield "source.adapter", "平台只能配置 rtsp"
        return
    urls = {"source.url": source.url}
    if source.high_url is not None:
        urls["source.high_url"] = source.high_url
    if source.ptz is not None and source.ptz.url is not None:
        urls["source.ptz.url"] = source.ptz.url
    for place, url in urls.items():
        host = urlsplit(url).hostname or ""
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            # Whoever answers for a name could lead the gateway anywhere.
            yield place, "主机应为 IP 地址"
            continue
        if not is_among(address, networks):
            yield place, f"{address} 不在网关允许的网段内"


def _num_of(item: msgspec.Raw) -> str:
    try:
        return str(msgspec.json.decode(item, type=_Named).cameraNum or "")[:64]
    except msgspec.DecodeError:
        return ""
