"""The other side on loopback: a small HTTP server that answers what a test tells it to."""

import json
import ssl
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def token(self) -> str:
        return self.headers.get("tauth", "")


@dataclass
class Reply:
    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    # Written as it is instead of all the above, then the connection is closed.
    raw: bytes | None = None


def reply(code: object, status: int = 200, headers: dict[str, str] | None = None, **body: object) -> Reply:
    text = json.dumps({"code": code, "msg": "成功" if code == 200 else "不行", **body}, ensure_ascii=False)
    return Reply(text.encode(), status, headers or {})


Respond = Callable[[Request], Reply]


class Peer:
    def __init__(self, respond: Respond, context: ssl.SSLContext | None = None, *, port: int = 0) -> None:
        self.respond = respond
        self.requests: list[Request] = []
        self.connections = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.scheme = "https" if context else "http"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def base_url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self._server.server_address[1]}"

    def of(self, verb: str) -> list[Request]:
        name = verb if "." in verb else f"video.{verb}"
        return [request for request in self.requests if request.path == f"/service/{name}"]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(peer: Peer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60

        def setup(self) -> None:
            peer.connections += 1
            super().setup()

        def do_GET(self) -> None:
            parts = urllib.parse.urlsplit(self.path)
            request = Request(
                self.command,
                parts.path,
                dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True)),
                self.path,
                {name.lower(): value for name, value in self.headers.items()},
                self.rfile.read(int(self.headers.get("Content-Length", 0))),
            )
            peer.requests.append(request)
            answer = peer.respond(request)
            if answer.raw is not None:
                self.wfile.write(answer.raw)
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        do_POST = do_DELETE = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


@contextmanager
def peer_answering(respond: Respond, context: ssl.SSLContext | None = None) -> Iterator[Peer]:
    peer = Peer(respond, context)
    try:
        yield peer
    finally:
        peer.close()
