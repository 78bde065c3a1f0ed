"""Third-party checkers in tight loops beside a well-behaved partner, at 20,000 cameras; then clients that drip.

    python bench/hammer.py [--json] [--seconds 10] [--cameras 20000] [--clients 50]

Each client keeps one connection and goes on at once: it pages the ledger with 500 a page, asks for the
play address of each camera on the page, reads the statuses, and now and then exchanges a token. They are a
process of their own (bench/hammering.py), which the kernel serves last. One more partner has a limit of
requests a minute. Afterwards as many clients of one partner stop in the middle of a body. All of it on
loopback.
"""

import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.hammering import Client
from bench.harness import ROOT, Row, arguments, manage, report, workplace
from deploy.web import granian_arguments

LIMIT = 20
WARM_UP_SECONDS = 3.0
BODY_SECONDS = 5


class Hammer:
    """The process with the clients; afterwards `codes` of what they were answered, and what it cost."""

    def __init__(
        self, environment: dict[str, str], port: int, partners: list[dict[str, str]], clients: int
    ) -> None:
        self.codes: Counter[str] = Counter()
        self.seconds = self.cores = 0.0
        self._partners = partners
        self._arguments = [sys.executable, "-m", "bench.hammering", str(port), str(clients)]
        self._environment = environment

    def __enter__(self) -> "Hammer":
        self._begun = time.monotonic()
        self._cpu = _children_cpu()
        self._process = subprocess.Popen(
            self._arguments,
            env=self._environment,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(self._partners) + "\n")
        self._process.stdin.flush()
        return self

    def __exit__(self, *_: object) -> None:
        told = self._process.communicate()[0]
        self.seconds = time.monotonic() - self._begun
        self.cores = (_children_cpu() - self._cpu) / self.seconds
        self.codes.update(json.loads(told))


def _children_cpu() -> float:
    """Seconds of the children that have ended."""
    spent = os.times()
    return spent.children_user + spent.children_system


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of the hammering")
    parser.add_argument("--cameras", type=int, default=20_000)
    parser.add_argument("--clients", type=int, default=50)
    options = parser.parse_args()
    settings = {"TOKEN_FAILURES_PER_MINUTE": "1000000", "BODY_SECONDS": str(BODY_SECONDS)}
    with workplace(LOG_LEVEL="ERROR", **settings) as environment:
        manage(environment, "fill_ledger", "--cameras", str(options.cameras), "--seed", "1")
        manage(
            environment,
            *("add_media_server", "--kind", "embedded", "--name", "bench"),
            *("--rtmp", "rtmp://127.0.0.1:1935", "--http", "http://127.0.0.1:8080"),
        )
        partners = [_partner(environment, name) for name in ("checker-1", "checker-2", "other", "limited")]
        partners.append(_partner(environment, "gateway", "gateway"))
        manage(
            environment,
            *("shell", "--no-imports", "-c"),
            f"from access.models import Partner; Partner.objects.filter(user='limited').update(requests_per_minute={LIMIT})",
        )
        rows = _measure(environment, partners, options.clients, options.seconds)
    report(rows, as_json=options.json)


def _partner(environment: dict[str, str], name: str, kind: str = "ministry") -> dict[str, str]:
    told = manage(environment, "create_partner", "--kind", kind, "--code", name, "--user", name)
    partner: dict[str, str] = json.loads(told)
    return partner


