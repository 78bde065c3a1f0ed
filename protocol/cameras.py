"""One camera of VideoInformation (document 1.1.a), read from the wire and written to it."""

import json
import math
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Annotated, Any, Final, NoReturn, TypeVar

import msgspec
from msgspec import Meta

from protocol import fields
from protocol.codes import CameraType, Classify, ItemStatus, Orientation
from protocol.errors import CameraItemError, MalformedError, shorten

__all__ = [
    "BackResult",
    "CameraItemError",
    "CameraRecord",
    "ItemFaults",
    "camera_to_wire",
    "decode_item",
    "parse_camera",
]

T = TypeVar("T")
WireT = TypeVar("WireT", bound=msgspec.Struct)

LONGEST_DEPARTMENT: Final = 64
LONGEST_CAMERA_NAME: Final = 128
LONGEST_ROAD_SECTION: Final = 64
LONGEST_GATEWAY_NUM: Final = 64
LONGEST_POI_NAME: Final = 128
LONGEST_OTHERS: Final = 2000
# Far above 14 such fields; without it one item of 20 MiB becomes millions of objects.
MOST_ITEM_BYTES: Final = 64 * 1024
_MOST_DIGITS: Final = 400


class CameraRecord(msgspec.Struct, frozen=True, gc=False):
    """A camera as reported. Degrees are WGS-84, `stake_m` metres; `camera_num` keeps its case."""

    department: str
    camera_num: str
    camera_name: str
    longitude: float
    latitude: float
    road: str
    classify: Classify
    orientation: Orientation
    camera_type: CameraType
    stake: str
    stake_m: int
    area: str
    road_section: str
    gateway_num: str = ""
    poi_name: str = ""
    others: str = ""


class _Wire(msgspec.Struct):
    # Any, not the type wanted: a wrong type must become one fault among others, not end the parse.
    department: Any = None
    cameraNum: Any = None
    cameraName: Any = None
    longAndLati: Any = None
    road: Any = None
    classify: Any = None
    cameraOrientation: Any = None
    pileNum: Any = None
    area: Any = None
    roadSec: Any = None
    cameraType: Any = None
    gatewayNum: Any = None
    poiName: Any = None
    others: Any = None


class _Plain(msgspec.Struct, gc=False):
    department: Annotated[str, Meta(min_length=1, max_length=LONGEST_DEPARTMENT)]
    cameraNum: Annotated[str, Meta(min_length=1, max_length=fields.LONGEST_CAMERA_NUM)]
    cameraName: Annotated[str, Meta(min_length=1, max_length=LONGEST_CAMERA_NAME)]
    longAndLati: str
    road: str
    classify: Classify
    cameraOrientation: Orientation
    pileNum: str
    area: str
    roadSec: Annotated[str, Meta(min_length=1, max_length=LONGEST_ROAD_SECTION)]
    cameraType: CameraType
    gatewayNum: Annotated[str, Meta(max_length=LONGEST_GATEWAY_NUM)] = ""
    poiName: Annotated[str, Meta(max_length=LONGEST_POI_NAME)] = ""
    others: Annotated[str, Meta(max_length=LONGEST_OTHERS)] = ""


_PLAIN_DECODER: Final = msgspec.json.Decoder(_Plain)

_CAMERA_NUM_PARSERS: Final = {flag: partial(fields.parse_camera_num, uuid4=flag) for flag in (True, False)}
_DECODER: Final = msgspec.json.Decoder(_Wire)


