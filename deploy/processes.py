"""Child processes that never outlive the one that started them (Linux)."""

import contextlib
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
# Looked up here and not in a forked child, where another thread's lock may be held for ever.
_prctl = ctypes.CDLL(None).prctl


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
    # Others stand on it: it is stopped after them.
    is_foundation: bool = False


def become_subreaper() -> None:
    """Makes orphaned descendants children of this process instead of children of init."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent(parent_pid: int, stop_signal: signal.Signals) -> None:
    """Runs in the child. The kernel watches the parent's thread, so programs are started from the main one."""
    _prctl(_PR_SET_PDEATHSIG, stop_signal.value, 0, 0, 0)
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
        preexec_fn=lambda: die_with_parent(parent_pid, program.stop_signal),
    )


def children(pid: int) -> list[int]:
    return _children_of_all().get(pid, [])


def descendants(pid: int) -> list[int]:
    """Children, grandchildren and so on, whatever session or process group they moved to."""
    children_of = _children_of_all()
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children_of.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def _children_of_all() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (parent := _parent_of(entry)) is not None:
            found.setdefault(parent, []).append(int(entry.name))
    return found


def _parent_of(entry: Path) -> int | None:
    try:
        stat = (entry / "stat").read_bytes()
    except OSError:
        return None
    # The command stands in brackets and may hold blanks and brackets itself.
    return int(stat.rpartition(b")")[2].split()[1])


def signal_quietly(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def kill_tree(pid: int) -> None:
    for each in (*descendants(pid), pid):
        signal_quietly(each, signal.SIGKILL)


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
