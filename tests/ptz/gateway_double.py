"""A roadside gateway on loopback that notes PTZ orders and answers as a test wants it."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Received:
    camera_num: str
    action: int
    step: int
    token: str
    at: float


Answer = tuple[int, str] | dict[str, object] | None


@dataclass
class GatewayDouble:
    """`answers` by action, else `default`: code and msg, or a whole answer; None drops the connection without a
    word. While `gates[action]` is not set, orders of that action wait for it."""

    default: Answer = (200, "成功")
    answers: dict[int, Answer] = field(default_factory=dict)
    gates: dict[int, threading.Event] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)

    def __enter__(self) -> Self:
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                double._take(self)

            def log_message(self, format: str, *args: object) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for gate in self.gates.values():
            gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def actions(self) -> list[int]:
        return [order.action for order in self.received]

    def wait_for(self, *actions: int) -> None:
        """Until exactly these actions have come in this order."""
        wait_until(lambda: self.actions[: len(actions)] == list(actions), f"{actions}, came {self.actions}")

    def _take(self, handler: BaseHTTPRequestHandler) -> None:
        url = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        action = int(query["action"])
        self.received.append(
            Received(
                query["cameraNum"], action, int(query["step"]), handler.headers["TAuth"], time.monotonic()
            )
        )
        if action in self.gates:
            self.gates[action].wait(10)
        answer = self.answers.get(action, self.default)
        if answer is None or url.path != "/service/video.PTZControl":
            handler.close_connection = True
            return
        told = answer if isinstance(answer, dict) else {"code": answer[0], "msg": answer[1]}
        body = json.dumps(told).encode()
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


def wait_until(is_so: Callable[[], bool], what: str, *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.01)
