"""Many RTMP publishers out of one clip, in one process, so that the machine is left to the server they push to.

    python bench/rtmp_farm.py CLIP RTMP_PORT CHANNELS [PUBLISH_KEY]

Publishes live/0, live/1 and so on in real time, each at another place of the repeating clip, prints "live" when
all of them are taken, and sends until it is killed or one of them is closed.
"""

import socket
import struct
import sys
import time
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.flv_clip import Frame, read_clip
from protocol.play_urls import sign_path
from streaming.embedded import amf, rtmp_chunks
from streaming.embedded.rtmp_chunks import Message, encode_message

FRAME_SECONDS: Final = 0.04
_HANDSHAKE: Final = 1536
# A whole picture in one chunk, as ffmpeg sends it to a server that offers such chunks.
_CHUNK: Final = 60_000
# Channels do not send in the same instant; so many instants are spread over the time of one frame.
_INSTANTS: Final = 20
_STRIDE: Final = 7
_UNSENT_BYTES: Final = 4 * 1024 * 1024


class Channel:
    """One publisher's connection, already publishing."""

    def __init__(self, port: int, number: int, key: str) -> None:
        self.number = number
        self.offset = number * _STRIDE
        self._unsent = b""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._shake_hands()
        self._publish(key)
        self._socket.setblocking(False)

    def _shake_hands(self) -> None:
        self._socket.sendall(b"\x03" + bytes(_HANDSHAKE))
        answer = b""
        while len(answer) < 1 + 2 * _HANDSHAKE:
            answer += self._socket.recv(65536)
        self._socket.sendall(answer[1 : 1 + _HANDSHAKE])

    def _publish(self, key: str) -> None:
        path = f"/live/{self.number}"
        query = f"?auth_key={sign_path(path, key, timestamp=int(time.time()) + 3600)}" if key else ""
        facts: dict[str, amf.AmfValue] = {"app": "live", "tcUrl": "rtmp://127.0.0.1/live"}
        self._send_message(rtmp_chunks.SET_CHUNK_SIZE, struct.pack(">I", _CHUNK))
        self._send_message(rtmp_chunks.COMMAND, amf.encode("connect", 1.0, facts))
        self._send_message(rtmp_chunks.COMMAND, amf.encode("createStream", 2.0, None))
        name = f"{self.number}{query}"
        self._send_message(rtmp_chunks.COMMAND, amf.encode("publish", 3.0, None, name, "live"), stream_id=1)
        answer = b""
        while b"NetStream.Publish.Start" not in answer:
            piece = self._socket.recv(65536)
            if not piece:
                raise ConnectionError(f"channel {self.number} was refused")
            answer += piece
        metadata = amf.encode("@setDataFrame", "onMetaData", {"width": 352.0, "videocodecid": 7.0})
        self._send_message(rtmp_chunks.DATA, metadata, stream_id=1)

    def _send_message(self, kind: int, payload: bytes, *, stream_id: int = 0) -> None:
        message = Message(kind, 0, payload, stream_id)
        self._socket.sendall(encode_message(message, chunk_stream=3, chunk_size=_CHUNK))

    def send(self, data: bytes) -> None:
        """Without blocking: a server that reads late must not make the other channels late."""
        data = self._unsent + data
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        self._unsent = data[sent:]
        if len(self._unsent) > _UNSENT_BYTES:
            raise ConnectionError(f"channel {self.number} is not read")

    def read_answers(self) -> None:
        try:
            if not self._socket.recv(65536):
                raise ConnectionError(f"channel {self.number} was closed")
        except BlockingIOError:
            pass


class Film:
    """The repeating clip as RTMP messages; channels at the same place share the bytes."""

    def __init__(self, config: Frame, frames: list[Frame]) -> None:
        self.config = _video(0, config.body)
        self._frames = frames
        self._made: dict[int, bytes] = {}

    def message(self, number: int) -> bytes:
        made = self._made.get(number)
        if made is None:
            if len(self._made) > 20_000:
                self._made.clear()
            frame = self._frames[number % len(self._frames)]
            made = self._made[number] = _video(round(number * FRAME_SECONDS * 1000), frame.body)
        return made


def _video(stamp: int, payload: bytes) -> bytes:
    extended = struct.pack(">I", stamp) if stamp >= 0xFFFFFF else b""
    head = b"\x06" + min(stamp, 0xFFFFFF).to_bytes(3, "big") + len(payload).to_bytes(3, "big")
    head += bytes((rtmp_chunks.VIDEO,)) + struct.pack("<I", 1) + extended
    parts = [head, payload[:_CHUNK]]
    for start in range(_CHUNK, len(payload), _CHUNK):
        parts += [b"\xc6" + extended, payload[start : start + _CHUNK]]
    return b"".join(parts)


def run(film: Film, channels: list[Channel]) -> None:
    for channel in channels:
        channel.send(film.config)
    instants = [channels[start::_INSTANTS] for start in range(_INSTANTS)]
    begun, frame = time.monotonic(), 0
    while True:
        for index, instant in enumerate(instants):
            due = begun + (frame + index / _INSTANTS) * FRAME_SECONDS
            time.sleep(max(due - time.monotonic(), 0))
            for channel in instant:
                channel.send(film.message(frame + channel.offset))
        frame += 1
        # Acknowledgements that nobody reads would in the end close the connection.
        channels[frame % len(channels)].read_answers()


def main() -> None:
    clip, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    key = sys.argv[4] if len(sys.argv) > 4 else ""
    film = Film(*read_clip(Path(clip).read_bytes()))
    channels = [Channel(port, number, key) for number in range(count)]
    print("live", flush=True)
    run(film, channels)


if __name__ == "__main__":
    main()
