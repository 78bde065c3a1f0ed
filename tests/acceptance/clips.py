"""Streams as a gateway should push them, and each of the ways in which one may be wrong."""

from pathlib import Path

from tests.snapshots.clips import HEADER, make_clip, tags_of

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-sc_threshold", "0")


def clip(
    folder: Path,
    *,
    size: str = "352x288",
    fps: int = 25,
    gop: int = 50,
    seconds: float = 3.2,
    source: str = "",
) -> bytes:
    """A moving picture, or of another `source` of lavfi."""
    target = folder / f"{size}-{fps}-{gop}-{seconds}-{len(source)}.flv"
    picture = source or f"testsrc2=size={size}:rate={fps}"
    return make_clip(target, picture, *X264, "-g", str(gop), seconds=seconds).read_bytes()


def with_gap(flv: bytes, *, after: int, milliseconds: int) -> bytes:
    """The stream's own clock jumps behind so many tags."""
    tags = [tag.raw for tag in tags_of(flv)]
    return HEADER + b"".join([*tags[:after], *(_later(raw, milliseconds) for raw in tags[after:])])


def repeated(flv: bytes, *, times: int, milliseconds: int) -> bytes:
    """The same so many times, each `milliseconds` later: encoding all of it would take longer."""
    tags = [tag.raw for tag in tags_of(flv)]
    return HEADER + b"".join(_later(raw, milliseconds * turn) for turn in range(times) for raw in tags)


def _later(raw: bytes, milliseconds: int) -> bytes:
    at = int.from_bytes(raw[4:7], "big") + (raw[7] << 24) + milliseconds
    return raw[:4] + (at & 0xFFFFFF).to_bytes(3, "big") + bytes([at >> 24]) + raw[8:]
