"""What the details of the behaviour log say to those who read it.

Rows are sealed and never change: whatever they were written with is put into words here, when it is shown.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from access.days import ZONE

# What is stored under the name on the left is shown under that on the right.
_NAMES: Final = {
    "hold": "留存编号",
    "from": "自",
    "to": "至",
    "秒": "时长",
    "fields": "修改项",
    "is_good": "画面正常",
    "through_block": "清除至块",
    "through_id": "清除至编号",
    "digest": "摘要",
}
_PROTOCOLS: Final = {"ws": "WebSocket-FLV", "flv": "HTTP-FLV", "hls": "HLS", "rtmp": "RTMP"}
# The database keeps no order of its own that means anything.
_FIRST: Final = ("自", "至", "时长", "方式", "码流", "之前", "之后")
# Say what they are by themselves.
_PLAIN: Final = {"时长", "方式", "码流"}
_SHORTEST_TIME: Final = len("2026-11-29T13:00")


def detail_words(detail: Mapping[str, object]) -> list[tuple[str, str]]:
    """Name and value of each, in Chinese and in local time."""
    words = [(_NAMES.get(name, name), _value(name, value)) for name, value in detail.items()]
    return sorted(words, key=lambda pair: _FIRST.index(pair[0]) if pair[0] in _FIRST else len(_FIRST))


def detail_line(detail: Mapping[str, object]) -> str:
    """`109 秒，WebSocket-FLV，低码流`."""
    return "，".join(value if name in _PLAIN else f"{name} {value}" for name, value in detail_words(detail))


def _value(name: str, value: object) -> str:
    if name == "秒":
        return f"{value} 秒"
    if name == "方式" and isinstance(value, str):
        return _PROTOCOLS.get(value, value)
    return _plain(value)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if value is None or value == "" or value == []:
        return "无"
    if isinstance(value, list):
        return "、".join(map(_plain, value))
    if isinstance(value, dict):
        return "，".join(f"{name} {text}" for name, text in detail_words(value))
    return _clock(value) if isinstance(value, str) else str(value)


def _clock(text: str) -> str:
    """A moment in local time; any other text as it is."""
    if len(text) < _SHORTEST_TIME or text[10] != "T":
        return text
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{at.astimezone(ZONE):%Y-%m-%d %H:%M:%S}" if at.tzinfo else text
