"""What was done to each camera, and when; which cameras were in two requests at once."""

import asyncio
import itertools
import socket
import time
from collections import deque
from collections.abc import Iterable
from typing import Any

_MOST_EVENTS_OF_A_CAMERA = 2000
_MOST_OVERLAPS = 1000


class History:
    """By lower-case number, in order: `record` (None: deleted), `status`, `quality` as they were applied."""

    def __init__(self) -> None:
        self.events: dict[str, deque[dict[str, Any]]] = {}

    def add_all(self, what: str, pairs: Iterable[tuple[str, Any]]) -> None:
        now = time.time()
        for key, value in pairs:
            events = self.events.setdefault(key, deque(maxlen=_MOST_EVENTS_OF_A_CAMERA))
            events.append({"at": now, "what": what, "value": value})


class Ticket:
    """One request's stay; it ends with `leave`, or with its connection."""

    def __init__(
        self, watch: "Watch", verb: str, cameras: tuple[str, ...], transport: asyncio.BaseTransport | None
    ) -> None:
        self.number = next(watch.numbers)
        self.verb = verb
        self.cameras = cameras
        self.began_at = time.time()
        self._watch = watch
        self._transport = transport

    def is_dropped(self) -> bool:
        """Asks the socket itself: the end of a connection may have come in and not have been told yet."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return True
        connection = transport.get_extra_info("socket")
        if connection is None or connection.fileno() < 0:
            return True
        with connection.dup() as twin:
            try:
                return not twin.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
            except BlockingIOError:
                return False
            except OSError:
                return True

    def leave(self) -> None:
        self._watch.leave(self)

    def told(self) -> dict[str, Any]:
        return {"request": self.number, "verb": self.verb, "began_at": self.began_at}


class Watch:
    """Every request that names cameras comes in and goes out here."""

    def __init__(self) -> None:
        self.numbers = itertools.count(1)
        self.overlaps: deque[dict[str, Any]] = deque(maxlen=_MOST_OVERLAPS)
        # How many requests were inside at the same moment, at most.
        self.most_inside = 0
        self._inside: dict[str, list[Ticket]] = {}
        self._tickets: set[Ticket] = set()

    def enter(self, verb: str, cameras: tuple[str, ...], transport: asyncio.BaseTransport | None) -> Ticket:
        ticket = Ticket(self, verb, cameras, transport)
        for key in cameras:
            for other in list(self._inside.get(key, ())):
                if other.is_dropped():
                    other.leave()
                else:
                    told = {
                        "camera": key,
                        "at": ticket.began_at,
                        "first": other.told(),
                        "second": ticket.told(),
                    }
                    self.overlaps.append(told)
            self._inside.setdefault(key, []).append(ticket)
        self._tickets.add(ticket)
        self.most_inside = max(self.most_inside, len(self._tickets))
        return ticket

    def leave(self, ticket: Ticket) -> None:
        self._tickets.discard(ticket)
        for key in ticket.cameras:
            inside = self._inside.get(key, [])
            if ticket in inside:
                inside.remove(ticket)
            if not inside:
                self._inside.pop(key, None)
