"""Child processes that never outlive the one that started them (Linux)."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


class StartError(Exception):
    """A program ended or did not answer in time while it was being started."""


@dataclass(frozen=True)
class Program:
    """How one process is started, seen to answer and stopped."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    answers: Callable[[], bool] | None = None
    start_seconds: float = 30.0


def become_subreaper() -> None:
    """Makes orphaned descendants children of this process instead of children of init."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent(parent_pid: int, stop_signal: signal.Signals) -> None:
    """Runs in the child. The kernel watches the parent's thread, so programs are started from the main one."""
    _libc.prctl(_PR_SET_PDEATHSIG, stop_signal.value, 0, 0, 0)
    if os.getppid() != parent_pid:  # the parent died before the line above
        os._exit(1)


def spawn(
    program: Program, *, cwd: Path | None = None, output: int | IO[bytes] = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """Starts the program in a session of its own, so that a terminal's Ctrl-C reaches only the supervisor."""
    parent_pid = os.getpid()
    return subprocess.Popen(
        program.argv,
        cwd=cwd,
        env={**os.environ, **program.env},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=lambda: die_with_parent(parent_pid, program.stop_signal),  # noqa: PLW1509
    )


def descendants(pid: int) -> list[int]:
    """Children, grandchildren and so on, whatever session or process group they moved to."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (parent := _parent_of(entry)) is not None:
            children.setdefault(parent, []).append(int(entry.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def _parent_of(entry: Path) -> int | None:
    try:
        stat = (entry / "stat").read_bytes()
    except OSError:
        return None
    # The command stands in brackets and may hold blanks and brackets itself.
    return int(stat.rpartition(b")")[2].split()[1])


def signal_quietly(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def kill_descendants(pid: int, *, seconds: float = 3.0) -> list[int]:
    """SIGKILL to everything below `pid` until nothing is left; returns what was. Reaps them too."""
    killed: list[int] = []
    deadline = time.monotonic() + seconds
    while (left := descendants(pid)) and time.monotonic() < deadline:
        for child in left:
            signal_quietly(child, signal.SIGKILL)
        killed += [child for child in left if child not in killed]
        reap()
        time.sleep(0.02)
    return killed


def reap() -> list[tuple[int, int]]:
    """Collects ended children, adopted orphans included: pairs of pid and exit code (negative: a signal)."""
    ended: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended.append((pid, os.waitstatus_to_exitcode(status)))


def wait_for_end(processes: Iterable[subprocess.Popen[bytes]], *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return False
    return True
