"""Starts the platform's processes in order, keeps them running and ends all of them together.

Two processes guard each other. The one a user sees (and kills) holds the terminal; below it, in a session of its
own, the supervisor starts everything else. Both are child subreapers:
- Ctrl-C, SIGTERM and SIGHUP are passed on: programs first, foundations (database, broker) after them;
- kill -9 of the visible process: the kernel sends the supervisor SIGTERM, which ends as above;
- kill -9 of the supervisor: orphans, however deep, become children of the visible process, which kills them;
- kill -9 of both: every program got a parent-death signal of its own.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from deploy.logs import Console, ProcessLog
from deploy.processes import (
    Program,
    StartError,
    become_subreaper,
    children,
    die_with_parent,
    kill_descendants,
    kill_tree,
    reap,
    signal_quietly,
    spawn,
)

# Together under the 10 seconds in which everything has to be gone.
PROGRAM_STOP_SECONDS = 4.0
FOUNDATION_STOP_SECONDS = 3.0
_STEADY_SECONDS = 30.0
_START_ATTEMPTS = 4
_LONGEST_PAUSE_SECONDS = 30.0
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class _Child:
    program: Program
    log: ProcessLog
    is_kept_running: bool
    process: subprocess.Popen[bytes] | None = None  # None while it is not running
    exit_code: int = 0
    started_at: float = 0.0
    crashes: int = 0


class Supervisor:
    def __init__(self, *, log_folder: Path, console: Console, cwd: Path) -> None:
        self.console = console
        self._log_folder = log_folder
        self._cwd = cwd
        self._children: list[_Child] = []
        self._stop_asked = asyncio.Event()
        self._is_stopping = False

    async def start(self, program: Program) -> None:
        """Returns when the program answers; it is started again whenever it ends."""
        child = self._add(program, is_kept_running=True)
        deadline = time.monotonic() + program.start_seconds
        while not (child.process and (program.answers is None or program.answers())):
            if time.monotonic() > deadline or child.crashes > _START_ATTEMPTS:
                child.log.show_tail()
                raise StartError(f"{program.name} 没有应答，见 {child.log.path}")
            await asyncio.sleep(0.05)
        state = "已就绪" if program.answers else "已启动"
        self.console.say(f"{program.name} {state}（{time.monotonic() - child.started_at:.1f} 秒）")

    async def run(self, program: Program) -> None:
        """Runs a program that ends by itself; StartError if it fails."""
        child = self._add(program, is_kept_running=False)
        deadline = time.monotonic() + program.start_seconds
        while child.process:
            if time.monotonic() > deadline:
                raise StartError(
                    f"{program.name} 超过 {program.start_seconds:.0f} 秒未结束，见 {child.log.path}"
                )
            await asyncio.sleep(0.02)
        self._children.remove(child)
        if child.exit_code:
            child.log.show_tail()
            raise StartError(f"{program.name} 失败（退出码 {child.exit_code}），见 {child.log.path}")
        child.log.close()

    async def serve(self, begin: Callable[["Supervisor"], Awaitable[None]]) -> int:
        """Runs `begin`, waits for a stop signal, stops everything. Returns the exit code."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._collect)
        for number in _STOP_SIGNALS:
            loop.add_signal_handler(number, self._ask_to_stop, number)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)
        beginning = asyncio.ensure_future(begin(self))
        stop = asyncio.ensure_future(self._stop_asked.wait())
        exit_code = 0
        try:
            await asyncio.wait((beginning, stop), return_when=asyncio.FIRST_COMPLETED)
            if beginning.done():
                beginning.result()
                await stop
        except* StartError as group:
            for error in group.exceptions:
                self.console.say(f"启动失败：{error}")
            exit_code = 1
        finally:
            beginning.cancel()
            await self._stop()
        return exit_code

    def _ask_to_stop(self, number: int) -> None:
        if not self._stop_asked.is_set():
            self.console.say(f"收到信号 {signal.Signals(number).name}")
        self._stop_asked.set()

    def _add(self, program: Program, *, is_kept_running: bool) -> _Child:
        log = ProcessLog(program.name, self._log_folder, self.console)
        child = _Child(program=program, log=log, is_kept_running=is_kept_running)
        self._children.append(child)
        self._spawn(child)
        return child

    def _spawn(self, child: _Child) -> None:
        if self._is_stopping:
            return
        reading, writing = os.pipe()
        try:
            child.process = spawn(child.program, cwd=self._cwd, output=writing)
        finally:
            os.close(writing)
        child.started_at = time.monotonic()
        os.set_blocking(reading, False)
        asyncio.get_running_loop().add_reader(reading, self._read, child, reading)

    def _read(self, child: _Child, reading: int) -> None:
        if data := os.read(reading, 65536):
            child.log.feed(data)
        else:
            asyncio.get_running_loop().remove_reader(reading)
            os.close(reading)

    def _collect(self) -> None:
        for pid, exit_code in reap():
            for child in self._children:
                if child.process and child.process.pid == pid:
                    child.process.returncode = exit_code
                    self._ended(child, exit_code)
        if not self._is_stopping:
            self._kill_strays()

    def _ended(self, child: _Child, exit_code: int) -> None:
        child.process, child.exit_code = None, exit_code
        if self._is_stopping or not child.is_kept_running:
            return
        if time.monotonic() - child.started_at > _STEADY_SECONDS:
            child.crashes = 0
        pause = min(0.5 * 2**child.crashes, _LONGEST_PAUSE_SECONDS)
        child.crashes += 1
        child.log.show_tail()
        self.console.say(f"{child.program.name} 意外退出（退出码 {exit_code}），{pause:.1f} 秒后重启")
        asyncio.get_running_loop().call_later(pause, self._spawn, child)

    def _kill_strays(self) -> None:
        """What a crashed program left behind is ours now, and would keep its port or its stream."""
        ours = {child.process.pid for child in self._children if child.process}
        for pid in children(os.getpid()):
            if pid not in ours:
                kill_tree(pid)

    async def _stop(self) -> None:
        self._is_stopping = True
        self.console.say("正在停止…")
        programs = [child for child in self._children if not child.program.is_foundation]
        foundations = [child for child in self._children if child.program.is_foundation]
        await self._stop_all(programs, seconds=PROGRAM_STOP_SECONDS)
        await self._stop_all(foundations, seconds=FOUNDATION_STOP_SECONDS)
        kill_descendants(os.getpid())
        self.console.say("已全部停止")

    async def _stop_all(self, stopped: list[_Child], *, seconds: float) -> None:
        for child in stopped:
            if child.process:
                signal_quietly(child.process.pid, child.program.stop_signal)
        deadline = time.monotonic() + seconds
        while any(child.process for child in stopped) and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        for child in stopped:
            if child.process:
                self.console.say(f"{child.program.name} 在 {seconds:.0f} 秒内没有退出，强制结束")
                kill_tree(child.process.pid)


