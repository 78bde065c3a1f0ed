"""RTMP publishers: handshake, commands, media. Playing over RTMP is refused, viewers come by HTTP."""

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from streaming.embedded import amf, rtmp_chunks, tickets
from streaming.embedded.amf import AmfValue
from streaming.embedded.config import MediaConfig
from streaming.embedded.hub import Client, Hub, Tell
from streaming.embedded.ingest import Ingest, RefusedCodecError
from streaming.embedded.rtmp_chunks import ChunkError, ChunkReader, Message

logger = logging.getLogger(__name__)

NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
# Routes of the HTTP side; a stream of that name could not be played.
RESERVED_APPS = frozenset({"api", "s", "healthz"})

_HANDSHAKE = 1536
_WINDOW = 2_500_000
# ffmpeg takes over the size it is told: then a picture is one chunk.
_CHUNK_SIZE = 60_000
_WRITE_BYTES = 64 * 1024
_FAREWELL_SECONDS = 1.0


@dataclass
class RtmpServer:
    """What all publisher connections share."""

    config: MediaConfig
    hub: Hub
    tell: Tell
    new_id: Callable[[], str]
    sessions: "set[PublisherSession]" = field(default_factory=set)
    pending: dict[str, int] = field(default_factory=dict)
    resting: "list[PublisherSession]" = field(default_factory=list)

    def wake(self) -> None:
        """Called ten times a second: read on from the channels that nobody watches."""
        resting, self.resting = self.resting, []
        for session in resting:
            session.wake()

    def sweep(self, now: float) -> None:
        for session in list(self.sessions):
            session.check_time(now)

    def close(self) -> None:
        for session in list(self.sessions):
            session.kick("shutdown")


