"""One thread draws all simulated cameras, 25 times a second, and writes to their ffmpegs.

A pipe that is full gets nothing: one ffmpeg that stands still must not stop the others.
"""

import contextlib
import logging
import os
import select
import threading
import time
from collections.abc import Callable

from gateway.scene.canvas import Bytes

logger = logging.getLogger(__name__)

Draw = Callable[[float], Bytes]
"""Draws the picture of this moment (time.monotonic) and gives its bytes, valid until the next call."""

# A stream that lost frames catches up by showing one twice, so that its time does not fall behind.
_MOST_BEHIND = 25
_RASTER_SECONDS = 0.01


class Output:
    """The pictures of one channel on their way into a pipe."""

    def __init__(self, descriptor: int, framerate: int, draw: Draw, now: float) -> None:
        self.descriptor = descriptor
        self.period = 1 / framerate
        # A common raster, so that the thread wakes for several outputs at once.
        self.next_at = now - now % _RASTER_SECONDS + _RASTER_SECONDS
        self.rest: memoryview | None = None
        self.is_broken = False
        self.is_leaving = False
        self._draw = draw
        self._sent = 0
        self._began_at = now
        self._repeat: Bytes | None = None
        os.set_blocking(descriptor, False)

    def tick(self, now: float) -> None:
        """Draw what is due at `now`, unless the last picture has not left yet."""
        self.next_at += self.period
        if self.next_at < now:
            self.next_at = now + self.period
        if self.rest is not None or self.is_broken:
            return
        picture = self._draw(now)
        due = int((now - self._began_at) / self.period) + 1
        behind = due - self._sent
        if behind > _MOST_BEHIND:
            self._began_at += (behind - 1) * self.period
            behind = 1
        self._repeat = picture if behind > 1 else None
        self._send(picture)

    def flush(self) -> None:
        """Write as much as the pipe takes."""
        while self.rest is not None and not self.is_broken:
            try:
                written = os.write(self.descriptor, self.rest)
            except BlockingIOError:
                return
            except OSError:
                self.is_broken = True
                return
            if written < len(self.rest):
                self.rest = self.rest[written:]
                continue
            self.rest = None
            repeat, self._repeat = self._repeat, None
            if repeat is not None:
                self._send(repeat)

    def _send(self, picture: Bytes) -> None:
        self._sent += 1
        self.rest = picture.data
        self.flush()

    def leave(self) -> None:
        """Nothing more is drawn; the pipe is closed by the drawing thread."""
        self.is_leaving = True

    def close(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self.descriptor)


class Studio:
    """The drawing thread. It runs while there is something to draw."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._outputs: list[Output] = []
        self._thread: threading.Thread | None = None

    def add(self, descriptor: int, framerate: int, draw: Draw) -> Output:
        """The studio owns the descriptor from now on."""
        output = Output(descriptor, framerate, draw, time.monotonic())
        with self._lock:
            self._outputs.append(output)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="studio")
                self._thread.start()
        return output

    def _run(self) -> None:
        while (outputs := self._present()) is not None:
            now = time.monotonic()
            for output in outputs:
                output.flush()
                if output.next_at <= now:
                    self._tick(output, now)
            self._wait(outputs)

    def _present(self) -> list[Output] | None:
        """The outputs still wanted. The others are closed here, in the thread that writes to them:
        elsewhere the number could already stand for another file."""
        with self._lock:
            for output in self._outputs:
                if output.is_leaving:
                    output.close()
            self._outputs = [output for output in self._outputs if not output.is_leaving]
            if not self._outputs:
                self._thread = None
                return None
            return list(self._outputs)

    @staticmethod
    def _tick(output: Output, now: float) -> None:
        try:
            output.tick(now)
        except Exception:
            # The border of the thread: a scene that cannot be drawn must not take the others along.
            logger.exception("a scene cannot be drawn")
            output.is_broken = True

    @staticmethod
    def _wait(outputs: list[Output]) -> None:
        seconds = max(min(output.next_at for output in outputs) - time.monotonic(), 0.0)
        waiting = [output for output in outputs if output.rest is not None and not output.is_broken]
        if not waiting:
            time.sleep(seconds)
            return
        poll = select.poll()
        for output in waiting:
            poll.register(output.descriptor, select.POLLOUT)
        poll.poll(seconds * 1000)
