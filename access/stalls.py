"""Ends the connection of a client that stopped in the middle of a body.

The server waits for the rest without end and tells nobody which connection it is, so it is found among the
sockets of this process: the peer's, with nothing received and nothing answered since the body stopped.
"""

import contextlib
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_LOOK_SECONDS = 0.5
# How far apart clocks of kernel and process may be, about the same moment.
_SLACK_SECONDS = 0.25
# struct tcp_info of Linux, in milliseconds: 8 bytes, 9 numbers, last sent, one more, last received.
_TCP_INFO = struct.Struct("=8x36xI4xI")


@dataclass(eq=False)
class Awaited:
    """A read that waits since `since`, too long from `until` on; its request `arrived` (monotonic seconds)."""

    peer: str
    arrived: float
    since: float
    until: float
    was_cut: bool = False


_awaited: set[Awaited] = set()
_wanted = threading.Event()
_start = threading.Lock()
_watcher: threading.Thread | None = None


@contextmanager
def watch(awaited: Awaited) -> Iterator[None]:
    global _watcher
    with _start:
        if _watcher is None or not _watcher.is_alive():
            _watcher = threading.Thread(target=_look, daemon=True, name="stalled bodies")
            _watcher.start()
        _awaited.add(awaited)
        _wanted.set()
    try:
        yield
    finally:
        with _start:
            _awaited.discard(awaited)


def _look() -> None:
    while True:
        _wanted.wait()
        time.sleep(_LOOK_SECONDS)
        now = time.monotonic()
        with _start:
            if not _awaited:
                _wanted.clear()
            waiting = list(_awaited)
        if any(awaited.until < now for awaited in waiting):
            _cut(waiting, now)


def _cut(waiting: list[Awaited], now: float) -> None:
    """Of several that stopped at about the same moment nobody can say whose connection is whose: all are marked."""
    for connection in _connections():
        with contextlib.closing(connection), contextlib.suppress(OSError):
            peer = connection.getpeername()[0]
            sent_ms, received_ms = _TCP_INFO.unpack(
                connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
            )
            # Answered since, unless that was "100 Continue", or an answer so quick that nothing is lost.
            if received_ms - sent_ms > 1000 * _SLACK_SECONDS:
                continue
            silent_since = time.monotonic() - received_ms / 1000
            alike = [
                awaited
                for awaited in waiting
                if awaited.peer == peer
                and awaited.arrived - _SLACK_SECONDS < silent_since < awaited.since + _SLACK_SECONDS
            ]
            if any(awaited.until < now for awaited in alike):
                for awaited in alike:
                    awaited.was_cut = True
                # Only the receiving half: the answer still goes out.
                connection.shutdown(socket.SHUT_RD)


def _connections() -> Iterator[socket.socket]:
    """A second handle of each TCP socket of this process."""
    for name in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if name.is_socket():
                found = socket.socket(fileno=os.dup(int(name.name)))
                if found.family in (socket.AF_INET, socket.AF_INET6):
                    yield found
                else:
                    found.close()
