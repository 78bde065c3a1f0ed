"""Lets ffmpegs start one after the other: many cameras opened at once lose some of them."""

import asyncio
import enum
import heapq
import itertools
import time

STARTS_A_SECOND = 7


class Urgency(enum.IntEnum):
    PUSH = 0  # somebody waits for the pictures
    LOOK = 1  # a push waits for what it finds
    MEASURE = 2  # nobody waits


class StartGate:
    """The more urgent go first, those alike in the order they came."""

    def __init__(self, a_second: float = STARTS_A_SECOND) -> None:
        self._interval = 1 / a_second
        self._next_at = 0.0
        self._numbers = itertools.count()
        self._waiting: list[tuple[Urgency, int, asyncio.Future[None]]] = []
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self, urgency: Urgency = Urgency.PUSH) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (urgency, next(self._numbers), turn))
        if self._timer is None:
            self._let_through()
        await turn

    def _let_through(self) -> None:
        self._timer = None
        while self._waiting:
            now = time.monotonic()
            if now < self._next_at:
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(self._next_at - now, self._let_through)
                return
            _, _, turn = heapq.heappop(self._waiting)
            # Whoever does not wait any more takes no place.
            if not turn.done():
                self._next_at = now + self._interval
                turn.set_result(None)
