"""One ffmpeg process: started so that it cannot outlive the gateway, watched, stopped."""

import asyncio
import contextlib
import ctypes
import fcntl
import os
import re
import signal
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from gateway.adapters.base import Feed

_PR_SET_PDEATHSIG = 1
_PIPE_BYTES = 1 << 20
_PROGRESS_BYTES = 1 << 16
_LIBC = ctypes.CDLL(None, use_errno=True)

_FRAME = re.compile(rb"frame=\s*(\d+)")
# authInfo and camera passwords appear in ffmpeg's messages.
_SECRETS = re.compile(r"(?<=://)[^/@\s]+(?=@)|(?<=\?)[^\s'\"]+")

# Ending in order takes up to 0.35 s; nobody downstream needs it.
STOP_SECONDS = 0.4


def _die_with(parent: int) -> Callable[[], None]:
    """Runs in the child between fork and exec: the kernel kills it when the gateway is gone."""

    def prepare() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


class FfmpegProcess:
    """A running ffmpeg; `frames` is what it had sent when `count_frames` was called last."""

    def __init__(self, process: asyncio.subprocess.Process, progress: int, feed: Feed | None) -> None:
        self._process = process
        self._progress = progress
        self._feed = feed
        self._tail: deque[str] = deque(maxlen=12)
        self.frames = 0
        self._done = asyncio.gather(self._read_messages(), process.wait())
        self._done.add_done_callback(lambda _: os.close(progress))

    @classmethod
    async def start(cls, arguments: Sequence[str], feed: Feed | None) -> "FfmpegProcess":
        """Raises OSError when ffmpeg cannot be executed."""
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        try:
            process = await _spawn_fed(arguments, writing, feed)
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        return cls(process, reading, feed)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def messages(self) -> list[str]:
        """The last warnings and errors, secrets blotted out."""
        return list(self._tail)

    def count_frames(self) -> int:
        """Reads what ffmpeg has told of its progress. Not called for a minute, the pipe fills and ffmpeg waits.

        By hand and not by a stream: woken for each report of a hundred channels, the gateway itself
        took a sixth of a core.
        """
        if not self._done.done():
            with contextlib.suppress(BlockingIOError):
                counts = _FRAME.findall(os.read(self._progress, _PROGRESS_BYTES))
                self.frames = int(counts[-1]) if counts else self.frames
        return self.frames

    async def until_ended(self, unless: asyncio.Future[Any]) -> None:
        """Until the process has ended, or the other is done."""
        await asyncio.wait({self._done, unless}, return_when=asyncio.FIRST_COMPLETED)

    async def wait(self, seconds: float) -> bool:
        """Whether the process ended within that time."""
        done, _ = await asyncio.wait({self._done}, timeout=seconds)
        return bool(done)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL: a peer that accepts and never answers makes ffmpeg deaf to the first."""
        self.release()
        self._signal(signal.SIGTERM)
        if not await self.wait(STOP_SECONDS):
            self.kill()
            await self.wait(STOP_SECONDS)

    def release(self) -> None:
        if self._feed is not None:
            self._feed.close()
            self._feed = None

    def _signal(self, number: int) -> None:
        # Not by asyncio: its way polls first and takes the exit status away from the child watcher.
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, number)

    async def _read_messages(self) -> None:
        stderr = self._process.stderr
        if stderr is None:
            return
        rest = ""
        while chunk := await stderr.read(4096):
            *lines, rest = (rest + chunk.decode(errors="replace")).split("\n")
            rest = rest[-2000:]
            self._tail.extend(_SECRETS.sub("***", line.strip())[:300] for line in lines if line.strip())


async def _spawn_fed(arguments: Sequence[str], stdout: int, feed: Feed | None) -> asyncio.subprocess.Process:
    if feed is None:
        return await spawn(arguments, asyncio.subprocess.DEVNULL, stdout)
    reading, writing = os.pipe()
    try:
        # A refused size (kernel limits per user) only means more, smaller writes.
        with contextlib.suppress(OSError):
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        process = await spawn(arguments, reading, stdout)
    except BaseException:
        os.close(writing)
        raise
    finally:
        os.close(reading)
    feed.open(writing)
    return process


async def spawn(
    arguments: Sequence[str], stdin: int, stdout: int = asyncio.subprocess.PIPE
) -> asyncio.subprocess.Process:
    """Raises OSError. Standard error is a pipe; a Ctrl-C on the terminal does not reach the process."""
    return await asyncio.create_subprocess_exec(
        *arguments,
        stdin=stdin,
        stdout=stdout,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        preexec_fn=_die_with(os.getpid()),
    )
