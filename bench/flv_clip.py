"""The video of an FLV file: its decoder configuration and its frames."""

from typing import Final, NamedTuple

HEADER_BYTES: Final = 13
_TAG_AROUND_BYTES: Final = 15
_VIDEO: Final = 9


class Frame(NamedTuple):
    """`tag` as it stands in the file, `body` without header and trailer."""

    tag: bytes
    is_key: bool

    @property
    def body(self) -> bytes:
        return self.tag[11:-4]


def read_clip(flv: bytes) -> tuple[Frame, list[Frame]]:
    """The decoder configuration, and the frames behind it."""
    config, frames, position = Frame(b"", is_key=False), [], HEADER_BYTES
    while position + _TAG_AROUND_BYTES <= len(flv):
        size = int.from_bytes(flv[position + 1 : position + 4], "big")
        tag = flv[position : position + _TAG_AROUND_BYTES + size]
        position += len(tag)
        if tag[0] != _VIDEO:
            continue
        if tag[12] == 0:
            config = Frame(tag, is_key=False)
        elif tag[12] == 1:
            frames.append(Frame(tag, tag[11] >> 4 == 1))
    return config, frames
