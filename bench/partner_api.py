"""How fast partners are answered, against DRF doing nothing and DRF doing it the plain way.

    python bench/partner_api.py [--json] [--seconds 2] [--cameras 20000] [--entries 500000] [--items 10000]

One granian worker serves ours and the rivals, one asyncio-free client process sends over kept-alive
connections; rounds alternate, medians are compared.
"""

import json
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import partner_bulk
from bench.harness import ROOT, Row, arguments, manage, report, workplace

CONNECTIONS = 4
ROUNDS = 5
# The name of the root organisation, unless a setting says otherwise.
PROVINCE = "示范省"


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one round")
    parser.add_argument("--cameras", type=int, default=20_000, help="cameras in the ledger")
    parser.add_argument("--entries", type=int, default=500_000, help="pictures in the longest answer")
    parser.add_argument("--items", type=int, default=10_000, help="cameras in a registration")
    parser.add_argument("--only", default="", help="rows that begin so")
    options = parser.parse_args()
    with workplace() as environment:
        manage(environment, "fill_ledger", "--cameras", str(options.cameras), "--seed", "1")
        manage(
            environment,
            *("add_media_server", "--kind", "embedded", "--name", "bench"),
            *("--rtmp", "rtmp://127.0.0.1:1935", "--http", "http://127.0.0.1:8080"),
        )
        token, gateway_token = (_token(environment, kind) for kind in ("ministry", "gateway"))
        number = manage(
            environment,
            *("shell", "--no-imports", "-c"),
            "from cameras.models import Camera; print(Camera.objects.filter(status=1).first().number)",
        ).split()[-1]
        with _Server(environment) as server:
            port, pid = server.port, server.worker_pid
            groups: dict[str, Callable[[], list[Row]]] = {
                "play_url_one": lambda: _play_url_one(server, token, number, options.seconds),
                "play_url_20000": lambda: partner_bulk.play_url_rows(
                    port, pid, token, PROVINCE, options.cameras
                ),
                "snapshot": lambda: partner_bulk.snapshot_rows(
                    environment, port, pid, token, most=options.entries, few=options.entries // 50
                ),
                "register": lambda: partner_bulk.register_rows(port, pid, gateway_token, items=options.items),
            }
            rows = [row for name, group in groups.items() if name.startswith(options.only) for row in group()]
    report(rows, as_json=options.json)


def _token(environment: dict[str, str], kind: str) -> str:
    # Both may name what they like: the department of the second is the whole province as well.
    told = manage(
        environment, "create_partner", "--kind", kind, "--code", f"bench-{kind}", "--user", f"bench-{kind}"
    )
    return str(json.loads(told)["token"])


class _Server:
    """granian with one worker, and a thread for each connection: what waits for the database waits alone."""

    def __init__(self, environment: dict[str, str]) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._process = subprocess.Popen(
            [
                *(str(Path(sys.executable).parent / "granian"), "--interface", "wsgi"),
                *("--host", "127.0.0.1", "--port", str(self.port), "--workers", "1", "--no-ws"),
                *(
                    "--blocking-threads",
                    str(CONNECTIONS),
                    "--log-level",
                    "warning",
                    "province.wsgi:application",
                ),
            ],
            env={**environment, "DJANGO_SETTINGS_MODULE": "bench.rival_settings"},
            cwd=ROOT,
        )

    def __enter__(self) -> "_Server":
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                _answer(self.port, b"GET /rival/constant HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                return self
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("the server did not start")

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(10)

    @property
    def worker_pid(self) -> int:
        """granian's one worker, below the process that was started."""
        pid = self._process.pid
        (worker,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(worker)

    def rate(self, path: str, token: str, seconds: float) -> float:
        """Requests a second over CONNECTIONS kept-alive connections."""
        request = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nTAuth: {token}\r\nAppVersion: v1.0\r\n\r\n"
        ).encode()
        counts = [0] * CONNECTIONS
        until = time.monotonic() + seconds

        def run(index: int) -> None:
            with socket.create_connection(("127.0.0.1", self.port)) as connection:
                while time.monotonic() < until:
                    connection.sendall(request)
                    _read(connection)
                    counts[index] += 1

        threads = [threading.Thread(target=run, args=[index]) for index in range(CONNECTIONS)]
        begun = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(counts) / (time.monotonic() - begun)


def _answer(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request)
        return _read(connection)


def _read(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length:
        body += _more(connection)
    return body


def _more(connection: socket.socket) -> bytes:
    piece = connection.recv(65536)
    if not piece:
        raise ConnectionError("the server closed the connection")
    return piece


def _play_url_one(server: _Server, token: str, number: str, seconds: float) -> list[Row]:
    paths = {
        "ours": f"/service/video.GetCameraPlayURL?cameraNum={number}&videoType=0",
        "constant": "/rival/constant",
        "orm": f"/rival/orm?cameraNum={number}&videoType=0",
    }
    for name, path in paths.items():
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nTAuth: {token}\r\n\r\n"
        answer = json.loads(_answer(server.port, head.encode()))
        if answer.get("code") != 200 or (name != "constant" and not answer["videoRequestUrl"][0]["flv_url"]):
            raise RuntimeError(f"{name} answered {answer}")
        server.rate(path, token, 0.5)
    rates: dict[str, list[float]] = {name: [] for name in paths}
    for _ in range(ROUNDS):
        for name, path in paths.items():
            rates[name].append(server.rate(path, token, seconds))
    ours, constant, orm = (statistics.median(rates[name]) for name in ("ours", "constant", "orm"))
    return [
        Row("play_url_one", "requests/s", ours, constant, ">= 0.45 x", ours >= 0.45 * constant),
        Row("play_url_one_vs_orm", "requests/s", ours, orm, ">= 4 x", ours >= 4 * orm),
    ]


if __name__ == "__main__":
    main()
