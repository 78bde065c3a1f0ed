"""Real H.264 in FLV, made on the spot by the ffmpeg of the platform, and the real clips where they lie beside us."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

REAL_CLIPS = Path(__file__).resolve().parents[3] / "shared" / "media"

_VIDEO, _SEQUENCE_HEADER, _KEY_FRAME = 9, 0, 1


def make_clip(target: Path, source: str, *encoding: str, seconds: float = 2) -> Path:
    """`source` is an input of ffmpeg's lavfi, `encoding` goes before the output."""
    _ffmpeg("-f", "lavfi", "-i", source, "-t", str(seconds), "-an", *encoding, "-f", "flv", str(target))
    return target


def remux(clip: Path, target: Path) -> Path:
    """A real clip as FLV, its H.264 untouched."""
    _ffmpeg("-i", str(clip), "-c", "copy", "-an", "-f", "flv", str(target))
    return target


def first_picture(clip: Path, *, width: int, height: int) -> bytes:
    """RGB of the first frame as ffmpeg sees it."""
    return _ffmpeg(
        "-i",
        str(clip),
        "-frames:v",
        "1",
        "-s",
        f"{width}x{height}",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-",
    )


def _ffmpeg(*arguments: str) -> bytes:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-threads", "1", *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout


@dataclass(frozen=True)
class Tag:
    """One FLV tag with its header and the size behind it."""

    raw: bytes

    @property
    def data(self) -> bytes:
        return self.raw[11:-4]

    @property
    def is_video(self) -> bool:
        return self.raw[0] == _VIDEO

    @property
    def is_config(self) -> bool:
        return self.is_video and self.data[1] == _SEQUENCE_HEADER

    @property
    def is_key_frame(self) -> bool:
        return self.is_video and not self.is_config and self.data[0] >> 4 == _KEY_FRAME


HEADER = b"FLV\x01\x01\x00\x00\x00\x09\x00\x00\x00\x00"


def tags_of(flv: bytes) -> list[Tag]:
    tags, position = [], len(HEADER)
    while position + 15 <= len(flv):
        end = position + 15 + int.from_bytes(flv[position + 1 : position + 4], "big")
        tags.append(Tag(flv[position:end]))
        position = end
    return tags


def make_tag(data: bytes, kind: int = _VIDEO) -> bytes:
    head = bytes([kind]) + len(data).to_bytes(3, "big") + bytes(7)
    return head + data + (len(head) + len(data)).to_bytes(4, "big")
