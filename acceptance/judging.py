"""What the document wants of a stream, held against what was measured."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypedDict

from acceptance.measuring import H264, Meter
from protocol.commands import HIGH_FORMAT, LOW_FORMAT, VideoFormat

# Times in FLV are whole milliseconds, and the seconds read hold whole frames.
_FPS_TOLERANCE: Final = 0.5
_KEY_SECONDS: Final = 2.0
_KEY_TOLERANCE_SECONDS: Final = 0.1
# A viewer sees the picture stand still; players keep about as much in hand.
_GAP_SECONDS: Final = 1.0


class Finding(TypedDict):
    """One thing that was looked at; `is_good` None: it could not be told."""

    title: str
    wanted: str
    found: str
    is_good: bool | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Of one kind of stream: kbit/s at least, seconds until the first frame at most (document 4.1)."""

    format: VideoFormat
    is_exact_size: bool
    kbps: int
    first_frame_seconds: float


LOW: Final = Wanted(LOW_FORMAT, is_exact_size=True, kbps=32, first_frame_seconds=1.0)
# The document leaves the size of high streams open: a camera may give more than was ordered.
HIGH: Final = Wanted(HIGH_FORMAT, is_exact_size=False, kbps=1000, first_frame_seconds=4.0)


def judge(meter: Meter, wanted: Wanted, *, was_absent: bool = True) -> Iterator[Finding]:
    """`was_absent` False: somebody watched a high stream already, so how fast it begins cannot be told."""
    if meter.codec and meter.codec != H264:
        yield _finding("编码", "H.264", meter.codec, False)
        return
    if meter.first_frame_at is None:
        yield _finding("取得码流", "有画面", meter.ended or "没有画面", False)
        return
    yield _finding("编码", "H.264", "H.264", True)
    yield _size(meter, wanted)
    # Of a single frame there is nothing more to tell than that the rest is missing.
    if meter.span_ms:
        yield from _flow(meter, wanted)
    yield _steadiness(meter)
    yield _first_frame(meter.first_frame_at, wanted, was_absent)


def _flow(meter: Meter, wanted: Wanted) -> Iterator[Finding]:
    fps, key_seconds = wanted.format.framerate, meter.longest_key_ms / 1000
    yield _finding("帧率", f"{fps} 帧/秒", f"{meter.fps:.1f} 帧/秒", abs(meter.fps - fps) <= _FPS_TOLERANCE)
    yield _finding(
        "码率",
        f"不低于 {wanted.kbps} kbit/s",
        f"{meter.bitrate_kbps:.0f} kbit/s",
        meter.bitrate_kbps >= wanted.kbps,
    )
    yield _finding(
        "关键帧间隔",
        f"不超过 {_KEY_SECONDS:.0f} 秒",
        f"最长 {key_seconds:.1f} 秒",
        key_seconds <= _KEY_SECONDS + _KEY_TOLERANCE_SECONDS,
    )


def _size(meter: Meter, wanted: Wanted) -> Finding:
    width, height = wanted.format.width, wanted.format.height
    if wanted.is_exact_size:
        words, is_good = f"{width}×{height}", (meter.width, meter.height) == (width, height)
    else:
        words, is_good = f"不小于 {width}×{height}", meter.width >= width and meter.height >= height
    return _finding("分辨率", words, f"{meter.width}×{meter.height}", is_good)


def _steadiness(meter: Meter) -> Finding:
    gap = meter.longest_gap_ms / 1000
    found = f"最长间隔 {gap:.2f} 秒，共 {meter.span_ms / 1000:.1f} 秒"
    if meter.ended:
        found = f"{found}，{meter.ended}"
    return _finding(
        "平稳", f"画面间隔不超过 {_GAP_SECONDS:.0f} 秒", found, not meter.ended and gap <= _GAP_SECONDS
    )


def _first_frame(seconds: float, wanted: Wanted, was_absent: bool) -> Finding:
    words = f"不超过 {wanted.first_frame_seconds:.0f} 秒"
    if not was_absent:
        return _finding("首帧", words, "验收前已有人在看，未测", None)
    return _finding("首帧", words, f"{seconds:.2f} 秒", seconds <= wanted.first_frame_seconds)


def _finding(title: str, wanted: str, found: str, is_good: bool | None) -> Finding:
    return Finding(title=title, wanted=wanted, found=found, is_good=is_good)
