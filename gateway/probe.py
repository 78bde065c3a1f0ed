"""What a source really sends: codec, size, rate, key-frame interval, read by ffmpeg and not by us."""

import asyncio
import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.process import spawn
from gateway.troubles import Defect, Trouble, explain
from protocol.commands import VideoFormat

_STREAM = re.compile(
    r"Stream #0:\d+.*?: Video: (?P<codec>\w+).*?, (?P<pixels>yuv\w+).*?, (?P<width>\d+)x(?P<height>\d+)"
)
_RATE = re.compile(r"(?P<rate>[\d.]+) fps")
_FLV_HEADER_BYTES = 13
_TAG_HEADER_BYTES = 11
_VIDEO_TAG = 9
_PICTURE = 1  # neither the decoder's parameters nor the end of the sequence, which is marked as a key frame too

# The document wants a key frame every 2 s at most; timestamps are rounded to milliseconds.
_GOP_TOLERANCE = 1.05
_RATE_TOLERANCE = 1.0
# A section pays for 500 kbit/s a channel (document 4.2 1.b): twice the asked bitrate is the most.
_BITRATE_TOLERANCE = 2.0


class ProbeError(Exception):
    """The source gave no video; the text (Chinese) says why, `trouble` which kind of reason it is."""

    def __init__(self, defect: Defect) -> None:
        super().__init__(defect.reason)
        self.trouble = defect.trouble


@dataclass(frozen=True)
class SourceFormat:
    """`gop_seconds` is None when no second key frame came in time."""

    codec: str
    pixels: str
    width: int
    height: int
    framerate: float
    gop_seconds: float | None = None
    bitrate: float = 0.0  # kbit/s

    @property
    def pixels_a_second(self) -> float:
        return self.width * self.height * self.framerate

    def fits(self, video: VideoFormat, *, may_be_larger: bool = False) -> bool:
        """Whether the stream may be passed on as it is."""
        if not self.looks_fit(video, may_be_larger=may_be_larger) or self.gop_seconds is None:
            return False
        longest = video.iframe / video.framerate * _GOP_TOLERANCE
        # More pixels may cost more.
        growth = self.width * self.height / (video.width * video.height)
        return self.gop_seconds <= longest and self.bitrate <= video.bitrate * growth * _BITRATE_TOLERANCE

    def looks_fit(self, video: VideoFormat, *, may_be_larger: bool = False) -> bool:
        """As far as can be told without having watched it."""
        if self.codec != "h264" or not self.pixels.startswith(("yuv420p", "yuvj420p")):
            return False
        is_larger = self.width >= video.width and self.height >= video.height
        is_of_size = (self.width, self.height) == (video.width, video.height)
        if not (is_of_size or (may_be_larger and is_larger)):
            return False
        return abs(self.framerate - video.framerate) <= _RATE_TOLERANCE


def parse_stream_line(text: str) -> SourceFormat | None:
    """ffmpeg's description of the first video stream."""
    match = _STREAM.search(text)
    if match is None:
        return None
    rate = _RATE.search(text, match.end())
    return SourceFormat(
        codec=match["codec"],
        pixels=match["pixels"],
        width=int(match["width"]),
        height=int(match["height"]),
        framerate=float(rate["rate"]) if rate else 0.0,
    )


def measure_flv(data: bytes) -> tuple[float | None, float]:
    """Seconds between the first two key frames, and kbit/s over the whole of it."""
    at = _FLV_HEADER_BYTES
    keys: list[int] = []
    first = last = None
    size = 0
    while at + _TAG_HEADER_BYTES + 2 <= len(data):
        length = int.from_bytes(data[at + 1 : at + 4], "big")
        stamp = int.from_bytes(data[at + 4 : at + 7], "big") | data[at + 7] << 24
        body = at + _TAG_HEADER_BYTES
        if data[at] == _VIDEO_TAG and data[body + 1] == _PICTURE:
            first = stamp if first is None else first
            last = stamp
            size += length
            if data[body] >> 4 == 1:
                keys.append(stamp)
        at = body + length + 4
    seconds = (last - first) / 1000 if first is not None and last is not None else 0.0
    gop = (keys[1] - keys[0]) / 1000 if len(keys) > 1 else None
    return gop, size * 8 / 1000 / seconds if seconds > 0 else 0.0


async def probe(
    ffmpeg: str, input_arguments: Sequence[str], *, measure_seconds: float, limit_seconds: float
) -> SourceFormat:
    """Open the source and, when it is H.264, watch `measure_seconds` of it. Raises ProbeError.

    `limit_seconds` is what opening may take; a key frame to begin with may be as far away as one looks for.
    """
    base = [ffmpeg, "-hide_banner", "-nostdin", "-nostats", "-loglevel", "info", *input_arguments]
    copy = ["-map", "0:v:0", "-an", "-c:v", "copy", "-t", str(measure_seconds), "-f", "flv", "pipe:1"]
    data, said = await _run([*base, *copy], limit_seconds + measure_seconds)
    found = parse_stream_line(said)
    if found is None:
        raise ProbeError(explain(said) or Defect(Trouble.NO_VIDEO, "没有可识别的视频"))
    gop, bitrate = measure_flv(data)
    return SourceFormat(found.codec, found.pixels, found.width, found.height, found.framerate, gop, bitrate)


async def _run(arguments: Sequence[str], limit_seconds: float) -> tuple[bytes, str]:
    try:
        process = await spawn(arguments, asyncio.subprocess.DEVNULL)
    except OSError as error:
        raise ProbeError(Defect(Trouble.NO_VIDEO, f"ffmpeg 无法启动：{error.strerror}")) from error
    try:
        async with asyncio.timeout(limit_seconds):
            data, said = await process.communicate()
    except TimeoutError as error:
        raise ProbeError(Defect(Trouble.FROZEN, f"{limit_seconds:.0f} 秒内没有视频")) from error
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return data, said.decode(errors="replace")
