"""A camera as far as DESCRIBE goes: real RTSP over a real socket, with digest authentication."""

import hashlib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

USER, PASSWORD = "admin", "p@ss:word"
REALM, NONCE = "ipcam", "5ccc069c403ebaf9f0171e9517f40e41"
WITH_VIDEO = "v=0\r\nm=audio 0 RTP/AVP 8\r\nm=video 0 RTP/AVP 96\r\n"


class RtspStandIn:
    """Paths: /main has video, /sound only audio, /secret wants the password, /mute is never answered,
    /endless talks without an end."""

    def __init__(self, listener: socket.socket, context: ssl.SSLContext | None = None) -> None:
        self._context = context
        self.port = int(listener.getsockname()[1])
        self.attempts = 0  # requests that came with an Authorization header
        self._listener = listener
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def url(self, path: str, login: str = "") -> str:
        return f"rtsp{'s' if self._context else ''}://{login}127.0.0.1:{self.port}/{path}"

    def _accept(self) -> None:
        while True:
            try:
                connection = self._listener.accept()[0]
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        waiting = b""
        try:
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            while chunk := connection.recv(4096):
                waiting += chunk
                while b"\r\n\r\n" in waiting:
                    request, _, waiting = waiting.partition(b"\r\n\r\n")
                    connection.sendall(self._reply(request.decode()))
        except OSError:
            return

    def _reply(self, request: str) -> bytes:
        first, *lines = request.split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        url = first.split()[1]
        path = url.rpartition("/")[2]
        head, body = f"CSeq: {headers['CSeq']}\r\n", ""
        status = "200 OK"
        if path == "mute":
            return b""
        if path == "endless":
            return b"RTSP/1.0 200 OK\r\n" + b"X-Filler: 0123456789\r\n" * 4000
        if path == "nonsense":
            return b"HTTP/1.0 400 Bad Request\r\n\r\n"
        if path == "secret" and not self._knows(headers.get("Authorization"), url):
            status = "401 Unauthorized"
            head += 'WWW-Authenticate: Basic realm="ipcam"\r\n'
            head += f'WWW-Authenticate: Digest realm="{REALM}", nonce="{NONCE}"\r\n'
        elif path in ("main", "secret"):
            body = WITH_VIDEO
        elif path == "sound":
            body = "v=0\r\nm=audio 0 RTP/AVP 8\r\n"
        else:
            status = "404 Not Found"
        return f"RTSP/1.0 {status}\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()

    def _knows(self, header: str | None, url: str) -> bool:
        self.attempts += header is not None
        secret = _md5(f"{USER}:{REALM}:{PASSWORD}")
        wanted = _md5(f"{secret}:{NONCE}:{_md5(f'DESCRIBE:{url}')}")
        return header is not None and header.startswith("Digest ") and f'response="{wanted}"' in header

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for connection in self._open:
            connection.close()


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@contextmanager
def rtsp_standin(context: ssl.SSLContext | None = None) -> Iterator[RtspStandIn]:
    standin = RtspStandIn(socket.create_server(("127.0.0.1", 0)), context)
    try:
        yield standin
    finally:
        standin.close()
