"""One address cannot take all HTTP connections away from the others."""

import contextlib
import socket
from collections.abc import Callable, Iterator

import pytest

from tests.streaming.embedded.conftest import Media
from tests.streaming.embedded.peers import DEADLINE_SECONDS, until

GREEDY, MODEST = "127.0.0.3", "127.0.0.4"


class Crowd:
    """Connections that stay open, from any address of this machine."""

    def __init__(self, port: int, stack: contextlib.ExitStack) -> None:
        self._port = port
        self._stack = stack

    def joined_by(self, address: str, request: bytes = b"") -> socket.socket | None:
        """The connection when it is answered, None when it is closed at once."""
        peer = self._stack.enter_context(
            socket.create_connection(
                ("127.0.0.1", self._port), timeout=DEADLINE_SECONDS, source_address=(address, 0)
            )
        )
        try:
            peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: media\r\n" + request + b"\r\n")
            return peer if peer.recv(65536).startswith(b"HTTP/1.1 200") else None
        except ConnectionError:
            return None


@pytest.fixture
def crowd_at() -> Iterator[Callable[[Media], Crowd]]:
    with contextlib.ExitStack() as stack:
        yield lambda media: Crowd(media.http_port, stack)


def test_one_address_may_hold_so_many(
    start_media: Callable[..., Media], crowd_at: Callable[[Media], Crowd]
) -> None:
    crowd = crowd_at(start_media(http_per_address=3, unlimited_networks=()))
    held = [crowd.joined_by(GREEDY) for _ in range(3)]
    assert all(held)
    assert crowd.joined_by(GREEDY) is None
    assert crowd.joined_by(MODEST)
    # Whom it is told to stand for counts for nothing.
    assert crowd.joined_by(GREEDY, b"X-Forwarded-For: 10.9.8.7\r\n") is None
    assert held[0] is not None
    held[0].close()
    until(lambda: crowd.joined_by(GREEDY), what="the place that became free")


@pytest.mark.parametrize(
    "changes",
    [
        {"unlimited_networks": (f"{GREEDY}/32",)},
        {"trusted_proxies": (GREEDY,)},
        {"http_per_address": 0},
    ],
    ids=["named", "proxy", "no limit"],
)
def test_who_is_not_limited(
    changes: dict[str, object], start_media: Callable[..., Media], crowd_at: Callable[[Media], Crowd]
) -> None:
    settings = {"http_per_address": 2, "unlimited_networks": (), **changes}
    crowd = crowd_at(start_media(**settings))
    assert all(crowd.joined_by(GREEDY) for _ in range(6))


def test_this_machine_is_not_limited_unless_told_so(
    start_media: Callable[..., Media], crowd_at: Callable[[Media], Crowd]
) -> None:
    crowd = crowd_at(start_media(http_per_address=2))
    assert all(crowd.joined_by("127.0.0.1") for _ in range(6))


def test_addresses_that_left_are_forgotten(
    start_media: Callable[..., Media], crowd_at: Callable[[Media], Crowd]
) -> None:
    media = start_media(http_per_address=3, unlimited_networks=())
    peer = crowd_at(media).joined_by(GREEDY)
    assert peer is not None
    assert GREEDY in media.server._gate._held
    peer.close()
    until(lambda: media.server._gate._held == {}, what="the end of what is known of it")
