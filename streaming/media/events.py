"""What media servers ask and tell, in our words, and what we answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field


class HookError(Exception):
    """A callback that is none of this kind of server; the message says what it should be."""


@dataclass(frozen=True)
class HookCall:
    """One callback as it came. `hook` is the last part of its path, empty where a server has one for all."""

    hook: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class PublishAsked:
    """May this publisher go on? `begins`: no further event will tell that the stream is there."""

    stream: str
    path: str
    query: str
    begins: bool = False


@dataclass(frozen=True)
class PlayAsked:
    """May this viewer go on? `path` is the one our play address signs, whatever spelling was opened.

    `client` is the server's name of the connection, told again when it ends.
    `must_exist`: the server lets a viewer of an absent stream wait for ever, and never tells.
    """

    stream: str
    path: str
    query: str
    address: str = ""
    protocol: str = "flv"
    must_exist: bool = False
    client: str = ""


@dataclass(frozen=True)
class HlsAsked:
    """May this playlist or segment be had? The query carries the session (`streaming.services.hls`)."""

    stream: str
    query: str


@dataclass(frozen=True)
class StreamAppeared:
    """Something is being published; `codec` where the server knows it by then."""

    stream: str
    codec: str = ""


@dataclass(frozen=True)
class StreamVanished:
    stream: str


@dataclass(frozen=True)
class CodecRefused:
    """The server itself sent a publisher away that does not send H.264."""

    stream: str
    codec: str


@dataclass(frozen=True)
class ViewerCame:
    """`uid` is whom the play address was made for."""

    stream: str
    uid: str
    address: str = ""
    protocol: str = ""
    client: str = ""


@dataclass(frozen=True)
class ViewerLeft:
    """One viewer is gone; without a `client`, all of them."""

    stream: str
    client: str = ""


@dataclass(frozen=True)
class StreamMissing:
    """A viewer who may watch found nothing: shall it wait?"""

    stream: str


Event = (
    PublishAsked
    | PlayAsked
    | HlsAsked
    | StreamAppeared
    | StreamVanished
    | CodecRefused
    | ViewerCame
    | ViewerLeft
    | StreamMissing
)


@dataclass(frozen=True)
class Verdict:
    """What we say to an event; `reason` is for the log of the server and for people."""

    is_allowed: bool = True
    reason: str = ""
    is_coming: bool = False


@dataclass(frozen=True)
class HookReply:
    """An answer as that kind of server reads it."""

    body: dict[str, object] = field(default_factory=dict)
    status: int = 200
