"""Reading a stream over HTTP, most often up to its first key frame.

Plain sockets on purpose: libav doing network I/O held the whole process when a peer never answered. Time and
bytes are bounded whatever the other side sends.
"""

import socket
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from urllib.parse import urlsplit

from protocol.tls import client_context, tls_fault
from snapshots.capture.errors import CaptureError
from snapshots.capture.flv import FlvReader, KeyFrame
from snapshots.choices import SnapshotResult

# A GOP cache may send seconds of a high stream before the next key frame; more is no camera.
MOST_BYTES = 8 * 1024 * 1024
MOST_HEADER_BYTES = 16 * 1024
_PIECE_BYTES = 64 * 1024
_LONGEST_SIZE_LINE = 32


def read_key_frame(
    url: str, *, timeout_seconds: float, most_bytes: int = MOST_BYTES, ca_file: str = ""
) -> KeyFrame:
    """The first key frame of an HTTP-FLV stream. Raises CaptureError; `timeout_seconds` is for all of it.

    A server of https has to show a certificate of the CA in `ca_file`, without one of the system's CAs.
    """
    reader = FlvReader()
    pieces = read_pieces(url, timeout_seconds=timeout_seconds, most_bytes=most_bytes, ca_file=ca_file)
    with closing(pieces):
        try:
            for piece in pieces:
                if (frame := reader.feed(piece)) is not None:
                    return frame
        except OSError as error:
            raise CaptureError(SnapshotResult.NO_KEY_FRAME, str(error) or "too slow") from error
    raise CaptureError(SnapshotResult.NO_KEY_FRAME, "the stream ended before its first key frame")


def read_pieces(
    url: str, *, timeout_seconds: float, most_bytes: int, ca_file: str = ""
) -> Generator[bytes, None, None]:
    """The stream as it comes. Raises CaptureError where there is none, OSError when it breaks or the time is over."""
    deadline = time.monotonic() + timeout_seconds
    try:
        connection = _connect(url, deadline, ca_file)
    except OSError as error:
        raise CaptureError(SnapshotResult.UNREACHABLE, tls_fault(error) or str(error)) from error
    with closing(connection):
        stream = _Stream(connection, deadline, most_bytes)
        stream.send(_request(url))
        yield from stream.body()


def _connect(url: str, deadline: float, ca_file: str) -> socket.socket:
    """Raises OSError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise OSError("not an HTTP address")
    # A host of several addresses may cost the time-out for each: media servers are named by one.
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connection = socket.create_connection((parts.hostname, port), timeout=_left(deadline))
    if parts.scheme == "http":
        return connection
    try:
        connection.settimeout(_left(deadline))
        return client_context(ca_file).wrap_socket(connection, server_hostname=parts.hostname)
    except BaseException:
        connection.close()
        raise


def _request(url: str) -> bytes:
    parts = urlsplit(url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode()


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Stream:
    """The answer to one GET, within its limits."""

    def __init__(self, connection: socket.socket, deadline: float, most_bytes: int) -> None:
        self._connection = connection
        self._deadline = deadline
        self._bytes_left = most_bytes
        self._waiting = b""

    def send(self, request: bytes) -> None:
        self._connection.settimeout(_left(self._deadline))
        self._connection.sendall(request)

    def body(self) -> Iterator[bytes]:
        status, headers = self._head()
        # A redirect is refused with the rest: addresses are ours, nothing else may lead us elsewhere (threats.md 19).
        if status in (404, 410):
            raise CaptureError(SnapshotResult.OFFLINE, f"HTTP {status}")
        if status != 200:
            raise CaptureError(SnapshotResult.REFUSED, f"HTTP {status}")
        if b"chunked" in headers.get(b"transfer-encoding", b"").lower():
            yield from self._chunks()
            return
        while piece := self._some():
            yield piece

    def _head(self) -> tuple[int, dict[bytes, bytes]]:
        head = self._until(b"\r\n\r\n", MOST_HEADER_BYTES)
        first, *lines = head.split(b"\r\n")
        words = first.split(None, 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
            raise CaptureError(SnapshotResult.REFUSED, "not an HTTP answer")
        pairs = (line.partition(b":") for line in lines)
        return int(words[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}

    def _chunks(self) -> Iterator[bytes]:
        while size := self._chunk_size():
            while size:
                piece = self._some()
                if not piece:
                    return
                if len(piece) > size:
                    piece, self._waiting = piece[:size], piece[size:]
                size -= len(piece)
                yield piece
            self._until(b"\r\n", _LONGEST_SIZE_LINE)

    def _chunk_size(self) -> int:
        line = self._until(b"\r\n", _LONGEST_SIZE_LINE)
        try:
            return int(line.partition(b";")[0], 16)
        except ValueError:
            raise CaptureError(SnapshotResult.REFUSED, "broken chunked answer") from None

    def _until(self, mark: bytes, limit: int) -> bytes:
        found = b""
        while mark not in found:
            # Some servers refuse by closing without a status.
            if len(found) > limit or not (piece := self._some()):
                raise CaptureError(SnapshotResult.REFUSED, "no complete HTTP answer")
            found += piece
        found, _, self._waiting = found.partition(mark)
        return found

    def _some(self) -> bytes:
        if self._waiting:
            piece, self._waiting = self._waiting, b""
            return piece
        # What is left of the whole, so that a drip of bytes never outlasts it.
        self._connection.settimeout(_left(self._deadline))
        piece = self._connection.recv(_PIECE_BYTES)
        self._bytes_left -= len(piece)
        if self._bytes_left < 0:
            raise CaptureError(SnapshotResult.NO_KEY_FRAME, "too many bytes without a key frame")
        return piece
