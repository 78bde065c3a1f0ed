"""The processes around bench/ministry_sync.py: the peer, and the platform's worker and beat as it runs them."""

import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from bench.harness import ROOT
from deploy.processes import Program, descendants, kill_tree, signal_quietly, spawn, wait_for_end
from province.celery import app

_CELERY: Final = (sys.executable, "-m", "celery", "-A", "province")
# As deploy/demo/programs.py starts it.
_REPORTS: Final = (
    *("worker", "--without-gossip", "--without-mingle", "--loglevel", "ERROR"),
    *("-Q", "reports", "-c", "2", "-n", "reports@bench"),
)
_MB: Final = 1024 * 1024
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")


class RunningPeer:
    """bench/ministry_peer.py as a child."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(ROOT / "bench" / "ministry_peer.py")], stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.base_url = f"http://127.0.0.1:{self.port}"
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def __enter__(self) -> "RunningPeer":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def reset(self, *, fault_rate: float = 0.0, seed: int = 1) -> None:
        self._ask("POST", "/reset", json.dumps({"fault_rate": fault_rate, "seed": seed}))

    def stats(self) -> dict[str, Any]:
        return self._ask("GET", "/stats")

    def cameras(self) -> dict[str, Any]:
        """The items as they were sent, by lower-case number."""
        return self._ask("GET", "/cameras")

    def statuses(self) -> dict[str, Any]:
        """By lower-case number: the status, and when it was first told (unix seconds)."""
        return self._ask("GET", "/statuses")

    def requests(self) -> int:
        """Of all verbs, token exchanges and refused ones too."""
        return sum(self.stats()["requests"].values())

    def wait_until_quiet(self, *, quiet_seconds: float, at_most: float) -> None:
        """Until no request came for a while."""
        deadline, count, since = time.monotonic() + at_most, -1, time.monotonic()
        while time.monotonic() < deadline and time.monotonic() - since < quiet_seconds:
            if (now := self.requests()) != count:
                count, since = now, time.monotonic()
            time.sleep(0.1)

    def _ask(self, method: str, path: str, body: str = "") -> dict[str, Any]:
        self._connection.request(method, path, body)
        answer: dict[str, Any] = json.loads(self._connection.getresponse().read())
        return answer


class Reports:
    """Beat and the worker of the queue `reports`; what they say goes to a file."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "celery.log"
        self._beat = self._start("beat", "beat", "--pidfile=", "--loglevel", "ERROR")
        self._worker: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Reports":
        return self

    def __exit__(self, *_: object) -> None:
        self._beat.send_signal(signal.SIGTERM)
        self.kill_worker()
        if not wait_for_end([self._beat], seconds=5):
            kill_tree(self._beat.pid)
            self._beat.wait()

    def start_worker(self, **settings: str) -> None:
        self._worker = self._start("reports", *_REPORTS, **settings)

    def wait_until_ready(self, seconds: float = 60) -> None:
        """Until the worker has taken tasks of the beat: both run, and its libraries are loaded."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self._has_ended():
            if any(sum(found["total"].values()) > 2 for found in _worker_stats().values()):
                return
            time.sleep(0.2)
        raise RuntimeError(f"the worker takes no tasks:\n{self._log.read_text()[-2000:]}")

    def kill_worker(self) -> None:
        """SIGKILL to the worker and its children, as a machine that runs out of memory does."""
        if self._worker is not None:
            for pid in (self._worker.pid, *descendants(self._worker.pid)):
                signal_quietly(pid, signal.SIGKILL)
            self._worker.wait()
            self._worker = None

    @property
    def worker_pids(self) -> list[int]:
        return [] if self._worker is None else [self._worker.pid, *descendants(self._worker.pid)]

    @property
    def pids(self) -> list[int]:
        return [self._beat.pid, *self.worker_pids]

    def _has_ended(self) -> bool:
        return any(process.poll() is not None for process in (self._beat, self._worker) if process)

    def _start(self, name: str, *arguments: str, **settings: str) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as output:
            program = Program(name=name, argv=(*_CELERY, *arguments), env=settings)
            return spawn(program, cwd=ROOT, output=output)


def _worker_stats() -> dict[str, Any]:
    found: dict[str, Any] | None = app.control.inspect(timeout=0.5).stats()
    return found or {}


class MemoryWatch:
    """Resident memory of the worker and its children while the watch is entered, as often as it is."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports
        self._samples: list[float] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "MemoryWatch":
        self._stop.clear()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join()

    @property
    def growth_mb(self) -> float:
        """From the first quarter of the time watched to the last."""
        quarter = max(1, len(self._samples) // 4)
        return statistics.mean(self._samples[-quarter:]) - statistics.mean(self._samples[:quarter])

    def _watch(self) -> None:
        while not self._stop.wait(0.25):
            self._samples.append(_resident_mb(self._reports.worker_pids))


def _resident_mb(pids: Iterable[int]) -> float:
    pages = 0
    for pid in pids:
        try:
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except OSError:
            continue
    return pages * _PAGE_BYTES / _MB


def cpu_seconds(pids: Iterable[int]) -> float:
    """Of these processes and of their children that have ended."""
    ticks = 0
    for pid in pids:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            continue
        # After the command in brackets: utime, stime, cutime and cstime are fields 14 to 17 of all.
        ticks += sum(int(field) for field in stat.rpartition(")")[2].split()[11:15])
    return ticks / _TICKS_A_SECOND
