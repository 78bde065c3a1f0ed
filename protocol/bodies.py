"""Bodies of the report verbs: limits first, then a list of raw items that are judged one by one."""

import json
import re
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import msgspec

from protocol import fields
from protocol.cameras import ItemFaults, decode_item, read_int, readable_camera_num
from protocol.codes import OnlineStatus
from protocol.errors import MalformedError, shorten

MOST_BODY_BYTES: Final = 20 * 1024 * 1024
MOST_ITEMS: Final = 20_000
MOST_DEPTH: Final = 20
MOST_DELETIONS: Final = 100

_UTF8_BOM: Final = b"\xef\xbb\xbf"
# A string is one token, so that brackets and commas inside it do not count. One without an end takes
# all that is left: looking for its end again from every quote inside it would take hours.
_STRUCTURE: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[{\]},]', re.DOTALL)
_BYTE_POSITION: Final = re.compile(r"\(byte (\d+)\)$")
_LIST_DECODER: Final = msgspec.json.Decoder(list[msgspec.Raw])
# A full batch of the document's 14 fields stays below; more commas are counted exactly.
_MANY_COMMAS: Final = MOST_ITEMS * 20
_JSON_TYPES: Final = {
    dict: "对象",
    str: "字符串",
    int: "数字",
    float: "数字",
    bool: "布尔值",
    type(None): "null",
}


@dataclass(frozen=True, slots=True)
class StatusItem:
    """One element of ReportCameraStatus (document 1.2)."""

    camera_num: str
    online: OnlineStatus


class _StatusWire(msgspec.Struct):
    cameraNum: Any = None
    online: Any = None


_STATUS_DECODER: Final = msgspec.json.Decoder(_StatusWire)


def check_size(body: bytes, what: str) -> bytes:
    """The body without a byte order mark; MalformedError when it is empty, too large or not UTF-8."""
    if len(body) > MOST_BODY_BYTES:
        raise MalformedError(f"{what} 请求体 {len(body)} 字节，超过上限 {MOST_BODY_BYTES} 字节（20 MiB）")
    body = body.removeprefix(_UTF8_BOM)
    if not body.strip():
        raise MalformedError(f"{what} 请求体为空")
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        where = _place(body, error.start)
        raise MalformedError(
            f"{what} 请求体不是 UTF-8 编码：{where}，字节 0x{body[error.start]:02X}"
        ) from None
    return body


def parse_list(body: bytes, *, what: str) -> list[msgspec.Raw]:
    """The elements of a JSON list, not yet looked into. `what` names the body in messages.

    MalformedError over 20 MiB, 20,000 elements or 20 levels, for anything that is no JSON (line and
    column) and for JSON that is no list. Elements that come twice are left to the caller.
    """
    body = check_size(body, what)
    if body.count(b",") > _MANY_COMMAS:
        _check_structure(body, what)
    try:
        items = _LIST_DECODER.decode(body)
    except RecursionError:
        _refuse_depth(what)
    except msgspec.ValidationError:
        _refuse_type(body, what)
    except msgspec.DecodeError as error:
        items = _decode_list_leniently(body, what, error)
    if len(items) > MOST_ITEMS:
        _refuse_count(what)
    for index, item in enumerate(items):
        if _has_brackets_inside(bytes(item)):
            _check_item_depth(item, f"{what}[{index}]")
    return items


def parse_deletion(body: bytes) -> list[str]:
    """The numbers of VideoInformationDel in the order sent, trimmed; at most 100, else nothing is deleted."""
    what = "VideoInformationDel"
    body = check_size(body, what)
    given = decode_object(body, what).get("cameras")
    if not isinstance(given, list):
        raise MalformedError(f"{what} 的 cameras 应为数组" if given is not None else f"{what} 缺少 cameras")
    if len(given) > MOST_DELETIONS:
        raise MalformedError(
            f"{what} 的 cameras 有 {len(given)} 个编号，最多 {MOST_DELETIONS} 个，未删除任何摄像机"
        )
    return [
        fields.clean_text(number, f"cameras[{index}]", longest=fields.LONGEST_CAMERA_NUM)
        for index, number in enumerate(given)
    ]


