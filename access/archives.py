"""ZIPs that are written while they are sent."""

import re
from typing import Final

# What some system does not take in the name of a file.
_NOT_IN_NAMES: Final = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]+')
# File systems count bytes, 255 of them; three for a Chinese character.
_LONGEST_NAME: Final = 60


def file_name(text: str, *, fallback: str) -> str:
    """As any system takes it for the name of a file."""
    return _NOT_IN_NAMES.sub("_", text)[:_LONGEST_NAME].strip(" .") or fallback


class Outlet:
    """A file without a way back, as `zipfile` writes to: what was written goes out at once."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes, /) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
