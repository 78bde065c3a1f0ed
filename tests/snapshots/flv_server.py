"""A media server on loopback that serves FLV over HTTP as well, or as badly, as a test wants it."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

_OK = b"HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\n"


class Peer:
    """One connection, as a behaviour sees it."""

    def __init__(self, connection: socket.socket, closing: threading.Event) -> None:
        self._connection = connection
        self.closing = closing

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self._connection.sendall(piece)

    def wait_until_it_leaves(self) -> None:
        """As a live stream does between two frames."""
        while not self.closing.is_set():
            try:
                if not self._connection.recv(4096):
                    return
            except TimeoutError:
                continue


Behaviour = Callable[[Peer], None]


def live(*pieces: bytes) -> Behaviour:
    """Sends everything and keeps the stream open."""

    def behave(peer: Peer) -> None:
        peer.send(_OK + b"Connection: close\r\n\r\n", *pieces)
        peer.wait_until_it_leaves()

    return behave


def ended(*pieces: bytes) -> Behaviour:
    def behave(peer: Peer) -> None:
        peer.send(_OK + b"Connection: close\r\n\r\n", *pieces)

    return behave


def chunked(pieces: Iterable[bytes]) -> Behaviour:
    def behave(peer: Peer) -> None:
        peer.send(_OK + b"Transfer-Encoding: Chunked\r\n\r\n")
        for piece in pieces:
            peer.send(f"{len(piece):x};seen=1\r\n".encode() + piece + b"\r\n")
        peer.wait_until_it_leaves()

    return behave


def status(number: int) -> Behaviour:
    return lambda peer: peer.send(f"HTTP/1.1 {number} No\r\nContent-Length: 0\r\n\r\n".encode())


def raw(*pieces: bytes) -> Behaviour:
    return lambda peer: peer.send(*pieces)


def silent(peer: Peer) -> None:
    peer.wait_until_it_leaves()


def empty_once(is_time: Callable[[], bool]) -> Behaviour:
    """Keeps us waiting until something else has happened, and ends without a picture."""

    def behave(peer: Peer) -> None:
        peer.send(_OK + b"Connection: close\r\n\r\n")
        deadline = time.monotonic() + 60
        while not is_time() and time.monotonic() < deadline and not peer.closing.is_set():
            time.sleep(0.02)

    return behave


@dataclass
class FlvServer:
    """Paths and how they behave; `requests` are the request lines seen, in order."""

    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    context: ssl.SSLContext | None = None

    def __enter__(self) -> Self:
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    @property
    def base(self) -> str:
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self._listener.getsockname()[1]}"

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,))
            thread.start()
            self._threads.append(thread)

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(0.2)
        if self.context is not None:
            # Shakes hands with the first byte that is read.
            connection = self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with connection:
            try:
                line = self._request_line(connection)
                self.requests.append(line)
                path = line.split()[1].partition("?")[0]
                self.behaviours.get(path, status(404))(Peer(connection, self._closing))
            except OSError:
                return  # the client has left, which is what captures do

    def _request_line(self, connection: socket.socket) -> str:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(4096)
            if not piece:
                raise ConnectionError("no request")
            head += piece
        return head.split(b"\r\n")[0].decode()
