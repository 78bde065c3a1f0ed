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

from gateway.adapters.base import Feed

_PR_SET_PDEATHSIG = 1
_PIPE_BYTES = 1 << 20
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
    """A running ffmpeg; `frames` counts what it has sent."""

    def __init__(self, process: asyncio.subprocess.Process, feed: Feed | None) -> None:
        self._process = process
        self._feed = feed
        self._tail: deque[str] = deque(maxlen=12)
        self.frames = 0
        self._done = asyncio.gather(self._read_progress(), self._read_messages(), process.wait())

    @classmethod
    async def start(cls, arguments: Sequence[str], feed: Feed | None) -> "FfmpegProcess":
        """Raises OSError when ffmpeg cannot be executed."""
        if feed is None:
            return cls(await spawn(arguments, asyncio.subprocess.DEVNULL), None)
        reading, writing = os.pipe()
        try:
            # A refused size (kernel limits per user) only means more, smaller writes.
            with contextlib.suppress(OSError):
                fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
            process = await spawn(arguments, reading)
        except BaseException:
            os.close(writing)
            raise
        finally:
            os.close(reading)
        feed.open(writing)
        return cls(process, feed)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def messages(self) -> list[str]:
        """The last warnings and errors, secrets blotted out."""
        return list(self._tail)

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

    async def _read_progress(self) -> None:
        stdout = self._process.stdout
        if stdout is None:
            return
        while chunk := await stdout.read(4096):
            counts = _FRAME.findall(chunk)
            if counts:
                self.frames = int(counts[-1])

    async def _read_messages(self) -> None:
        stderr = self._process.stderr
        if stderr is None:
            return
        rest = ""
        while chunk := await stderr.read(4096):
            *lines, rest = (rest + chunk.decode(errors="replace")).split("\n")
            rest = rest[-2000:]
            self._tail.extend(_SECRETS.sub("***", line.strip())[:300] for line in lines if line.strip())


async def spawn(arguments: Sequence[str], stdin: int) -> asyncio.subprocess.Process:
    """Raises OSError. Standard output and error are pipes; a Ctrl-C on the terminal does not reach it."""
    return await asyncio.create_subprocess_exec(
        *arguments,
        stdin=stdin,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        preexec_fn=_die_with(os.getpid()),
    )