def supervise(
    begin: Callable[[Supervisor], Awaitable[None]], *, log_folder: Path, cwd: Path, is_verbose: bool = False
) -> int:
    """Splits into the visible process and the supervisor; returns the exit code in the visible one only."""
    is_coloured = sys.stdout.isatty()
    sys.stdout.flush()
    reading, writing = os.pipe()
    become_subreaper()
    visible_pid = os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    supervisor_pid = os.fork()
    if supervisor_pid:
        os.close(writing)
        return _guard(supervisor_pid, reading)
    exit_code = 1
    try:
        os.setsid()
        os.close(reading)
        die_with_parent(visible_pid, signal.SIGTERM)
        become_subreaper()
        console = Console(writing, is_coloured=is_coloured, is_verbose=is_verbose)
        exit_code = asyncio.run(_serve(begin, log_folder, console, cwd))
    except BaseException:  # noqa: BLE001 - a process border: the forked half must never return
        traceback.print_exc()
    finally:
        os._exit(exit_code)


async def _serve(
    begin: Callable[[Supervisor], Awaitable[None]], log_folder: Path, console: Console, cwd: Path
) -> int:
    return await Supervisor(log_folder=log_folder, console=console, cwd=cwd).serve(begin)


def _guard(supervisor_pid: int, reading: int) -> int:
    """The visible process: copies the supervisor's lines to the terminal and passes signals on."""
    for number in _STOP_SIGNALS:
        signal.signal(number, lambda number, _frame: signal_quietly(supervisor_pid, signal.Signals(number)))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)
    while data := os.read(reading, 65536):
        try:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        except OSError:  # the terminal is gone; the platform goes on until it is told to stop
            continue
    _, status = os.waitpid(supervisor_pid, 0)
    kill_descendants(os.getpid())
    return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 1