class ItemFaults:
    """Collects every fault of one item, so that its sender can mend all of them at once."""

    def __init__(self) -> None:
        self._faults: list[str] = []

    def take(self, fallback: T, parse: Callable[[Any, str], T], value: object, field: str) -> T:
        """The parsed value of a required field; `fallback` and a fault when it is missing or bad."""
        if value is None:
            self._faults.append(f"缺少 {field}")
            return fallback
        try:
            return parse(value, field)
        except MalformedError as error:
            self._faults.append(error.message)
            return fallback

    def take_text(self, value: object, field: str, longest: int, *, is_required: bool = True) -> str:
        """Trimmed text. An optional field that is absent or null is an empty text."""
        if value is None and not is_required:
            return ""
        if value is None:
            self._faults.append(f"缺少 {field}")
            return ""
        try:
            return fields.clean_text(value, field, longest=longest, shortest=1 if is_required else 0)
        except MalformedError as error:
            self._faults.append(error.message)
            return ""

    def finish(self, camera_num: str) -> None:
        """CameraItemError when anything was found."""
        if self._faults:
            raise CameraItemError(camera_num, tuple(self._faults))


def decode_item(raw: bytes | msgspec.Raw, decoder: msgspec.json.Decoder[WireT]) -> WireT:
    """One element of a list as its struct of Any; CameraItemError when it is no JSON object."""
    if (size := memoryview(raw).nbytes) > MOST_ITEM_BYTES:
        _refuse(f"单条 {size} 字节，超过上限 {MOST_ITEM_BYTES} 字节")
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _decode_leniently(bytes(raw), decoder.type)


def _decode_leniently(raw: bytes, wire_type: type[WireT]) -> WireT:
    # msgspec stops at a lone surrogate and at numbers like 1e999; json lets them through to the
    # field's own parser, which names the field.
    try:
        given = json.loads(raw, parse_int=read_int)
    except (ValueError, RecursionError):
        _refuse("不是可识别的 JSON 对象")
    if not isinstance(given, dict):
        _refuse(f"应为 JSON 对象，收到“{shorten(given)}”")
    return wire_type(**{name: given[name] for name in wire_type.__struct_fields__ if name in given})


def read_int(digits: str) -> int | float:
    """A whole number of JSON; as infinity where Python refuses to read one so long, which no field takes."""
    return int(digits) if len(digits) <= _MOST_DIGITS else math.inf


def _refuse(why: str) -> NoReturn:
    raise CameraItemError("", (why,))


def parse_camera(raw: bytes | msgspec.Raw, *, uuid4: bool = True) -> CameraRecord:
    """One element of VideoInformation.

    Shapes and lengths are those of protocol.md section 3; `uuid4` off accepts any plain number.
    CameraItemError names all faults of the item and the cameraNum as far as it could be read.
    """
    return _parse_plain(raw, uuid4) or _parse_closely(raw, uuid4)


def _parse_plain(raw: bytes | msgspec.Raw, uuid4: bool) -> CameraRecord | None:
    """An item just as the document has it, at a quarter of the cost; None for whatever needs a closer look."""
    if memoryview(raw).nbytes > MOST_ITEM_BYTES:
        return None
    try:
        wire = _PLAIN_DECODER.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    words = "|".join(
        (
            *(wire.department, wire.cameraNum, wire.cameraName, wire.road, wire.pileNum),
            *(wire.roadSec, wire.gatewayNum, wire.poiName, wire.others),
        )
    )
    # Of all white space only the blank is printable: none may stand at either end of a word.
    if not words.isprintable() or words != words.strip() or "| " in words or " |" in words:
        return None
    try:
        longitude, latitude = fields.parse_lon_lat(wire.longAndLati)
        stake_m = fields.parse_stake(wire.pileNum)
    except MalformedError:
        return None
    if not (_is_plain_place(wire.road, wire.area) and fields.is_camera_num(wire.cameraNum, uuid4=uuid4)):
        return None
    return CameraRecord(
        department=wire.department,
        camera_num=wire.cameraNum,
        camera_name=wire.cameraName,
        longitude=longitude,
        latitude=latitude,
        road=wire.road,
        classify=wire.classify,
        orientation=wire.cameraOrientation,
        camera_type=wire.cameraType,
        stake=wire.pileNum.upper(),
        stake_m=stake_m,
        area=wire.area,
        road_section=wire.roadSec,
        gateway_num=wire.gatewayNum,
        poi_name=wire.poiName,
        others=wire.others,
    )