class PublisherSession(asyncio.Protocol):
    def __init__(self, server: RtmpServer) -> None:
        self.client = Client(server.new_id(), "", "", "rtmp")
        self._server = server
        self._limits = server.config.limits
        self._transport: asyncio.Transport | None = None
        self._address = ""
        self._handshake: bytearray | None = bytearray()
        self._is_greeted = False
        self._reader = ChunkReader(self._limits.setup_bytes)
        self._app = ""
        self._app_query = ""
        self._ingest: Ingest | None = None
        self._is_closed = False
        self._deadline = 0.0
        self._has_media = False
        self._received = self._acknowledged = 0
        self._window = _WINDOW

    # Connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self._address = peer[0] if isinstance(peer, tuple) else ""
        server = self._server
        pending = server.pending.get(self._address, 0)
        server.pending[self._address] = pending + 1
        server.sessions.add(self)
        self._deadline = asyncio.get_running_loop().time() + self._limits.setup_seconds
        too_many = len(server.sessions) > self._limits.rtmp_connections
        if too_many or pending >= self._limits.rtmp_pending_per_address:
            self._refuse("too many connections")

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_closed = True
        self._server.sessions.discard(self)
        if self._ingest is None:
            self._settle()
        else:
            self._ingest.close()
        self._transport = None

    def _settle(self) -> None:
        """No longer one of the connections that have not yet shown a signature."""
        pending = self._server.pending
        pending[self._address] = pending.get(self._address, 1) - 1
        if pending[self._address] <= 0:
            del pending[self._address]

    def kick(self, reason: str) -> None:
        self._refuse(reason, level=logging.INFO)

    def _refuse(self, reason: str, *, level: int = logging.WARNING) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        logger.log(level, "publisher %s from %s closed: %s", self.client.client_id, self._address, reason)
        self._deadline = asyncio.get_running_loop().time() + _FAREWELL_SECONDS
        if self._transport is not None:
            self._transport.close()

    def check_time(self, now: float) -> None:
        """Called about once a second: too slow in showing a signature, or silent since."""
        if self._has_media:
            self._has_media = False
            self._deadline = now + self._limits.media_idle_seconds
        if now <= self._deadline:
            return
        if self._transport is not None and self._is_closed:
            # It was told to go and does not read why.
            self._transport.abort()
        if self._ingest is None:
            self._refuse("no publish in time", level=logging.DEBUG)
        else:
            self._refuse("silent")

    def data_received(self, data: bytes) -> None:
        if self._is_closed:
            return
        try:
            self._receive(data)
        except (ChunkError, amf.AmfError) as error:
            # Port scanners must not fill the log.
            self._refuse(str(error), level=logging.DEBUG if self._ingest is None else logging.WARNING)
        except RefusedCodecError as error:
            self._refuse_codec(error.codec)

    def _receive(self, data: bytes) -> None:
        self._received += len(data)
        if self._ingest is None or self._received - self._acknowledged >= self._window:
            self._count()
        if self._handshake is not None:
            self._handshake += data
            if not self._shake_hands(self._handshake):
                return
            data = bytes(self._handshake[1 + 2 * _HANDSHAKE :])
            self._handshake = None
        for message in self._reader.feed(data):
            self._take(message)
            if self._is_closed:
                return
        if self._ingest is not None and self._has_media:
            self._ingest.flush()
            self._rest(self._ingest)

    def _rest(self, ingest: Ingest) -> None:
        """A channel nobody watches is read in larger pieces: waking for each one is most of its cost."""
        stream = ingest.stream
        # The kernel holds a tenth of a second of any stream, and its window holds the publisher back beyond that.
        if stream is not None and stream.is_live and not stream.listeners and self._transport is not None:
            self._transport.pause_reading()
            self._server.resting.append(self)

    def wake(self) -> None:
        if self._transport is not None and not self._is_closed:
            self._transport.resume_reading()

    def _count(self) -> None:
        if self._ingest is None and self._received > self._limits.setup_bytes:
            raise ChunkError("too many bytes before publish")
        if self._received - self._acknowledged >= self._window:
            self._acknowledged = self._received
            self._send(rtmp_chunks.ACKNOWLEDGEMENT, (self._received & 0xFFFFFFFF).to_bytes(4, "big"))

    def _shake_hands(self, seen: bytearray) -> bool:
        if seen[0] != 3:
            raise ChunkError("not RTMP")
        if not self._is_greeted and len(seen) > _HANDSHAKE:
            self._is_greeted = True
            stamp = (int(time.monotonic() * 1000) & 0xFFFFFFFF).to_bytes(4, "big")
            # The plain handshake: the digest of Flash's own players is asked for by no encoder.
            own = stamp + bytes(4) + secrets.token_bytes(_HANDSHAKE - 8)
            self._write(b"\x03" + own + bytes(seen[1 : 1 + _HANDSHAKE]))
        return len(seen) >= 1 + 2 * _HANDSHAKE

    def _write(self, data: bytes) -> None:
        transport = self._transport
        if transport is None:
            return
        # Pings whose answers are never read must not fill the memory.
        if transport.get_write_buffer_size() > _WRITE_BYTES:
            raise ChunkError("answers are not read")
        transport.write(data)

    def _send(self, kind: int, payload: bytes, *, stream_id: int = 0) -> None:
        chunk_stream = 3 if kind == rtmp_chunks.COMMAND else 2
        message = Message(kind, 0, payload, stream_id)
        self._write(rtmp_chunks.encode_message(message, chunk_stream=chunk_stream, chunk_size=_CHUNK_SIZE))

    def _reply(self, *values: AmfValue, stream_id: int = 0) -> None:
        self._send(rtmp_chunks.COMMAND, amf.encode(*values), stream_id=stream_id)

    # Messages

    def _take(self, message: Message) -> None:
        kind = message.kind
        if kind in (rtmp_chunks.VIDEO, rtmp_chunks.AUDIO):
            self._media(kind, message.timestamp, message.payload)
        elif kind == rtmp_chunks.COMMAND:
            self._command(amf.decode(message.payload))
        elif kind == rtmp_chunks.COMMAND_AMF3:
            # Such a command is AMF0 behind one byte for as long as nobody switches inside it.
            self._command(amf.decode(message.payload[1:]))
        elif kind in (rtmp_chunks.DATA, rtmp_chunks.DATA_AMF3) and self._ingest is not None:
            self._ingest.metadata(message.payload[1:] if kind == rtmp_chunks.DATA_AMF3 else message.payload)
        elif kind == rtmp_chunks.AGGREGATE:
            self._aggregate(message)
        elif kind == rtmp_chunks.WINDOW_SIZE:
            self._window = max(int.from_bytes(message.payload[:4], "big"), 64 * 1024)
        elif kind == rtmp_chunks.USER_CONTROL and message.payload[:2] == b"\x00\x06":
            self._send(rtmp_chunks.USER_CONTROL, b"\x00\x07" + message.payload[2:6])

    def _media(self, kind: int, stamp: int, payload: bytes) -> None:
        if self._ingest is None:
            return
        self._has_media = True
        if kind == rtmp_chunks.VIDEO:
            self._ingest.video(stamp, payload)
        else:
            self._ingest.audio(stamp, payload)

    def _aggregate(self, message: Message) -> None:
        """FLV tags in one message, their times relative to the first (RTMP 7.1.6)."""
        data, at, first = message.payload, 0, None
        while at + 11 <= len(data):
            size = int.from_bytes(data[at + 1 : at + 4], "big")
            stamp = int.from_bytes(data[at + 4 : at + 7], "big") | data[at + 7] << 24
            first = stamp if first is None else first
            if data[at] in (rtmp_chunks.VIDEO, rtmp_chunks.AUDIO):
                when = (message.timestamp + stamp - first) & 0xFFFFFFFF
                self._media(data[at], when, data[at + 11 : at + 11 + size])
            at += 15 + size

    def _command(self, values: list[AmfValue]) -> None:
        if len(values) < 2 or not isinstance(values[0], str):
            raise ChunkError("command not readable")
        name = values[0]
        # It goes back with the answer; text in its place may be longer than an answer can carry.
        number = values[1] if isinstance(values[1], float) else 0.0
        text = next((value for value in values[2:] if isinstance(value, str)), "")
        if name == "connect":
            self._connect(number, values)
        elif name == "createStream":
            self._reply("_result", number, None, 1.0)
        elif name in ("releaseStream", "FCPublish"):
            self._reply("_result", number, None, None)
        elif name == "publish":
            self._publish(text)
        elif name == "play":
            self._status("error", "NetStream.Play.Failed", "publish only")
            self._refuse("tried to play")
        # Whatever else a client calls is left unanswered, which all of them were seen to bear.
        elif name in ("FCUnpublish", "deleteStream", "closeStream") and self._ingest is not None:
            self.kick("unpublished")

    def _connect(self, number: float, values: list[AmfValue]) -> None:
        facts = next((value for value in values if isinstance(value, dict)), {})
        app = facts.get("app")
        # Some encoders put the query behind the app instead of the stream name.
        self._app, _, self._app_query = (app if isinstance(app, str) else "").partition("?")
        self._app = self._app.strip("/")
        self._send(rtmp_chunks.WINDOW_SIZE, _WINDOW.to_bytes(4, "big"))
        self._send(rtmp_chunks.PEER_BANDWIDTH, _WINDOW.to_bytes(4, "big") + b"\x02")
        self._send(rtmp_chunks.SET_CHUNK_SIZE, _CHUNK_SIZE.to_bytes(4, "big"))
        server: dict[str, AmfValue] = {"fmsVer": "FMS/3,0,1,123", "capabilities": 31.0}
        status: dict[str, AmfValue] = {
            "level": "status",
            "code": "NetConnection.Connect.Success",
            "description": "Connection succeeded.",
            "objectEncoding": 0.0,
        }
        self._reply("_result", number, server, status)

    def _status(self, level: str, code: str, text: str) -> None:
        facts: dict[str, AmfValue] = {"level": level, "code": code, "description": text}
        self._reply("onStatus", 0.0, None, facts, stream_id=1)

    def _publish(self, text: str) -> None:
        if self._ingest is not None:
            return
        name, _, query = text.partition("?")
        query = "&".join(part for part in (query, self._app_query) if part)
        self.client = Client(self.client.client_id, self._address, query, "rtmp")
        reason = tickets.check_publish(self._server.config, self._app, name, query)
        if not (NAME.fullmatch(self._app) and NAME.fullmatch(name)) or self._app in RESERVED_APPS:
            reason = "name not allowed"
        if reason:
            self._status("error", "NetStream.Publish.Denied", reason)
            self._refuse(f"publish denied, {reason}")
            return
        self._settle()
        # A stranger was held to the few bytes that commands need.
        self._reader.message_bytes = self._limits.message_bytes
        self._ingest = Ingest(self._server.hub, (self._app, name), self)
        self._deadline = asyncio.get_running_loop().time() + self._limits.media_idle_seconds
        self._send(rtmp_chunks.USER_CONTROL, b"\x00\x00\x00\x00\x00\x01")
        self._status("status", "NetStream.Publish.Start", "publishing")

    def _refuse_codec(self, codec: str) -> None:
        ingest = self._ingest
        if ingest is None:
            return
        key = ingest.key
        logger.warning("%s/%s: %s is refused, only H.264 is served", *key, codec)
        self._server.tell("refused_codec", key, self.client, {"codec": codec})
        self._status("error", "NetStream.Publish.BadName", f"codec {codec} is not H.264")
        self._refuse(f"codec {codec}")