def parse_status(raw: bytes | msgspec.Raw) -> StatusItem:
    """One element of ReportCameraStatus; CameraItemError with all its faults.

    The number need not be a UUID here: what is not in the ledger is unknown, however it looks.
    """
    wire = decode_item(raw, _STATUS_DECODER)
    faults = ItemFaults()
    item = StatusItem(
        camera_num=faults.take_text(wire.cameraNum, "cameraNum", fields.LONGEST_CAMERA_NUM),
        online=faults.take(OnlineStatus.OFFLINE, _parse_online, wire.online, "online"),
    )
    faults.finish(readable_camera_num(wire.cameraNum))
    return item


def _parse_online(value: object, field: str) -> OnlineStatus:
    return fields.parse_choice(value, field, OnlineStatus)


def decode_object(body: bytes, what: str) -> dict[str, Any]:
    """A body that is one JSON object within the depth limit; MalformedError with line and column."""
    if body.count(b",") > MOST_ITEMS:
        raise MalformedError(f"{what} 请求体的内容过多")
    try:
        given = msgspec.json.decode(body)
    except RecursionError:
        _refuse_depth(what)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        given = _load_leniently(body, what, error)
    if not isinstance(given, dict):
        raise MalformedError(f"{what} 请求体应为 JSON 对象，收到{_JSON_TYPES.get(type(given), '数组')}")
    _check_item_depth(body, what, allowed=MOST_DEPTH)
    return given


def _place(body: bytes, offset: int) -> str:
    line_start = body.rfind(b"\n", 0, offset) + 1
    line = body.count(b"\n", 0, offset) + 1
    column = len(body[line_start:offset].decode("utf-8", "replace")) + 1
    return f"第 {line} 行第 {column} 列"


def _load_leniently(body: bytes, what: str, error: Exception) -> object:
    """Read again what msgspec refused, so that one lone surrogate does not cost the whole batch.

    Lone surrogates are valid JSON (RFC 8259 section 8.2), NaN and Infinity are not. json also knows
    the place of every error, msgspec only of some.
    """
    match = _BYTE_POSITION.search(str(error))
    offset = int(match[1]) if match else len(body)
    if body.count(b",") <= _MANY_COMMAS:
        text = body.decode("utf-8")
        try:
            loaded: object = json.loads(text, parse_constant=_refuse_constant, parse_int=read_int)
        except json.JSONDecodeError as found:
            offset = len(text[: found.pos].encode())
        except (ValueError, RecursionError):
            pass
        else:
            return loaded
    raise MalformedError(f"{what} 不是 JSON：{_place(body, offset)}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _decode_list_leniently(body: bytes, what: str, error: Exception) -> list[msgspec.Raw]:
    loaded = _load_leniently(body, what, error)
    if not isinstance(loaded, list):
        _refuse_type(body, what)
    if len(loaded) > MOST_ITEMS:
        _refuse_count(what)
    return [msgspec.Raw(json.dumps(item).encode()) for item in loaded]


def _check_structure(body: bytes, what: str) -> None:
    """Count exactly, before the decoder makes an object for each element of a hostile list."""
    depth = items = 0
    for token in _STRUCTURE.finditer(body):
        sign = token[0]
        if sign in b"[{":
            depth += 1
        elif sign in b"]}":
            depth -= 1
        elif sign == b"," and depth == 1:
            items += 1
        if items >= MOST_ITEMS:
            _refuse_count(what)
        if depth > MOST_DEPTH:
            _refuse_depth(what)


def _has_brackets_inside(raw: bytes) -> bool:
    """Whether an element may be more than one flat object; a look for one byte costs next to nothing."""
    return b"[" in raw or raw.rfind(b"{") > 0


def _check_item_depth(item: bytes | msgspec.Raw, what: str, *, allowed: int = MOST_DEPTH - 1) -> None:
    raw = bytes(item)
    if raw.count(b"{") + raw.count(b"[") <= allowed:
        return
    depth = 0
    for token in _STRUCTURE.finditer(raw):
        sign = token[0]
        depth += (sign in (b"[", b"{")) - (sign in (b"]", b"}"))
        if depth > allowed:
            _refuse_depth(what)


def _refuse_depth(what: str) -> NoReturn:
    raise MalformedError(f"{what} 的 JSON 嵌套超过 {MOST_DEPTH} 层")


def _refuse_count(what: str) -> NoReturn:
    raise MalformedError(f"{what} 超过 {MOST_ITEMS} 条，未处理任何一条")


def _refuse_type(body: bytes, what: str) -> NoReturn:
    raise MalformedError(
        f"{what} 请求体应为 JSON 数组，开头是“{shorten(body[:200].decode('utf-8', 'replace').strip())}”"
    )
