"""Kept connections to other platforms and gateways, and a deadline that holds for a whole request.

A read time-out alone bounds nothing: who sends a byte before each of them is out, of a header or of a chunk's
length, is never caught by it.
"""

import os
import socket
import threading
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final, Self

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from protocol.errors import RemoteError
from protocol.tls import TlsFileError, changed_at, client_context

# Connections kept per host and client; further threads open their own and close them afterwards.
_KEPT_CONNECTIONS: Final = 16
_KEPT_HOSTS: Final = 512
_here = threading.local()


class Deadline:
    """Within it, the request of this thread is cut off after `seconds`; `is_over` says that it was."""

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        _here.deadline = self
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        _here.deadline = None
        with self._lock:
            self._socket = None

    def check(self) -> None:
        """RemoteError when the request was cut off."""
        if self.is_over:
            raise RemoteError("对方的答复迟迟没有结束", is_timeout=True)

    def watch(self, used: socket.socket | None) -> None:
        with self._lock:
            self._socket = used
            if self.is_over:
                _shut(used)

    def _cut(self) -> None:
        with self._lock:
            self.is_over = True
            _shut(self._socket)


def _shut(used: socket.socket | None) -> None:
    if used is not None:
        with suppress(OSError):
            used.shutdown(socket.SHUT_RDWR)


class _Watched:
    """Shows its socket to the deadline of the thread that uses the connection."""

    sock: socket.socket | None

    def request(self, *args: Any, **kwargs: Any) -> None:
        # A kept connection has its socket already, a new one gets it on the way.
        self._show()
        super().request(*args, **kwargs)  # type: ignore[misc]
        self._show()

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self._show()

    def _show(self) -> None:
        deadline: Deadline | None = getattr(_here, "deadline", None)
        if deadline is not None:
            deadline.watch(self.sock)


class _HTTPConnection(_Watched, HTTPConnection):
    pass


class _HTTPSConnection(_Watched, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


def connection_pool(url: str, ca_file: str | None = None) -> urllib3.PoolManager:
    """Connections shared by all who call with that CA file; RemoteError when the file cannot be used."""
    if not url.startswith("https:"):
        return _plain_pool()
    # A CA file that was replaced gets a new pool.
    return _tls_pool(ca_file or None, changed_at(ca_file))


@lru_cache(maxsize=64)
def _tls_pool(ca_file: str | None, changed: int) -> urllib3.PoolManager:
    try:
        context = client_context(ca_file)
    except TlsFileError as error:
        raise RemoteError(str(error), permanent=True) from error
    return _pool(ssl_context=context)


@lru_cache(maxsize=1)
def _plain_pool() -> urllib3.PoolManager:
    return _pool()


def _pool(**more: Any) -> urllib3.PoolManager:
    pool = urllib3.PoolManager(num_pools=_KEPT_HOSTS, maxsize=_KEPT_CONNECTIONS, **more)
    pool.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
    return pool


def pinned_pool(
    scheme: str, host: str, address: str, port: int, ca_file: str | None = None
) -> HTTPConnectionPool:
    """Connections to one IP address, which must prove by its certificate to be `host`; close it after use.

    RemoteError when the CA file cannot be used.
    """
    if scheme != "https":
        return _HTTPPool(address, port, maxsize=1)
    try:
        context = client_context(ca_file)
    except TlsFileError as error:
        raise RemoteError(str(error), permanent=True) from error
    return _HTTPSPool(
        address, port, maxsize=1, ssl_context=context, server_hostname=host, assert_hostname=host
    )


def forget_connections() -> None:
    """Close what is kept open; the next request connects again."""
    _tls_pool.cache_clear()
    _plain_pool.cache_clear()


# A socket known to two processes would mix their answers.
os.register_at_fork(after_in_child=forget_connections)
