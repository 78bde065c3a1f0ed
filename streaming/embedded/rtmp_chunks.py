"""RTMP chunk stream: bytes to messages and back (RTMP 1.0 section 5.3)."""

from typing import NamedTuple

_EXTENDED = 0xFFFFFF
_MASK = 0xFFFFFFFF
_MAX_CHUNK_STREAMS = 64
_HEADER_SIZES = (11, 7, 3, 0)

SET_CHUNK_SIZE = 1
ABORT = 2
ACKNOWLEDGEMENT = 3
USER_CONTROL = 4
WINDOW_SIZE = 5
PEER_BANDWIDTH = 6
AUDIO = 8
VIDEO = 9
DATA_AMF3 = 15
COMMAND_AMF3 = 17
DATA = 18
COMMAND = 20
AGGREGATE = 22


class ChunkError(ValueError):
    """The peer does not speak RTMP, or exceeds a limit; the connection cannot go on."""


class Message(NamedTuple):
    kind: int
    timestamp: int
    payload: bytes
    stream_id: int = 0


class _ChunkStream:
    """What the headers of one chunk stream id inherit from the chunk before."""

    __slots__ = ("body", "delta", "extended", "kind", "length", "stream_id", "timestamp")

    def __init__(self) -> None:
        self.timestamp = self.delta = self.length = self.kind = self.stream_id = 0
        self.extended: int | None = None
        # None between messages; empty once a header was read and its payload is awaited.
        self.body: bytearray | None = None


class ChunkReader:
    def __init__(self, message_bytes: int) -> None:
        self.message_bytes = message_bytes
        self._chunk_size = 128
        self._streams: dict[int, _ChunkStream] = {}
        self._buffer = bytearray()
        self._at = 0
        self._held = 0
        self._current: _ChunkStream | None = None
        self._left = 0

    def feed(self, data: bytes) -> list[Message]:
        """Whole messages as they become complete. ChunkError: close the connection."""
        self._buffer += data
        messages: list[Message] = []
        while self._step(messages):
            pass
        del self._buffer[: self._at]
        self._at = 0
        return messages

    def _step(self, messages: list[Message]) -> bool:
        if self._current is None and not self._read_header():
            return False
        stream = self._current
        if stream is None or stream.body is None:
            return True
        count = min(self._left, len(self._buffer) - self._at)
        if count == 0 and self._left:
            return False
        piece = self._buffer[self._at : self._at + count]
        self._at += count
        self._left -= count
        if stream.body or count < stream.length:
            self._hold(count)
            stream.body += piece
            if self._left:
                return False
            if len(stream.body) < stream.length:
                self._current = None
                return True
            self._held -= stream.length
            piece = stream.body
        stream.body = self._current = None
        self._deliver(Message(stream.kind, stream.timestamp, bytes(piece), stream.stream_id), messages)
        return True

    def _hold(self, count: int) -> None:
        self._held += count
        # All half-received messages together, or 64 chunk streams would multiply the limit.
        if self._held > self.message_bytes:
            raise ChunkError("too much held in unfinished messages")

    def _deliver(self, message: Message, messages: list[Message]) -> None:
        if message.kind == SET_CHUNK_SIZE:
            size = int.from_bytes(message.payload[:4], "big")
            if len(message.payload) < 4 or not 0 < size <= 0x7FFFFFFF:
                raise ChunkError("chunk size 0 or out of range")
            self._chunk_size = min(size, self.message_bytes)
        elif message.kind == ABORT:
            aborted = self._streams.get(int.from_bytes(message.payload[:4], "big"))
            if aborted is not None and aborted.body is not None:
                self._held -= len(aborted.body)
                aborted.body = None
        else:
            messages.append(message)

    def _read_header(self) -> bool:
        basic = self._basic_header()
        if basic is None:
            return False
        form, number, at = basic
        stream = self._streams.get(number)
        if stream is None:
            if form > 1 or len(self._streams) >= _MAX_CHUNK_STREAMS:
                raise ChunkError("chunk stream begins without a header, or too many of them")
            stream = _ChunkStream()
        if form != 3 and stream.body is not None:
            raise ChunkError("a message begins before the one before has ended")
        end = at + _HEADER_SIZES[form]
        if len(self._buffer) < end:
            return False
        after = self._read_fields(stream, form, at, end)
        if after is None:
            return False
        self._streams[number] = stream
        self._at = after
        self._current = stream
        self._left = min(self._chunk_size, stream.length - len(stream.body or b""))
        return True

    def _basic_header(self) -> tuple[int, int, int] | None:
        buffer, at = self._buffer, self._at
        if at >= len(buffer):
            return None
        form, number = buffer[at] >> 6, buffer[at] & 63
        more = 1 if number == 0 else 2 if number == 1 else 0
        if len(buffer) < at + 1 + more:
            return None
        if more:
            number = 64 + int.from_bytes(buffer[at + 1 : at + 1 + more], "little")
        return form, number, at + 1 + more

    def _read_fields(self, stream: _ChunkStream, form: int, at: int, end: int) -> int | None:
        """Position after the header, None while bytes are missing (then nothing was changed)."""
        buffer = self._buffer
        if form == 3:
            return self._repeat_header(stream, end)
        stamp = int.from_bytes(buffer[at : at + 3], "big")
        extended = None
        if stamp == _EXTENDED:
            if len(buffer) < end + 4:
                return None
            stamp = extended = int.from_bytes(buffer[end : end + 4], "big")
            end += 4
        if form < 2:
            stream.length = int.from_bytes(buffer[at + 3 : at + 6], "big")
            if stream.length > self.message_bytes:
                raise ChunkError("message too large")
            stream.kind = buffer[at + 6]
        if form == 0:
            stream.stream_id = int.from_bytes(buffer[at + 7 : at + 11], "little")
            stream.timestamp = stamp
        else:
            stream.timestamp = (stream.timestamp + stamp) & _MASK
        stream.delta, stream.extended = stamp, extended
        stream.body = bytearray()
        return end

    def _repeat_header(self, stream: _ChunkStream, end: int) -> int | None:
        begins = stream.body is None
        if stream.extended is not None:
            if len(self._buffer) < end + 4:
                return None
            repeated = int.from_bytes(self._buffer[end : end + 4], "big")
            # Old encoders leave the extended timestamp out of continuing chunks.
            if begins or repeated == stream.extended:
                end += 4
        if begins:
            # RTMP 5.3.1.2.4: a new message by type 3 repeats the delta, after type 0 its timestamp.
            stream.timestamp = (stream.timestamp + stream.delta) & _MASK
            stream.body = bytearray()
        return end


def encode_message(message: Message, *, chunk_stream: int, chunk_size: int) -> bytes:
    """One message with a full header, cut into chunks. For small control messages: timestamp 0."""
    payload = message.payload
    header = bytes((chunk_stream, 0, 0, 0)) + len(payload).to_bytes(3, "big")
    header += bytes((message.kind,)) + message.stream_id.to_bytes(4, "little")
    parts = [header, payload[:chunk_size]]
    for start in range(chunk_size, len(payload), chunk_size):
        parts += [bytes((0xC0 | chunk_stream,)), payload[start : start + chunk_size]]
    return b"".join(parts)