@contextmanager
def _served(environment: dict[str, str]) -> Iterator[tuple[int, int]]:
    """Port and process: as the platform runs it (manage.py web_server), but with one process to weigh."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = granian_arguments(host="127.0.0.1", port=port, workers=1, log_level="error")
    server = subprocess.Popen(
        [sys.executable, "-m", "granian", *arguments], env=environment, cwd=ROOT
    )
    try:
        _wait(port)
        yield port, server.pid
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(10)


def _try_the_limit(client: Client, tries: int) -> tuple[int, int]:
    """How many were refused, and how many of those without the time to wait."""
    refused = without_wait = 0
    for _ in range(tries):
        code, head, _ = client.ask("GetCameraStatus", pageSize=1)
        refused += code == 403
        without_wait += code == 403 and b"retry-after:" not in head.lower()
    return refused, without_wait


def _measure(
    environment: dict[str, str], partners: list[dict[str, str]], clients: int, seconds: float
) -> list[Row]:
    *checkers, other, limited, gateway = partners
    tries = 3 * LIMIT
    with _served(environment) as (port, pid):
        floods = _refusals_a_second(port, other)
        calm = _p95(_latencies(Client(port, other), min(5.0, seconds)))
        with Hammer(environment, port, checkers, clients) as hammer:
            time.sleep(WARM_UP_SECONDS)
            before = _rss_mb(pid)
            refused, without_wait = _try_the_limit(Client(port, limited), tries)
            hammered = _p95(_latencies(Client(port, other), seconds))
            growth = _rss_mb(pid) - before
        with _dripping(port, gateway, clients) as answered_within:
            dripped = _p95(_latencies(Client(port, other), BODY_SECONDS - 1))
    answered = hammer.codes.pop("200", 0)
    print(f"{answered} requests of {clients} clients answered; otherwise {dict(hammer.codes) or 'nothing'}")
    errors = sum(hammer.codes.values())
    # The minute may turn while it tries: then it is allowed the limit twice.
    is_limited = tries - 2 * LIMIT <= refused <= tries - LIMIT and not without_wait
    return [
        Row("errors", "answers", errors, None, "0", errors == 0),
        Row("hammer_rate", "requests/s", answered / hammer.seconds, None, "-", True),
        Row("hammer_cores", "cores", hammer.cores, None, "-", True),
        Row("rss_growth_mb", "MB", growth, None, "<= 30", growth <= 30),
        Row(
            "limited_partner_403_share", "of tries", refused / tries, None, ">= 1/3, Retry-After", is_limited
        ),
        Row("unknown_token_refusals", "requests/s", *floods, ">= 5 x", floods[0] >= 5 * floods[1]),
        _unaffected("other_partner_p95_ms", hammered, calm),
        _unaffected("other_beside_drips_p95_ms", dripped, calm),
        Row(
            *("drips_answered_s", "s", answered_within[0], None, f"<= {BODY_SECONDS} + 2"),
            answered_within[0] <= BODY_SECONDS + 2,
        ),
    ]


def _unaffected(name: str, p95: float, calm: float) -> Row:
    return Row(name, "ms", p95, calm, "<= 200, <= 3 x, no 403", p95 <= min(200, 3 * calm))


@contextmanager
def _dripping(port: int, partner: dict[str, str], clients: int) -> Iterator[list[float]]:
    """So many clients stop in the middle of a body; yields a list that then gets the seconds until the last answer."""
    head = (
        f"POST /service/video.VideoInformation HTTP/1.1\r\nHost: 127.0.0.1\r\nTAuth: {partner['token']}\r\n"
    )
    seconds: list[float] = []
    with ExitStack() as open_ones:
        begun = time.monotonic()
        sockets = [
            open_ones.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
            for _ in range(clients)
        ]
        for each in sockets:
            each.sendall(f"{head}Content-Length: 1000\r\n\r\n[".encode())
        yield seconds
        for each in sockets:
            if not each.recv(65536).startswith(b"HTTP/1.1 200 "):
                raise RuntimeError("a client that dripped was not answered")
        seconds.append(time.monotonic() - begun)


def _latencies(client: Client, seconds: float) -> list[float]:
    """A partner that asks ten times a second at most; anything but code 200 ends the benchmark."""
    taken = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        begun = time.monotonic()
        code, _, body = client.ask("GetCameraStatus", pageSize=1)
        if code != 200:
            raise RuntimeError(f"the other partner was answered {body[:200]!r}")
        taken.append((time.monotonic() - begun) * 1000)
        time.sleep(0.1)
    return taken


def _refusals_a_second(port: int, partner: dict[str, str], seconds: float = 2.0) -> tuple[float, float]:
    """Of unknown tokens, and of a known one with a bad signature, which costs curve work (threats.md 12)."""
    client = Client(port, partner)
    rates = []
    for token in ("unknown", partner["token"]):
        begun, count = time.monotonic(), 0
        while time.monotonic() - begun < seconds:
            claims = {"deviceCode": partner["device_code"], "token": token, "sign": "01" * 64}
            code, _, _ = client.ask("TokenInfo", **claims)
            if code != 403:
                raise RuntimeError(f"a bad signature was answered {code}")
            count += 1
        rates.append(count / (time.monotonic() - begun))
    return rates[0], rates[1]


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def _rss_mb(parent: int) -> float:
    """Of granian's one worker, below the process that was started."""
    (worker,) = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{worker}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def _wait(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not start")


if __name__ == "__main__":
    main()
