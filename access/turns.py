"""Whose request is worked on next: who sends many at once waits behind itself, not in front of others."""

import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Hashable


class Turns:
    """At most `total` requests are worked on at once, `most` of them of one caller.

    Where there is a choice, it is the turn of whoever has fewest being worked on, then of whoever was
    chosen longest ago. Nobody is refused.
    """

    def __init__(self, total: int, most: int) -> None:
        self._free = total
        self._most = most
        self._lock = threading.Lock()
        self._working: Counter[Hashable] = Counter()
        # Of each caller the requests that wait, first come first served; callers in the order of choice.
        self._waiting: OrderedDict[Hashable, deque[Callable[[], None]]] = OrderedDict()

    def take(self, caller: Hashable) -> None:
        """Returns when it is this request's turn; `give_back` ends it. Meanwhile the thread sleeps."""
        called = threading.Lock()
        called.acquire()
        self.ask(caller, called.release)
        called.acquire()

    def ask(self, caller: Hashable, call: Callable[[], None]) -> None:
        """`call`, which must not block, is called when it is this request's turn: at once, perhaps."""
        with self._lock:
            # Whoever waits while a place is free has reached its own bound.
            if self._free and self._working[caller] < self._most:
                self._begin(caller, call)
            else:
                self._waiting.setdefault(caller, deque()).append(call)

    def give_back(self, caller: Hashable) -> None:
        with self._lock:
            self._free += 1
            self._working[caller] -= 1
            if not self._working[caller]:
                del self._working[caller]
            self._call_next()

    def _call_next(self) -> None:
        able = [caller for caller in self._waiting if self._working[caller] < self._most]
        if not able:
            return
        caller = min(able, key=self._working.__getitem__)
        queue = self._waiting[caller]
        call = queue.popleft()
        if queue:
            self._waiting.move_to_end(caller)
        else:
            del self._waiting[caller]
        self._begin(caller, call)

    def _begin(self, caller: Hashable, call: Callable[[], None]) -> None:
        self._free -= 1
        self._working[caller] += 1
        call()
