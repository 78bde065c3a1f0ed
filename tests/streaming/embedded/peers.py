"""The other side of the media server: a publisher, viewers and a platform, written without its code."""

import base64
import hashlib
import json
import re
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import imageio_ffmpeg

# Only a test that fails waits so long.
DEADLINE_SECONDS = 60.0


def ffmpeg() -> str:
    return shutil.which("ffmpeg") or imageio_ffmpeg.get_ffmpeg_exe()


def until(check: Callable[[], Any], *, seconds: float = DEADLINE_SECONDS, what: str = "") -> Any:
    """Poll until `check` is true, and give what it found."""
    end = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.02)


class FlvTag(NamedTuple):
    kind: int
    at: int
    body: bytes

    @property
    def is_picture(self) -> bool:
        return self.kind == 9 and self.body[1] == 1

    @property
    def is_key(self) -> bool:
        return self.is_picture and self.body[0] == 0x17

    @property
    def is_config(self) -> bool:
        return self.kind in (8, 9) and self.body[1] == 0


def parse_tags(data: bytes) -> list[FlvTag]:
    """Whole tags behind the 13 bytes of the file header."""
    at, tags = 13, []
    while at + 11 <= len(data):
        size = int.from_bytes(data[at + 1 : at + 4], "big")
        stamp = int.from_bytes(data[at + 4 : at + 7], "big") | data[at + 7] << 24
        if at + 15 + size > len(data):
            break
        assert int.from_bytes(data[at + 11 + size : at + 15 + size], "big") == size + 11
        tags.append(FlvTag(data[at], stamp, data[at + 11 : at + 11 + size]))
        at += 15 + size
    return tags


def encode_clip(path: Path, *options: str) -> list[FlvTag]:
    command = [ffmpeg(), "-v", "error", "-y", *options, "-f", "flv", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=60)
    return parse_tags(path.read_bytes())


def count_frames(url: str, *options: str) -> int:
    """Frames that ffmpeg decodes from an address to its end, broken ones being failures."""
    command = [ffmpeg(), "-v", "error", "-progress", "-", "-nostats", "-i", url, *options]
    command += ["-map", "0:v", "-fps_mode", "passthrough", "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=40, stdin=subprocess.DEVNULL)
    # What this ffmpeg says of any chunked answer that ends, however well.
    said = [line for line in done.stderr.splitlines() if not line.endswith("demuxing: Input/output error")]
    assert done.returncode == 0, done.stderr
    assert not said, done.stderr
    return int(re.findall(r"frame=\s*(\d+)", done.stdout)[-1])


def amf_values(*values: Any) -> bytes:
    out = b""
    for value in values:
        if value is None:
            out += b"\x05"
        elif isinstance(value, bool):
            out += bytes((1, value))
        elif isinstance(value, float):
            out += b"\x00" + struct.pack(">d", value)
        elif isinstance(value, str):
            out += b"\x02" + _amf_name(value)
        elif isinstance(value, list):
            out += b"\x0a" + struct.pack(">I", len(value)) + amf_values(*value)
        else:
            pairs = (_amf_name(key) + amf_values(item) for key, item in value.items())
            out += b"\x03" + b"".join(pairs) + b"\x00\x00\x09"
    return out


def _amf_name(text: str) -> bytes:
    raw = text.encode()
    return struct.pack(">H", len(raw)) + raw


def chunked(
    kind: int, payload: bytes, *, at: int = 0, chunk_stream: int = 3, stream_id: int = 0, chunk_size: int = 4096
) -> bytes:
    """One RTMP message: a full header, then continuations of type 3."""
    extended = struct.pack(">I", at) if at >= 0xFFFFFF else b""
    head = bytes((chunk_stream,)) + min(at, 0xFFFFFF).to_bytes(3, "big") + len(payload).to_bytes(3, "big")
    out = head + bytes((kind,)) + struct.pack("<I", stream_id) + extended + payload[:chunk_size]
    for start in range(chunk_size, len(payload), chunk_size):
        out += bytes((0xC0 | chunk_stream,)) + extended + payload[start : start + chunk_size]
    return out


class Publisher:
    """An RTMP publisher of full headers and type-3 continuations, as simple as an encoder can be."""

    def __init__(self, port: int, *, chunk_size: int = 4096) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_SECONDS)
        self.chunk_size = chunk_size
        self.answers = b""

    def __enter__(self) -> "Publisher":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def shake_hands(self) -> None:
        self.socket.sendall(b"\x03" + bytes(1536))
        answer = self._exactly(1 + 1536 + 1536)
        assert answer[0] == 3
        self.socket.sendall(answer[1:1537])

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            assert piece, "closed by the server"
            data += piece
        return data

    def send(
        self, kind: int, payload: bytes, *, at: int = 0, chunk_stream: int = 3, stream_id: int = 0
    ) -> None:
        self.socket.sendall(
            self.message(kind, payload, at=at, chunk_stream=chunk_stream, stream_id=stream_id)
        )

    def message(self, kind: int, payload: bytes, *, at: int, chunk_stream: int, stream_id: int) -> bytes:
        return chunked(
            *(kind, payload),
            at=at,
            chunk_stream=chunk_stream,
            stream_id=stream_id,
            chunk_size=self.chunk_size,
        )

    def publish(self, app: str, name: str, auth_key: str | None) -> str:
        """Handshake to the answer of `publish`; its code, or "" if the server closed without one."""
        self.shake_hands()
        self.send(1, struct.pack(">I", self.chunk_size), chunk_stream=2)
        self.send(20, amf_values("connect", 1.0, {"app": app, "tcUrl": f"rtmp://127.0.0.1/{app}"}))
        self.send(20, amf_values("createStream", 2.0, None))
        query = f"?auth_key={auth_key}" if auth_key else ""
        self.send(20, amf_values("publish", 3.0, None, name + query, "live"), stream_id=1)
        return self.read_status()

    def read_status(self) -> str:
        while True:
            found = re.search(rb"NetStream\.[A-Za-z.]+", self.answers)
            if found:
                self.answers = self.answers[found.end() :]
                return found[0].decode()
            try:
                piece = self.socket.recv(65536)
            except ConnectionError:
                return ""
            if not piece:
                return ""
            self.answers += piece

    def metadata(self, **facts: Any) -> None:
        self.send(18, amf_values("@setDataFrame", "onMetaData", facts), chunk_stream=4, stream_id=1)

    def send_tags(self, tags: list[FlvTag], *, shift: int = 0) -> None:
        """All at once, not in real time. `shift` moves the timestamps."""
        out = []
        for tag in tags:
            if tag.kind in (8, 9):
                at = (tag.at + shift) & 0xFFFFFFFF
                out.append(self.message(tag.kind, tag.body, at=at, chunk_stream=tag.kind - 2, stream_id=1))
            else:
                out.append(
                    self.message(18, amf_values("@setDataFrame") + tag.body, at=0, chunk_stream=4, stream_id=1)
                )
        self.socket.sendall(b"".join(out))

    def is_closed(self) -> bool:
        """Wait for the server to close; False when it does not within the deadline."""
        try:
            while self.socket.recv(65536):
                pass
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        return True


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class HttpPeer:
    """One HTTP request on a bare socket, so that nothing is tidied up on the way."""

    def __init__(
        self,
        port: int,
        target: str,
        *,
        method: str = "GET",
        headers: str = "",
        body: bytes = b"",
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_SECONDS)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_hostname="127.0.0.1")
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        request = f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{length}{headers}\r\n"
        self.socket.sendall(request.encode("utf-8", "surrogateescape") + body)
        self._file = self.socket.makefile("rb")
        self.status = 0
        self.headers: dict[str, str] = {}

    def __enter__(self) -> "HttpPeer":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.socket.close()

    def read_head(self) -> int:
        line = self._file.readline()
        self.status = int(line.split()[1]) if line else 0
        while line := self._file.readline().strip():
            name, _, value = line.decode().partition(": ")
            self.headers[name.lower()] = value
        return self.status

    def body(self) -> Iterator[bytes]:
        """Pieces of the body: chunks, or all of it by its length."""
        if self.headers.get("transfer-encoding") != "chunked":
            yield self._file.read(int(self.headers.get("content-length", "0")))
            return
        while size := int(self._file.readline() or b"0", 16):
            yield self._file.read(size)
            self._file.readline()

    def websocket(self) -> Iterator[bytes]:
        """Payloads of binary messages until the server closes."""
        while head := self._file.read(2):
            size = head[1] & 127
            if size > 125:
                size = int.from_bytes(self._file.read(2 if size == 126 else 8), "big")
            data = self._file.read(size)
            if head[0] == 0x88:
                return
            assert head[0] == 0x82
            yield data


