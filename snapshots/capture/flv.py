"""FLV tags, and the first H.264 key frame in them (Adobe FLV 10.1, annex E; codec 12 and FourCC are later)."""

from dataclasses import dataclass
from typing import NamedTuple

from snapshots.capture.errors import CaptureError
from snapshots.choices import SnapshotResult

_HEADER_BYTES = 9
_TAG_BYTES = 11
_SIZE_BYTES = 4
_VIDEO = 9
_H264 = 7
_SEQUENCE_HEADER, _PICTURE = 0, 1
_KEY_FRAME = 1
_WITH_FOURCC = 0x80
_AVC_BYTES = 5


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """`config` is the AVCDecoderConfigurationRecord, `data` one access unit of length-prefixed NAL units."""

    config: bytes
    data: bytes


class Tag(NamedTuple):
    """`at` is the stream's own clock in milliseconds, 32 bits of it."""

    at: int
    data: bytes


class VideoTags:
    """Takes the stream in any pieces and gives its video. Raises CaptureError at what is no FLV."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._has_header = False

    def feed(self, piece: bytes) -> list[Tag]:
        self._waiting += piece
        if not self._has_header and not self._read_header():
            return []
        position = 0
        found: list[Tag] = []
        while (tag := self._tag_at(position)) is not None:
            kind, at, data, position = tag
            if kind == _VIDEO:
                found.append(Tag(at, data))
        del self._waiting[:position]
        return found

    def _read_header(self) -> bool:
        if not b"FLV".startswith(self._waiting[:3]):
            # Such as a page of a proxy, told as 200.
            raise CaptureError(SnapshotResult.UNDECODABLE, "not an FLV stream")
        if len(self._waiting) < _HEADER_BYTES:
            return False
        end = int.from_bytes(self._waiting[5:9], "big") + _SIZE_BYTES
        if len(self._waiting) < end:
            return False
        del self._waiting[:end]
        self._has_header = True
        return True

    def _tag_at(self, position: int) -> tuple[int, int, bytes, int] | None:
        begin = position + _TAG_BYTES
        if len(self._waiting) < begin:
            return None
        end = begin + int.from_bytes(self._waiting[position + 1 : position + 4], "big")
        if len(self._waiting) < end + _SIZE_BYTES:
            return None
        # The upper eight bits of the time come behind the lower ones.
        low, high = self._waiting[position + 4 : position + 7], self._waiting[position + 7]
        at = high << 24 | int.from_bytes(low, "big")
        return self._waiting[position] & 0x1F, at, bytes(self._waiting[begin:end]), end + _SIZE_BYTES


class FlvReader:
    """The first key frame of a stream in any pieces. Raises CaptureError at what can never become a picture."""

    def __init__(self) -> None:
        self._tags = VideoTags()
        self._config: bytes | None = None

    def feed(self, piece: bytes) -> KeyFrame | None:
        for tag in self._tags.feed(piece):
            if (found := self._video(tag.data)) is not None:
                return found
        return None

    def _video(self, data: bytes) -> KeyFrame | None:
        if not data:
            return None
        if data[0] & _WITH_FOURCC:
            raise CaptureError(SnapshotResult.NOT_H264, f"video of codec {data[1:5]!r}")
        if data[0] & 0x0F != _H264:
            raise CaptureError(SnapshotResult.NOT_H264, f"video of codec {data[0] & 0x0F}")
        if len(data) <= _AVC_BYTES:
            return None
        if data[1] == _SEQUENCE_HEADER:
            # Encoders send new parameters when they change; the last ones before the picture count.
            self._config = data[_AVC_BYTES:]
        elif data[1] == _PICTURE and data[0] >> 4 == _KEY_FRAME and self._config:
            return KeyFrame(self._config, data[_AVC_BYTES:])
        return None
