"""Whose turn it is: no media server takes all places, and cameras in doubt wait for the others."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from streaming.selectors import CaptureTarget

Targets = Callable[[Iterable[int]], list[CaptureTarget]]

# Addresses are signed for so many cameras at a time.
_SIGNED_AT_ONCE = 48
# An address is good for 30 s; one that waited longer than this is signed again.
_OLDEST_SECONDS = 20


@dataclass
class Turns:
    """The cameras of a shard in the order in which they may be asked. Not for several threads.

    `in_doubt` had a stream and gave no picture the last time. They begin when all others have begun, and none of
    them after `doubt_until` (of the monotonic clock).
    """

    sure: Sequence[int]
    in_doubt: Sequence[int]
    sign: Targets
    per_server: int
    doubt_until: float
    # By camera, of those that have been signed: host and port.
    servers: dict[int, str] = field(default_factory=dict)
    _reading: Counter[str] = field(default_factory=Counter)
    _waiting: dict[str, deque[tuple[CaptureTarget, float]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._sure = self._signed(self.sure)
        self._doubtful = self._signed(self.in_doubt)

    def take(self) -> CaptureTarget | None:
        """Who is next; None when nobody may begin before one that is being read has come back."""
        for server, queue in self._waiting.items():
            if self._reading[server] < self.per_server:
                target, signed_at = queue.popleft()
                if not queue:
                    del self._waiting[server]
                return self._begin(target, server, signed_at)
        return self._next_of(self._sure) or self._next_in_doubt()

    def leave(self, target: CaptureTarget) -> None:
        """It has been read."""
        self._reading[_server_of(target)] -= 1

    def _next_in_doubt(self) -> CaptureTarget | None:
        if self._waiting or time.monotonic() >= self.doubt_until:
            return None
        return self._next_of(self._doubtful)

    def _next_of(self, targets: Iterator[CaptureTarget]) -> CaptureTarget | None:
        for target in targets:
            server = _server_of(target)
            if target.url is None:
                return target
            if self._reading[server] < self.per_server:
                self._reading[server] += 1
                return target
            self._waiting.setdefault(server, deque()).append((target, time.monotonic()))
        return None

    def _begin(self, target: CaptureTarget, server: str, signed_at: float) -> CaptureTarget:
        if time.monotonic() - signed_at > _OLDEST_SECONDS:
            (target,) = self.sign([target.camera_id]) or [target]
            if target.url is None:
                return target
            server = _server_of(target)
        self._reading[server] += 1
        return target

    def _signed(self, ids: Sequence[int]) -> Iterator[CaptureTarget]:
        for begin in range(0, len(ids), _SIGNED_AT_ONCE):
            for target in self.sign(ids[begin : begin + _SIGNED_AT_ONCE]):
                self.servers[target.camera_id] = _server_of(target)
                yield target


def _server_of(target: CaptureTarget) -> str:
    return urlsplit(target.url).netloc if target.url else ""
