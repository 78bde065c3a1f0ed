"""One look after another at all running ffmpegs, twice a second: a timer for each would cost more than the looks."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5

Look = Callable[[float], None]


class Rounds:
    """Calls each look with the seconds since the last round."""

    def __init__(self, every_seconds: float = LOOK_SECONDS) -> None:
        self._every_seconds = every_seconds
        self._looks: list[Look] = []
        self._timer: asyncio.TimerHandle | None = None
        self._looked_at = 0.0

    @contextlib.contextmanager
    def take_in(self, look: Look) -> Iterator[None]:
        self._looks.append(look)
        if self._timer is None:
            self._wait()
        try:
            yield
        finally:
            self._looks.remove(look)

    def _wait(self) -> None:
        self._looked_at = time.monotonic()
        self._timer = asyncio.get_running_loop().call_later(self._every_seconds, self._go)

    def _go(self) -> None:
        # On a machine that stood still all ffmpegs would seem stuck: a late look counts as one.
        seconds = min(time.monotonic() - self._looked_at, 2 * self._every_seconds)
        self._timer = None
        if not self._looks:
            return
        self._wait()
        for look in list(self._looks):
            try:
                look(seconds)
            except Exception:
                logger.exception("one look failed")
