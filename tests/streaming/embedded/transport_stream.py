"""Reads MPEG-TS back, strictly, so that the muxer is judged by something that does not share its mistakes."""

from dataclasses import dataclass, field

VIDEO_PID, AUDIO_PID = 0x101, 0x102


@dataclass
class Pes:
    present: int
    decode: int
    data: bytes
    is_random_access: bool
    clock: int | None


@dataclass
class Programme:
    kinds: dict[int, int] = field(default_factory=dict)
    units: dict[int, list[Pes]] = field(default_factory=dict)


def crc(data: bytes) -> int:
    """CRC-32/MPEG-2 by polynomial division of the bits."""
    value = int.from_bytes(data, "big") << 32
    value ^= 0xFFFFFFFF << (len(data) * 8)
    for bit in range(len(data) * 8 + 31, 31, -1):
        if value >> bit & 1:
            value ^= 0x104C11DB7 << (bit - 32)
    return value


def _time(raw: bytes) -> int:
    assert raw[0] & raw[2] & raw[4] & 1
    return (raw[0] >> 1 & 7) << 30 | raw[1] << 22 | raw[2] >> 1 << 15 | raw[3] << 7 | raw[4] >> 1


def _section(payload: bytes) -> bytes:
    size = int.from_bytes(payload[2:4], "big") & 0xFFF
    section = payload[1 : 4 + size]
    assert crc(section[:-4]) == int.from_bytes(section[-4:], "big")
    return section


def _pes(data: bytes, is_random_access: bool, clock: int | None) -> Pes:
    assert data[:3] == b"\x00\x00\x01"
    size = int.from_bytes(data[4:6], "big")
    assert size in (0, len(data) - 6)
    present = _time(data[9:14])
    decode = _time(data[14:19]) if data[7] & 0x40 else present
    return Pes(present, decode, data[9 + data[8] :], is_random_access, clock)


def _adaptation(field: bytes) -> tuple[bool, int | None]:
    if not field:
        return False, None
    clock = int.from_bytes(field[1:7], "big") >> 15 if field[0] & 0x10 else None
    return bool(field[0] & 0x40), clock


def demux(data: bytes) -> Programme:
    assert len(data) % 188 == 0
    programme = Programme()
    counters: dict[int, int] = {}
    open_units: dict[int, tuple[bytearray, bool, int | None]] = {}

    def close(pid: int) -> None:
        if pid in open_units:
            raw, is_random_access, clock = open_units.pop(pid)
            programme.units.setdefault(pid, []).append(_pes(bytes(raw), is_random_access, clock))

    for start in range(0, len(data), 188):
        packet = data[start : start + 188]
        assert packet[0] == 0x47
        pid = int.from_bytes(packet[1:3], "big") & 0x1FFF
        counter = packet[3] & 15
        assert counters.get(pid, counter) == counter
        counters[pid] = (counter + 1) & 15
        at, is_random_access, clock = 4, False, None
        if packet[3] & 0x20:
            is_random_access, clock = _adaptation(packet[5 : 5 + packet[4]])
            at = 5 + packet[4]
        payload = packet[at:]
        if pid == 0:
            assert _section(payload)[8:12] == b"\x00\x01\xe1\x00"
        elif pid == 0x100:
            section = _section(payload)
            for entry in range(12, len(section) - 4, 5):
                programme.kinds[int.from_bytes(section[entry + 1 : entry + 3], "big") & 0x1FFF] = section[
                    entry
                ]
        elif packet[1] & 0x40:
            close(pid)
            open_units[pid] = bytearray(payload), is_random_access, clock
        else:
            open_units[pid][0].extend(payload)
    for pid in list(open_units):
        close(pid)
    return programme
