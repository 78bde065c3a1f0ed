"""Configuration of a gateway by its platform: three verbs of our own beside the document's, of another family.

`GetConfiguration` and `ReportConfiguration` are called by the gateway, `RefreshConfiguration` by the platform.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

from protocol.bodies import check_size, decode_object
from protocol.envelope import parse_number
from protocol.errors import MalformedError
from protocol.fields import LONGEST_CAMERA_NUM, clean_text, fault

GET_CONFIGURATION: Final = "gateway.GetConfiguration"
REPORT_CONFIGURATION: Final = "gateway.ReportConfiguration"
REFRESH_CONFIGURATION: Final = "gateway.RefreshConfiguration"

LARGEST_VERSION: Final = 2**31 - 1
# Twenty times what a gateway is built for.
MOST_RUNNING: Final = 2000
MOST_FAULTS: Final = 100
LONGEST_PLACE: Final = 100
LONGEST_REASON: Final = 200

T = TypeVar("T")


class Origin(StrEnum):
    """Whose word a camera of the gateway runs by."""

    PLATFORM = "platform"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class ConfigurationFault:
    """What is wrong with an entry; `place` inside it, empty for the whole, `camera_num` empty for all of them."""

    camera_num: str
    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class RejectedConfiguration:
    version: int | None
    faults: tuple[ConfigurationFault, ...]


@dataclass(frozen=True, slots=True)
class RunningCamera:
    """`fault`: what keeps it from working now, or empty."""

    camera_num: str
    origin: Origin
    fault: str


@dataclass(frozen=True, slots=True)
class RunningConfiguration:
    """`version` None: nothing of the platform's runs."""

    version: int | None
    rejected: RejectedConfiguration | None
    cameras: tuple[RunningCamera, ...]


def parse_running(body: bytes) -> RunningConfiguration:
    """The body of ReportConfiguration; MalformedError with the place of the first fault."""
    what = "ReportConfiguration"
    given = decode_object(check_size(body, what), what)
    rejected = given.get("rejected")
    return RunningConfiguration(
        version=_version(given.get("version"), "version"),
        rejected=None if rejected is None else _rejected(rejected),
        cameras=_list(given.get("cameras"), "cameras", MOST_RUNNING, _camera),
    )


def _rejected(given: object) -> RejectedConfiguration:
    wire = _object(given, "rejected")
    faults = _list(wire.get("faults"), "rejected.faults", MOST_FAULTS, _fault)
    return RejectedConfiguration(_version(wire.get("version"), "rejected.version"), faults)


def _fault(given: object, place: str) -> ConfigurationFault:
    wire = _object(given, place)
    return ConfigurationFault(
        _text(wire, "cameraNum", place, LONGEST_CAMERA_NUM),
        _text(wire, "place", place, LONGEST_PLACE),
        _text(wire, "reason", place, LONGEST_REASON),
    )


def _camera(given: object, place: str) -> RunningCamera:
    wire = _object(given, place)
    origin = wire.get("origin")
    if origin not in tuple(Origin):
        raise fault(f"{place}.origin", origin, f"应为 {'、'.join(Origin)}")
    return RunningCamera(
        _text(wire, "cameraNum", place, LONGEST_CAMERA_NUM, shortest=1),
        Origin(origin),
        _text(wire, "fault", place, LONGEST_REASON),
    )


def _version(given: object, place: str) -> int | None:
    if given is None:
        return None
    # 7.0 is an integer in JSON, and some write it so.
    number = None if isinstance(given, str) else parse_number(given)
    if number is None or not 0 <= number <= LARGEST_VERSION:
        raise fault(place, given, f"应为 0 至 {LARGEST_VERSION} 的整数")
    return number


def _object(given: object, place: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise fault(place, given, "应为对象")
    return given


def _list(given: object, place: str, most: int, read: Callable[[object, str], T]) -> tuple[T, ...]:
    if not isinstance(given, list):
        raise fault(place, given, "应为数组")
    if len(given) > most:
        raise MalformedError(f"{place} 有 {len(given)} 项，最多 {most} 项")
    return tuple(read(item, f"{place}[{index}]") for index, item in enumerate(given))


def _text(wire: dict[str, Any], name: str, place: str, longest: int, *, shortest: int = 0) -> str:
    return clean_text(wire.get(name), f"{place}.{name}", longest=longest, shortest=shortest)
