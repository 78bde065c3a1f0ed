"""Request bodies are received within a time: whoever drips or stops holds nothing of the server for long."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from typing import Any

from django.conf import settings

from access.stalls import Awaited, watch

_LARGEST_PIECE = 256 * 1024
# A piece is no larger than what comes within this time at the pace so far.
_PIECE_SECONDS = 0.5


class BodyTooSlowError(OSError):
    """The body was not there in time. Django makes UnreadablePostError of it, as of every OSError."""


class TooManyBodiesError(OSError):
    """The caller has as many bodies under way as it may."""


class _UnderWay:
    """How many bodies each caller is sending: each holds a thread that sleeps, until it ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[Hashable] = Counter()

    def begin(self, caller: Hashable) -> None:
        with self._lock:
            if self._counts[caller] >= settings.BODIES_AT_ONCE:
                raise TooManyBodiesError
            self._counts[caller] += 1

    def end(self, caller: Hashable) -> None:
        with self._lock:
            self._counts[caller] -= 1
            if not self._counts[caller]:
                del self._counts[caller]


_under_way = _UnderWay()


class TimedBody:
    """`wsgi.input` whose end comes in time, or BodyTooSlowError.

    The server's own `read` returns when all it was asked for is there, so it is asked for little of what
    comes slowly, and its connection is closed where nothing comes at all (access/stalls.py).

    `whose` tells the caller when the body is first asked for; `aside` is entered while it is waited for.
    """

    def __init__(
        self,
        stream: Any,
        peer: str,
        whose: Callable[[], Hashable],
        aside: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.readline = stream.readline
        self.was_given_up = False
        self._stream, self._peer, self._whose, self._aside = stream, peer, whose, aside
        self._arrived = time.monotonic()
        self._begun = 0.0
        self._received = 0

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, fewer at the end of the body."""
        caller = self._whose()
        _under_way.begin(caller)
        with self._aside():
            try:
                return self._receive(size)
            finally:
                _under_way.end(caller)

    def closing_when_given_up(self, start_response: Callable[..., Any]) -> Callable[..., Any]:
        """What of the body may still come must not be taken for the next request."""

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            if self.was_given_up:
                headers = [*headers, ("Connection", "close")]
            return start_response(status, headers, *error)

        return start

    def _receive(self, size: int) -> bytes:
        self._begun = self._begun or time.monotonic()
        pieces = []
        wanted = 1
        while size:
            awaited = Awaited(self._peer, self._arrived, time.monotonic(), self._deadline)
            with watch(awaited):
                piece = self._stream.read(min(size, wanted))
            now = time.monotonic()
            if now > self._deadline or (awaited.was_cut and not piece):
                self.was_given_up = True
                raise BodyTooSlowError
            if not piece:
                break
            pieces.append(piece)
            size -= len(piece)
            self._received += len(piece)
            pace = self._received / max(now - self._begun, 1e-6)
            wanted = max(1, min(2 * wanted, int(pace * _PIECE_SECONDS), _LARGEST_PIECE))
        return b"".join(pieces)

    @property
    def _deadline(self) -> float:
        """Who keeps the pace has all the time that takes."""
        allowed: float = settings.BODY_SECONDS + self._received / settings.BODY_BYTES_PER_SECOND
        return self._begun + allowed
