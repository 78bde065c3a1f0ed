"""How the web server's threads are shared out: a turn and a database connection for each request."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from access.bodies import TimedBody
from access.callers import known_partner
from access.chunked import WsgiApplication, has_body
from access.proxies import client_in
from access.turns import Turns


class _Connections:
    """Database connections that go with the turn: there are many more threads than turns."""

    def __init__(self) -> None:
        self._spare: list[BaseDatabaseWrapper] = []

    def lend(self) -> None:
        """The one used last, as it is the most likely to be open, becomes that of this thread."""
        try:
            lent = self._spare.pop()
        except IndexError:
            lent = connections.create_connection(DEFAULT_DB_ALIAS)
            lent.inc_thread_sharing()
        connections[DEFAULT_DB_ALIAS] = lent

    def take_back(self) -> None:
        self._spare.append(connections[DEFAULT_DB_ALIAS])
        del connections[DEFAULT_DB_ALIAS]


class _Turn:
    """The turn of one request."""

    def __init__(self, turns: Turns, lent: _Connections, caller: Hashable) -> None:
        self._turns, self._lent, self._caller = turns, lent, caller

    def begin(self) -> None:
        self._turns.take(self._caller)
        self._lent.lend()

    def end(self) -> None:
        self._lent.take_back()
        self._turns.give_back(self._caller)

    @contextmanager
    def left_to_others(self) -> Iterator[None]:
        """While the client is waited for; not within a transaction, which is bound to its connection."""
        if connections[DEFAULT_DB_ALIAS].in_atomic_block:
            yield
            return
        self.end()
        try:
            yield
        finally:
            self.begin()


class _Stream:
    """An answer that is still being made while it is sent; its turn ends with it."""

    def __init__(self, pieces: Iterable[bytes], turn: _Turn) -> None:
        self._pieces, self._turn = pieces, turn

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    def close(self) -> None:
        try:
            getattr(self._pieces, "close", bool)()
        finally:
            self._turn.end()


def in_turn(application: WsgiApplication) -> WsgiApplication:
    """`application` with its requests shared out among callers, and their bodies received in time."""
    turns = Turns(settings.REQUESTS_AT_ONCE, settings.CALLER_REQUESTS_AT_ONCE)
    lent = _Connections()

    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def whose() -> Hashable:
            return known_partner(environ) or client_in(environ)

        turn = _Turn(turns, lent, whose())
        if has_body(environ):
            body = environ["wsgi.input"] = TimedBody(
                environ["wsgi.input"], environ.get("REMOTE_ADDR", ""), whose, turn.left_to_others
            )
            start_response = body.closing_when_given_up(start_response)
        turn.begin()
        try:
            answer = application(environ, start_response)
            if getattr(answer, "streaming", True):
                return _Stream(answer, turn)
            pieces = _whole(answer)
        except BaseException:
            turn.end()
            raise
        # Sent without a turn, so that a client who reads slowly holds none.
        turn.end()
        return pieces

    return call


def _whole(answer: Any) -> list[bytes]:
    try:
        return list(answer)
    finally:
        answer.close()
