"""How many HTTP connections there may be, in all and from one address."""

import asyncio
from typing import cast

from aiohttp import web

from protocol.forwarding import is_among, networks_of, plain_address
from streaming.embedded.config import MediaConfig


class HttpGate:
    """Proxies of ours bring many viewers each, and are not limited; nor are the networks that are named."""

    def __init__(self, config: MediaConfig) -> None:
        self._limits = config.limits
        self._per_address = config.http_per_address
        self._unlimited = networks_of((*config.unlimited_networks, *config.trusted_proxies))
        self._held: dict[str, list[web.RequestHandler]] = {}

    def admit(self, server: web.Server, address: str) -> web.RequestHandler | None:
        """Who answers the new connection; None when it is one too many."""
        if len(server.connections) >= self._limits.http_connections:
            return None
        handler = server()
        if self._per_address and not is_among(plain_address(address), self._unlimited):
            held = self._held[address] = _connected(self._held.get(address, []))
            if len(held) >= self._per_address:
                return None
            held.append(handler)
        return handler

    def sweep(self) -> None:
        """Forget addresses without connections."""
        self._held = {address: held for address, all_ in self._held.items() if (held := _connected(all_))}


def _connected(handlers: list[web.RequestHandler]) -> list[web.RequestHandler]:
    return [handler for handler in handlers if handler.connected]


class Turnstile(asyncio.Protocol):
    """A connection until it is known where it comes from."""

    def __init__(self, gate: HttpGate, server: web.Server | None) -> None:
        self._gate = gate
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's.
        connection = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        address = peer[0] if isinstance(peer, tuple) else ""
        handler = self._gate.admit(self._server, address) if self._server else None
        if handler is None:
            connection.abort()
            return
        connection.set_protocol(handler)
        handler.connection_made(connection)