def ask(port: int, target: str, **options: Any) -> Answer:
    with HttpPeer(port, target, **options) as peer:
        peer.read_head()
        body = b"" if options.get("method") == "HEAD" else b"".join(peer.body())
        return Answer(peer.status, peer.headers, body)


WS_KEY = base64.b64encode(bytes(16)).decode()
WS_HEADERS = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {WS_KEY}\r\nSec-WebSocket-Version: 13\r\n"
WS_ACCEPT = base64.b64encode(
    hashlib.sha1((WS_KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode(), usedforsecurity=False).digest()
).decode()


def read_tags(peer: HttpPeer, enough: Callable[[list[FlvTag]], bool]) -> tuple[bytes, list[FlvTag]]:
    """File header and tags of an FLV viewer, until there are enough or the stream ends."""
    data = b""
    for piece in peer.websocket() if peer.status == 101 else peer.body():
        data += piece
        if enough(parse_tags(data)):
            break
    return data[:13], parse_tags(data)


def before(tags: list[FlvTag], at: int) -> list[FlvTag]:
    return [tag for tag in tags if tag.at < at]


def since(tags: list[FlvTag], at: int) -> list[FlvTag]:
    return [tag for tag in tags if tag.at >= at]


def pictures(tags: list[FlvTag]) -> list[FlvTag]:
    return [tag for tag in tags if tag.is_picture]


@dataclass
class Platform:
    """Takes the hooks. `answers` says per event what it replies; `hold` keeps it silent until set."""

    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)
    hold: threading.Event | None = None
    context: ssl.SSLContext | None = None

    def start(self) -> None:
        platform = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                platform.secrets.add(self.headers["X-Media-Secret"])
                platform.paths.add(self.path)
                if platform.hold is not None:
                    platform.hold.wait(DEADLINE_SECONDS)
                status = 200
                if platform.failures > 0:
                    platform.failures -= 1
                    status = 503
                else:
                    platform.events.append(event)
                raw = json.dumps(platform.answers.get(event["event"], {"code": 0})).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if self.context is not None:
            self._server.socket = self.context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        if self.hold is not None:
            self.hold.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def of(self, stream: str) -> list[str]:
        return [event["event"] for event in list(self.events) if event["stream"] == stream]

    def last(self, stream: str, event: str) -> dict[str, Any]:
        matching = [item for item in list(self.events) if item["stream"] == stream and item["event"] == event]
        return matching[-1] if matching else {}
