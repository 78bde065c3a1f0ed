"""What every media server can do for us."""

import abc
import hmac
from dataclasses import dataclass
from typing import ClassVar, NamedTuple
from urllib.parse import urlsplit

from streaming.media.events import Event, HookCall, HookReply, Verdict, ViewerCame
from streaming.models import MediaServer

APP = "live"


@dataclass(frozen=True)
class LiveStream:
    """One stream that is being published; 0 or "" when the server does not tell.

    Bitrate in kbit/s, time from key frame to key frame in ms.
    """

    stream: str
    codec: str = ""
    width: int = 0
    height: int = 0
    bitrate_kbps: int = 0
    gop_ms: int = 0
    viewers: int = 0


class PlayPaths(NamedTuple):
    """Paths below the server's play address; each is signed on its own."""

    flv: str
    hls: str


class MediaAdapter(abc.ABC):
    """One media server. Calls raise `RemoteError` when it does not answer."""

    # Whether the FLV path may be opened as a WebSocket as well.
    has_websocket: ClassVar[bool] = True

    # Whether it tells by name who watches, and for whom each address was made.
    lists_viewers: ClassVar[bool] = False

    def __init__(self, server: MediaServer) -> None:
        self.server = server

    def publish_target(self) -> tuple[str, int]:
        """Host and port gateways push to."""
        parts = urlsplit(self.server.rtmp_url)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "rtmps" else 1935)

    def publish_path(self, stream: str) -> str:
        return f"/{APP}/{stream}"

    @abc.abstractmethod
    def play_paths(self, stream: str) -> PlayPaths: ...

    def internal_url(self, path: str) -> str:
        """Where the platform itself reads a stream, past whatever stands before the play address."""
        return (self.server.api_url or self.server.http_url).rstrip("/") + path

    def hls_file(self, stream: str, name: str) -> str | None:
        """Path at the server of one file of an HLS session; None for what belongs to no such session."""
        return None

    def is_genuine(self, call: HookCall) -> bool:
        """Whether a callback comes from this server; a server without a secret is never believed."""
        given = self._secret_in(call).encode("utf-8", "replace")
        return bool(self.server.secret) and hmac.compare_digest(given, self.server.secret.encode())

    def _secret_in(self, call: HookCall) -> str:
        # Neither ZLMediaKit nor SRS can send a header of ours.
        return call.query.get("secret", "")

    @abc.abstractmethod
    def parse_hook(self, call: HookCall) -> Event | None:
        """The event of a genuine callback, None for what does not concern us; `HookError`."""

    @abc.abstractmethod
    def hook_reply(self, event: Event | None, verdict: Verdict) -> HookReply: ...

    @abc.abstractmethod
    def list_streams(self, only: str = "") -> list[LiveStream]:
        """All streams, or the one of that name."""

    def list_viewers(self) -> list[ViewerCame]:
        """All that have come and are still there, where the server `lists_viewers`."""
        return []

    @abc.abstractmethod
    def kick(self, stream: str) -> int:
        """End the publisher of a stream; how many were ended."""

    @abc.abstractmethod
    def end_viewer(self, client: str) -> bool:
        """End one viewer by the name its coming was told with; False when the server knows of none such."""
