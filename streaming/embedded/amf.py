"""AMF0, the encoding of RTMP commands and metadata."""

import math
import struct
from collections.abc import Mapping

AmfValue = None | bool | float | str | list["AmfValue"] | dict[str, "AmfValue"]

_DEPTH = 8
_ITEMS = 1000
_DOUBLE = struct.Struct(">d")
_END = b"\x00\x00\x09"


class AmfError(ValueError):
    """The bytes are no AMF0, or nested or long beyond what a publisher sends."""


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.items = 0

    def take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self.data):
            raise AmfError("cut short")
        piece = self.data[self.at : end]
        self.at = end
        return piece

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "big")

    def text(self, size_bytes: int) -> str:
        return self.take(self.number(size_bytes)).decode("utf-8", "replace")

    def pairs(self, depth: int) -> dict[str, AmfValue]:
        found: dict[str, AmfValue] = {}
        # Some encoders leave the end mark of the last object out.
        while self.at < len(self.data):
            if self.data[self.at : self.at + 3] == _END:
                self.at += 3
                break
            name = self.text(2)
            found[name] = self.value(depth)
        return found

    def value(self, depth: int) -> AmfValue:
        self.items += 1
        if depth > _DEPTH or self.items > _ITEMS:
            raise AmfError("nested or long beyond measure")
        kind = self.number(1)
        if kind == 0:
            double = _DOUBLE.unpack(self.take(8))[0]
            return float(double) if math.isfinite(double) else 0.0
        if kind == 1:
            return self.number(1) != 0
        if kind in (2, 12):
            return self.text(2 if kind == 2 else 4)
        if kind in (5, 6):
            return None
        return self._compound(kind, depth)

    def _compound(self, kind: int, depth: int) -> AmfValue:
        if kind == 3:
            return self.pairs(depth + 1)
        if kind == 8:
            self.take(4)
            return self.pairs(depth + 1)
        if kind == 10:
            return [self.value(depth + 1) for _ in range(min(self.number(4), _ITEMS))]
        if kind == 11:
            stamp = _DOUBLE.unpack(self.take(8))[0]
            self.take(2)
            return float(stamp) if math.isfinite(stamp) else 0.0
        raise AmfError(f"type {kind} is not understood")


def decode(data: bytes) -> list[AmfValue]:
    """All values that follow each other; AmfError if any of them cannot be read."""
    reader = _Reader(data)
    values: list[AmfValue] = []
    while reader.at < len(data):
        values.append(reader.value(0))
    return values


def _name(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(2, "big") + raw


def _encode_one(value: AmfValue) -> bytes:
    if value is None:
        return b"\x05"
    if isinstance(value, bool):
        return b"\x01\x01" if value else b"\x01\x00"
    if isinstance(value, float | int):
        return b"\x00" + _DOUBLE.pack(value)
    if isinstance(value, str):
        return b"\x02" + _name(value)
    if isinstance(value, list):
        return b"\x0a" + len(value).to_bytes(4, "big") + encode(*value)
    return b"\x03" + _pairs(value)


def _pairs(value: Mapping[str, AmfValue]) -> bytes:
    return b"".join(_name(key) + _encode_one(item) for key, item in value.items()) + _END


def encode(*values: AmfValue) -> bytes:
    return b"".join(_encode_one(value) for value in values)


def encode_ecma(value: Mapping[str, AmfValue]) -> bytes:
    """An ECMA array: the form in which players expect onMetaData."""
    return b"\x08" + len(value).to_bytes(4, "big") + _pairs(value)
