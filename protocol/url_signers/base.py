"""What every kind of signature has in common."""

import abc
from pathlib import PurePosixPath
from typing import ClassVar


class UrlSigner(abc.ABC):
    """Signs one path below a play domain.

    `ends_at` is when the address has to die (unix seconds), `validity_seconds` what the domain itself adds to the
    time that stands in the address: its setting there and here must be the same.
    """

    # By how much an address may outlive `ends_at`, because the time that stands in it is a coarse one.
    slack_seconds: ClassVar[int] = 0

    @abc.abstractmethod
    def sign(
        self, path: str, key: str, *, ends_at: int, validity_seconds: int = 0, rand: str = "0", uid: str = "0"
    ) -> str:
        """Path and query, to be put behind the domain; ValueError for an empty key.

        `rand` and `uid` are part of the address only where the kind has a place for them.
        """


def stream_of(path: str) -> str:
    """`/live/cam_0.flv` -> `cam_0`: what live platforms sign is the name of the stream."""
    return PurePosixPath(path).name.partition(".")[0]


def hex_time(seconds: int) -> str:
    """Lower-case hex digits; ValueError for a time before 1970."""
    if seconds <= 0:
        raise ValueError("the time of a signature lies before 1970: is the validity right?")
    return f"{seconds:x}"


def require(key: str) -> str:
    """An unset key must not become one that everybody knows."""
    if not key:
        raise ValueError("empty key")
    return key
