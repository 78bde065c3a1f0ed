"""A small MPEG-TS muxer for HLS: one H.264 and at most one AAC stream (ISO/IEC 13818-1 2.4)."""

from dataclasses import dataclass

_PMT_PID, _VIDEO_PID, _AUDIO_PID = 0x100, 0x101, 0x102
_PACKET, _ROOM = 188, 184
_WRAP = 1 << 33
# Players dislike a presentation that begins at 0, and B-frames may reach below it.
_LEAD_MS = 1000
_CLOCK_LEAD_MS = 100


@dataclass(frozen=True, slots=True)
class AacConfig:
    """What ADTS repeats in front of every AAC frame."""

    object_type: int
    frequency_index: int
    channels: int


def parse_aac(header: bytes) -> AacConfig | None:
    """AudioSpecificConfig of an AAC sequence header; None where ADTS cannot express it."""
    if len(header) < 4:
        return None
    bits = int.from_bytes(header[2:4], "big")
    kind, index, channels = bits >> 11, bits >> 7 & 15, bits >> 3 & 15
    # HE-AAC signals its extension explicitly; the core that ADTS carries is AAC-LC.
    kind = 2 if kind in (5, 29) else kind
    return AacConfig(kind, index, channels) if 1 <= kind <= 4 and index < 13 and channels < 8 else None


def adts_frame(config: AacConfig, data: bytes) -> bytes:
    size = len(data) + 7
    third = (config.object_type - 1) << 6 | config.frequency_index << 2 | config.channels >> 2
    fourth = (config.channels & 3) << 6 | size >> 11
    tail = bytes((size >> 3 & 0xFF, (size & 7) << 5 | 0x1F, 0xFC))
    return bytes((0xFF, 0xF1, third, fourth)) + tail + data


def _crc(data: bytes) -> int:
    """CRC-32/MPEG-2: neither reflected nor inverted at the end, unlike zlib's."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    return crc


def _section(table: int, number: int, body: bytes) -> bytes:
    size = 5 + len(body) + 4
    head = bytes((table, 0xB0 | size >> 8, size & 0xFF)) + number.to_bytes(2, "big") + b"\xc1\x00\x00"
    return b"\x00" + head + body + _crc(head + body).to_bytes(4, "big")


def _stream_entry(kind: int, pid: int) -> bytes:
    return bytes((kind,)) + (0xE000 | pid).to_bytes(2, "big") + b"\xf0\x00"


def _stamp(mark: int, ticks: int) -> bytes:
    return bytes(
        (
            mark << 4 | ticks >> 29 & 0x0E | 1,
            ticks >> 22 & 0xFF,
            ticks >> 14 & 0xFE | 1,
            ticks >> 7 & 0xFF,
            ticks << 1 & 0xFE | 1,
        )
    )


def _ticks(milliseconds: int) -> int:
    return (milliseconds + _LEAD_MS) * 90 % _WRAP


class Muxer:
    """Continuity counters run on over all segments of one stream."""

    def __init__(self) -> None:
        self._counters: dict[int, int] = {}

    def tables(self, *, has_audio: bool) -> bytes:
        """PAT and PMT: the beginning of every segment."""
        pat = _section(0, 1, b"\x00\x01" + (0xE000 | _PMT_PID).to_bytes(2, "big"))
        entries = _stream_entry(0x1B, _VIDEO_PID) + (_stream_entry(0x0F, _AUDIO_PID) if has_audio else b"")
        pmt = _section(2, 1, (0xE000 | _VIDEO_PID).to_bytes(2, "big") + b"\xf0\x00" + entries)
        return b"".join(self._table(pid, section) for pid, section in ((0, pat), (_PMT_PID, pmt)))

    def _table(self, pid: int, section: bytes) -> bytes:
        return self._header(pid, 0x40, 0x10) + section.ljust(_ROOM, b"\xff")

    def video(self, picture: bytes, *, decode_ms: int, present_ms: int, is_key: bool) -> bytes:
        """One picture in Annex B form."""
        present, decode = _ticks(present_ms), _ticks(decode_ms)
        head = b"\x00\x00\x01\xe0\x00\x00\x80\xc0\x0a" + _stamp(3, present) + _stamp(1, decode)
        clock = _ticks(decode_ms - _CLOCK_LEAD_MS)
        reference = (clock << 15 | 0x7E00).to_bytes(6, "big")
        return self._packets(_VIDEO_PID, head + picture, bytes((0x50 if is_key else 0x10,)) + reference)

    def audio(self, frame: bytes, *, present_ms: int) -> bytes:
        size = len(frame) + 8
        head = b"\x00\x00\x01\xc0" + size.to_bytes(2, "big") + b"\x80\x80\x05" + _stamp(2, _ticks(present_ms))
        return self._packets(_AUDIO_PID, head + frame, None)

    def _header(self, pid: int, start: int, control: int) -> bytes:
        counter = self._counters.get(pid, 0)
        self._counters[pid] = (counter + 1) & 15
        return bytes((0x47, start | pid >> 8, pid & 0xFF, control | counter))

    def _packets(self, pid: int, data: bytes, field: bytes | None) -> bytes:
        """`field` is the adaptation field of the first packet, without its length byte."""
        parts: list[bytes] = []
        at, start = 0, 0x40
        while at < len(data):
            room = _ROOM if field is None else _ROOM - 1 - len(field)
            missing = room - (len(data) - at)
            if missing > 0:
                field = _stuffed(field, missing)
                room -= missing
            parts.append(self._header(pid, start, 0x10 if field is None else 0x30))
            if field is not None:
                parts.append(bytes((len(field),)) + field)
            parts.append(data[at : at + room])
            at += room
            start, field = 0, None
        return b"".join(parts)


def _stuffed(field: bytes | None, missing: int) -> bytes:
    if field is not None:
        return field + b"\xff" * missing
    # The length byte is itself the first of the missing ones.
    return b"" if missing == 1 else b"\x00" + b"\xff" * (missing - 2)
