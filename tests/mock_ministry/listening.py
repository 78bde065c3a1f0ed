"""The sockets of the mock ministry: they can be shut for a moment, or show a certificate nobody trusts."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web


@dataclass
class Tls:
    """PEM files; `wrong` is a pair from a CA that the province does not know."""

    certificate: Path
    key: Path
    wrong: tuple[Path, Path] | None = None

    def __post_init__(self) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.show()

    def show(self, *, is_wrong: bool = False) -> None:
        """What handshakes see from now on."""
        if is_wrong and self.wrong:
            self.context.load_cert_chain(*self.wrong)
        else:
            self.context.load_cert_chain(self.certificate, self.key)


class _NoMore(asyncio.Protocol):
    """Ends a connection over the limit."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            transport.abort()


class Doors:
    """One address for the document's verbs and the tester, and, if wanted, a second that is never shut."""

    def __init__(
        self, host: str, port: int, *, control_port: int | None = None, tls: Tls | None = None, most: int = 0
    ) -> None:
        self.host, self.port, self.control_port = host, port, control_port
        self.tls = tls
        self._most_connections = most
        self._server: asyncio.Server | None = None
        self._runners: list[web.AppRunner] = []
        self._reopening: asyncio.TimerHandle | None = None
        self._certifying: asyncio.TimerHandle | None = None
        self._opening: asyncio.Task[None] | None = None
        # Two who open at once would meet on one address.
        self._lock = asyncio.Lock()

    @property
    def can_show_wrong_certificate(self) -> bool:
        return self.tls is not None and self.tls.wrong is not None

    async def start(self, application: web.Application, control: web.Application) -> None:
        """Free ports are taken where 0 was given."""
        for app in (application, control):
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            self._runners.append(runner)
        await self._open()
        if self.control_port is not None:
            await web.TCPSite(self._runners[1], self.host, self.control_port).start()
            self.control_port = self._runners[1].addresses[0][1]

    async def stop(self) -> None:
        for timer in (self._reopening, self._certifying):
            if timer:
                timer.cancel()
        if self._server:
            self._server.close()
        self._cut(None, is_cutting_busy=True)
        for runner in self._runners:
            await runner.cleanup()
        # Transports close in a later turn of the loop, those with TLS in the one after it.
        for _ in range(3):
            await asyncio.sleep(0)

    async def _open(self) -> None:
        async with self._lock:
            if self._server is not None:
                return
            self._server = await asyncio.get_running_loop().create_server(
                self._protocol, self.host, self.port, ssl=self.tls.context if self.tls else None
            )
            self.port = self._server.sockets[0].getsockname()[1]

    def _protocol(self) -> asyncio.BaseProtocol:
        server = self._runners[0].server
        assert server is not None
        if self._most_connections and len(server.connections) >= self._most_connections:
            return _NoMore()
        return server()

    def shut(self, seconds: float, *, spared: asyncio.BaseTransport | None = None) -> None:
        """New connections are refused and those that are open cut, except the one of who asked for it."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._cut(spared, is_cutting_busy=True)
        self._reopening = self._later(self._reopening, seconds, self._reopen)

    def _reopen(self) -> None:
        # Kept: a task nobody refers to may be collected before it has run.
        self._opening = asyncio.get_running_loop().create_task(self._open())

    def show_wrong_certificate(self, seconds: float) -> None:
        """Connections that wait for their next request are closed, so that it needs a handshake."""
        if self.tls is None:
            return
        self.tls.show(is_wrong=True)
        self._cut(None, is_cutting_busy=False)
        self._certifying = self._later(self._certifying, seconds, self.tls.show)

    def _later(
        self, timer: asyncio.TimerHandle | None, seconds: float, what: Callable[[], None]
    ) -> asyncio.TimerHandle:
        if timer:
            timer.cancel()
        return asyncio.get_running_loop().call_later(seconds, what)

    async def mend(self) -> None:
        """Open, with the right certificate, whatever was to last longer."""
        for timer in (self._reopening, self._certifying):
            if timer:
                timer.cancel()
        if self.tls:
            self.tls.show()
        await self._open()

    def _cut(self, spared: asyncio.BaseTransport | None, *, is_cutting_busy: bool) -> None:
        server = self._runners[0].server
        for connection in server.connections if server else ():
            transport = connection.transport
            is_busy = connection._current_request is not None
            if transport is not None and transport is not spared and (is_cutting_busy or not is_busy):
                transport.abort()
