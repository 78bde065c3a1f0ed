"""The query of a partner's request, read as protocol.md section 2 has it."""

import re
from typing import Literal, overload
from urllib.parse import unquote_to_bytes

from protocol.errors import MalformedError, shorten

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_MOST_PARAMETERS = 200


class VerbParams:
    """Names without regard to case, an empty value is absent, a repeated name is an error, others are ignored."""

    def __init__(self, query_string: str) -> None:
        """`query_string` as WSGI has it: bytes in Latin-1."""
        self._found: dict[str, list[bytes]] = {}
        parts = query_string.encode("latin-1", "replace").split(b"&")
        if len(parts) > _MOST_PARAMETERS:
            raise MalformedError(f"参数过多：最多 {_MOST_PARAMETERS} 个")
        for part in parts:
            name, _, value = part.partition(b"=")
            key = _unquote(name).decode("utf-8", "replace").strip().lower()
            if key:
                self._found.setdefault(key, []).append(_unquote(value))

    @overload
    def text(self, name: str, *, required: Literal[True]) -> str: ...
    @overload
    def text(self, name: str, *, required: bool = False) -> str | None: ...
    def text(self, name: str, *, required: bool = False) -> str | None:
        """The value without blanks, tabs and line ends around it."""
        value = self.raw(name)
        value = value.strip() if value else None
        if not value and required:
            raise MalformedError(f"缺少参数 {name}")
        return value or None

    def raw(self, name: str) -> str | None:
        """The value as it came; a `+` of BASE64 that arrived as a blank is still at its place."""
        values = self._found.get(name.lower())
        if values is None:
            return None
        if len(values) > 1:
            raise MalformedError(f"参数 {name} 重复")
        try:
            value = values[0].decode()
        except UnicodeDecodeError:
            raise MalformedError(f"参数 {name} 不是 UTF-8 编码") from None
        if "\0" in value:
            raise MalformedError(f"参数 {name} 含有空字符")
        return value or None

    @overload
    def integer(self, name: str, low: int, high: int, default: int) -> int: ...
    @overload
    def integer(self, name: str, low: int, high: int, *, required: Literal[True]) -> int: ...
    @overload
    def integer(self, name: str, low: int, high: int, default: None = None) -> int | None: ...
    def integer(
        self, name: str, low: int, high: int, default: int | None = None, *, required: bool = False
    ) -> int | None:
        """A whole number from `low` to `high`."""
        value = self.text(name, required=required)
        if value is None:
            return default
        number = int(value) if _INTEGER.fullmatch(value) else None
        if number is None or not low <= number <= high:
            raise MalformedError(f"参数 {name} 应为 {low} 至 {high} 的整数，收到 {shorten(value)}")
        return number


def _unquote(raw: bytes) -> bytes:
    return unquote_to_bytes(raw.replace(b"+", b" "))