@lru_cache(maxsize=4096)
def _is_plain_place(road: str, area: str) -> bool:
    try:
        return "&".join(fields.parse_road(road)) == road and fields.parse_area(area) == area
    except MalformedError:
        return False


def _parse_closely(raw: bytes | msgspec.Raw, uuid4: bool) -> CameraRecord:
    wire = decode_item(raw, _DECODER)
    faults = ItemFaults()
    longitude, latitude = faults.take((0.0, 0.0), fields.parse_lon_lat, wire.longAndLati, "longAndLati")
    record = CameraRecord(
        department=faults.take_text(wire.department, "department", LONGEST_DEPARTMENT),
        camera_num=faults.take("", _CAMERA_NUM_PARSERS[uuid4], wire.cameraNum, "cameraNum"),
        camera_name=faults.take_text(wire.cameraName, "cameraName", LONGEST_CAMERA_NAME),
        longitude=longitude,
        latitude=latitude,
        road="&".join(faults.take((), fields.parse_road, wire.road, "road")),
        classify=faults.take(Classify.DEFAULT, _parse_classify, wire.classify, "classify"),
        orientation=faults.take(
            Orientation.UP, fields.parse_orientation, wire.cameraOrientation, "cameraOrientation"
        ),
        camera_type=faults.take(CameraType.FIXED, _parse_camera_type, wire.cameraType, "cameraType"),
        stake_m=faults.take(0, fields.parse_stake, wire.pileNum, "pileNum"),
        stake=wire.pileNum.strip().upper() if isinstance(wire.pileNum, str) else "",
        area=faults.take("", fields.parse_area, wire.area, "area"),
        road_section=faults.take_text(wire.roadSec, "roadSec", LONGEST_ROAD_SECTION),
        gateway_num=faults.take_text(wire.gatewayNum, "gatewayNum", LONGEST_GATEWAY_NUM, is_required=False),
        poi_name=faults.take_text(wire.poiName, "poiName", LONGEST_POI_NAME, is_required=False),
        others=faults.take_text(wire.others, "others", LONGEST_OTHERS, is_required=False),
    )
    faults.finish(readable_camera_num(wire.cameraNum))
    return record


def readable_camera_num(given: object) -> str:
    """What an answer may echo as the cameraNum of a faulty item: valid text, at most 64 characters."""
    return given.encode("utf-8", "replace").decode().strip()[:64] if isinstance(given, str) else ""


def _parse_classify(value: object, field: str) -> Classify:
    return fields.parse_choice(value, field, Classify)


def _parse_camera_type(value: object, field: str) -> CameraType:
    return fields.parse_choice(value, field, CameraType)


def camera_to_wire(record: CameraRecord, *, gateway_num: bool = True) -> dict[str, object]:
    """The document's keys in its order; `area` as a string, as in its sample.

    `gateway_num` False sends it empty: the document gives it a meaning only between section and ministry.
    """
    return {
        "department": record.department,
        "cameraNum": record.camera_num,
        "cameraName": record.camera_name,
        "longAndLati": f"{record.longitude!r}/{record.latitude!r}",
        "road": record.road,
        "classify": int(record.classify),
        "cameraOrientation": int(record.orientation),
        "pileNum": record.stake,
        "area": record.area,
        "roadSec": record.road_section,
        "cameraType": int(record.camera_type),
        "gatewayNum": record.gateway_num if gateway_num else "",
        "poiName": record.poi_name,
        "others": record.others,
    }


class BackResult(msgspec.Struct, frozen=True, gc=False):
    """One entry of `backResult`: the verdict on one item, in the order sent."""

    camera_num: str
    status: int
    info: str

    @property
    def ok(self) -> bool:
        return self.status == ItemStatus.DONE

    def to_wire(self) -> dict[str, object]:
        return {"cameraNum": self.camera_num, "status": int(self.status), "info": self.info}
