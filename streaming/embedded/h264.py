"""H.264 as far as a media server must know it: parameter sets, picture size, Annex B (ITU-T H.264 7.3.2.1)."""

from dataclasses import dataclass

_HIGH_PROFILES = (100, 110, 122, 244, 44, 83, 86, 118, 128)
_START = b"\x00\x00\x00\x01"
_ACCESS_UNIT_DELIMITER = _START + b"\x09\xf0"
SEI, SPS, PPS, AUD = 6, 7, 8, 9


class H264Error(ValueError):
    """The stream calls itself H.264 and is not readable as such."""


@dataclass(frozen=True, slots=True)
class VideoConfig:
    """The decoder configuration of a stream, once per sequence header."""

    width: int
    height: int
    profile: int
    level: int
    length_bytes: int
    parameter_sets: tuple[bytes, ...]


class _Bits:
    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = len(data) * 8

    def take(self, count: int) -> int:
        if count > self._left:
            raise H264Error("parameter set cut short")
        self._left -= count
        return (self._value >> self._left) & ((1 << count) - 1)

    def golomb(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise H264Error("no exp-Golomb code")
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        code = self.golomb()
        return (code + 1) // 2 if code % 2 else -(code // 2)


def parse_record(record: bytes) -> VideoConfig:
    """AVCDecoderConfigurationRecord (ISO/IEC 14496-15 5.2.4.1)."""
    if len(record) < 7 or record[0] != 1:
        raise H264Error("no decoder configuration record")
    at = 6
    sets: list[bytes] = []
    for count in (record[5] & 31, -1):
        if count < 0:
            if at >= len(record):
                break
            count = record[at]
            at += 1
        for _ in range(count):
            size = int.from_bytes(record[at : at + 2], "big")
            unit = record[at + 2 : at + 2 + size]
            if not size or len(unit) < size:
                raise H264Error("parameter set cut short")
            sets.append(unit)
            at += 2 + size
    sps = next((unit for unit in sets if unit[0] & 31 == SPS), None)
    if sps is None or len(sps) < 4:
        raise H264Error("no sequence parameter set")
    width, height = _picture_size(sps)
    return VideoConfig(width, height, sps[1], sps[3], (record[4] & 3) + 1, tuple(sets))


def _picture_size(sps: bytes) -> tuple[int, int]:
    bits = _Bits(sps[4:].replace(b"\x00\x00\x03", b"\x00\x00"))
    bits.golomb()
    chroma = _chroma_format(bits) if sps[1] in _HIGH_PROFILES else 1
    bits.golomb()
    _skip_picture_order(bits)
    bits.golomb()
    bits.take(1)
    columns, rows = bits.golomb() + 1, bits.golomb() + 1
    frame_only = bits.take(1)
    if not frame_only:
        bits.take(1)
    bits.take(1)
    crop = [bits.golomb() for _ in range(4)] if bits.take(1) else [0, 0, 0, 0]
    unit_x = 1 if chroma in (0, 3) else 2
    unit_y = (2 if chroma == 1 else 1) * (2 - frame_only)
    width = columns * 16 - unit_x * (crop[0] + crop[1])
    height = rows * 16 * (2 - frame_only) - unit_y * (crop[2] + crop[3])
    if not (0 < width <= 16384 and 0 < height <= 16384):
        raise H264Error("impossible picture size")
    return width, height


def _chroma_format(bits: _Bits) -> int:
    chroma = bits.golomb()
    if chroma == 3:
        bits.take(1)
    bits.golomb()
    bits.golomb()
    bits.take(1)
    if bits.take(1):
        for index in range(8 if chroma != 3 else 12):
            if bits.take(1):
                _skip_scaling_list(bits, 16 if index < 6 else 64)
    return chroma


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last


def _skip_picture_order(bits: _Bits) -> None:
    kind = bits.golomb()
    if kind == 0:
        bits.golomb()
    elif kind == 1:
        bits.take(1)
        bits.signed()
        bits.signed()
        for _ in range(min(bits.golomb(), 255)):
            bits.signed()


def split_units(data: bytes, length_bytes: int) -> list[bytes]:
    """NAL units of one length-prefixed picture; a cut last one is left out."""
    units = []
    at = 0
    while at + length_bytes <= len(data):
        size = int.from_bytes(data[at : at + length_bytes], "big")
        at += length_bytes
        if size and at + size <= len(data):
            units.append(data[at : at + size])
        at += size
    return units


def to_annex_b(data: bytes, config: VideoConfig, *, is_key: bool) -> bytes:
    """One picture as MPEG-TS wants it: delimiter first, parameter sets before every key picture."""
    units = [unit for unit in split_units(data, config.length_bytes) if unit[0] & 31 != AUD]
    if is_key:
        units = [*config.parameter_sets, *(unit for unit in units if unit[0] & 31 not in (SPS, PPS))]
    return _ACCESS_UNIT_DELIMITER + b"".join(_START + unit for unit in units)
