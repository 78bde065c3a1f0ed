"""What every media server can do for us."""

import abc
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from streaming.models import MediaServer

APP = "live"


@dataclass(frozen=True)
class LiveStream:
    """One stream that is being published; bitrate in kbit/s, 0 or "" when the server does not tell."""

    stream: str
    codec: str = ""
    width: int = 0
    height: int = 0
    bitrate_kbps: int = 0
    viewers: int = 0


class PlayPaths(NamedTuple):
    """Paths below the server's play address; each is signed on its own."""

    flv: str
    hls: str


class MediaAdapter(abc.ABC):
    """One media server. Calls raise `RemoteError` when it does not answer."""

    def __init__(self, server: MediaServer) -> None:
        self.server = server

    def publish_target(self) -> tuple[str, int]:
        """Host and port gateways push to."""
        parts = urlsplit(self.server.rtmp_url)
        return parts.hostname or "", parts.port or 1935

    def publish_path(self, stream: str) -> str:
        return f"/{APP}/{stream}"

    @abc.abstractmethod
    def play_paths(self, stream: str) -> PlayPaths: ...

    @abc.abstractmethod
    def list_streams(self) -> list[LiveStream]: ...

    @abc.abstractmethod
    def kick(self, stream: str) -> int:
        """End the publisher of a stream; how many were ended."""
