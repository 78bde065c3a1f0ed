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
        # As it stood on the wire, to recognise it in continuing chunks.
        self.extended: bytes | None = None
        # None between messages; empty once a header was read and its payload is awaited.
        self.body: bytearray | None = None


class ChunkReader:
    """Called for every read of every publisher: few calls and few copies, before beauty."""

    def __init__(self, message_bytes: int) -> None:
        self.message_bytes = message_bytes
        self._chunk_size = 128
        self._streams: dict[int, _ChunkStream] = {}
        # The beginning of a header; payloads are taken as they come.
        self._rest = b""
        self._held = 0
        self._current: _ChunkStream | None = None
        self._left = 0

    def feed(self, data: bytes) -> list[Message]:
        """Whole messages as they become complete. ChunkError: close the connection."""
        buffer = self._rest + data if self._rest else data
        messages: list[Message] = []
        at, size = 0, len(buffer)
        while True:
            stream = self._current
            if stream is None:
                after = self._read_header(buffer, at)
                if after is None:
                    break
                at = after
                stream = self._current
            if stream is not None:
                at = self._read_payload(stream, buffer, at, messages)
            if self._current is not None:
                break
        self._rest = buffer[at:] if at < size else b""
        return messages

    def _read_payload(self, stream: _ChunkStream, buffer: bytes, at: int, messages: list[Message]) -> int:
        piece = buffer[at : at + self._left]
        count = len(piece)
        self._left -= count
        if stream.body or count < stream.length:
            stream.body = body = stream.body or bytearray()
            body += piece
            self._held += count
            # All half-received messages together, or 64 chunk streams would multiply the limit.
            if self._held > self.message_bytes:
                raise ChunkError("too much held in unfinished messages")
            if self._left:
                return at + count
            if len(body) < stream.length:
                self._current = None
                return at + count
            self._held -= stream.length
            piece = bytes(body)
        stream.body = self._current = None
        message = Message(stream.kind, stream.timestamp, piece, stream.stream_id)
        if stream.kind <= ABORT:
            self._obey(message)
        else:
            messages.append(message)
        return at + count

    def _obey(self, message: Message) -> None:
        number = int.from_bytes(message.payload[:4], "big")
        if message.kind == SET_CHUNK_SIZE:
            if len(message.payload) < 4 or not 0 < number <= 0x7FFFFFFF:
                raise ChunkError("chunk size 0 or out of range")
            # No upper bound: payloads are taken as they come, and a smaller size of ours would lose the framing.
            self._chunk_size = number
        elif message.kind == ABORT:
            aborted = self._streams.get(number)
            if aborted is not None and aborted.body is not None:
                self._held -= len(aborted.body)
                aborted.body = None

    def _read_header(self, buffer: bytes, at: int) -> int | None:
        """Position after the header, None while bytes are missing (then nothing was changed)."""
        size = len(buffer)
        if at >= size:
            return None
        form, number = buffer[at] >> 6, buffer[at] & 63
        at += 1
        if number < 2:
            end = at + number + 1
            if size < end:
                return None
            number, at = 64 + int.from_bytes(buffer[at:end], "little"), end
        stream = self._streams.get(number)
        if stream is None:
            if form > 1 or len(self._streams) >= _MAX_CHUNK_STREAMS:
                raise ChunkError("chunk stream begins without a header, or too many of them")
            stream = _ChunkStream()
        if form == 3:
            after = self._repeat_header(stream, buffer, at)
        elif stream.body is not None:
            raise ChunkError("a message begins before the one before has ended")
        else:
            after = self._read_fields(stream, form, buffer, at)
        if after is None:
            return None
        self._streams[number] = stream
        self._current = stream
        self._left = min(self._chunk_size, stream.length - len(stream.body or b""))
        return after

    def _read_fields(self, stream: _ChunkStream, form: int, buffer: bytes, at: int) -> int | None:
        end = at + _HEADER_SIZES[form]
        if len(buffer) < end:
            return None
        # Left to right: 3 bytes time, 3 length, 1 type, 4 stream id.
        fields = int.from_bytes(buffer[at:end], "big")
        stamp = fields >> (_HEADER_SIZES[form] - 3) * 8
        extended = None
        if stamp == _EXTENDED:
            extended = buffer[end : end + 4]
            if len(extended) < 4:
                return None
            stamp = int.from_bytes(extended, "big")
            end += 4
        if form == 0:
            stream.stream_id = int.from_bytes(buffer[at + 7 : at + 11], "little")
            stream.timestamp = stamp
            fields >>= 32
        else:
            stream.timestamp = (stream.timestamp + stamp) & _MASK
        if form < 2:
            stream.kind, stream.length = fields & 0xFF, fields >> 8 & 0xFFFFFF
            if stream.length > self.message_bytes:
                raise ChunkError("message too large")
        stream.delta, stream.extended = stamp, extended
        stream.body = bytearray()
        return end

    def _repeat_header(self, stream: _ChunkStream, buffer: bytes, at: int) -> int | None:
        begins = stream.body is None
        if stream.extended is not None:
            repeated = buffer[at : at + 4]
            if len(repeated) < 4:
                return None
            # Old encoders leave the extended timestamp out of continuing chunks.
            if begins or repeated == stream.extended:
                at += 4
        if begins:
            # RTMP 5.3.1.2.4: a new message by type 3 repeats the delta, after type 0 its timestamp.
            stream.timestamp = (stream.timestamp + stream.delta) & _MASK
            stream.body = bytearray()
        return at


def encode_message(message: Message, *, chunk_stream: int, chunk_size: int) -> bytes:
    """One message with a full header, cut into chunks. For small control messages: timestamp 0."""
    payload = message.payload
    header = bytes((chunk_stream, 0, 0, 0)) + len(payload).to_bytes(3, "big")
    header += bytes((message.kind,)) + message.stream_id.to_bytes(4, "little")
    parts = [header, payload[:chunk_size]]
    for start in range(chunk_size, len(payload), chunk_size):
        parts += [bytes((0xC0 | chunk_stream,)), payload[start : start + chunk_size]]
    return b"".join(parts)
