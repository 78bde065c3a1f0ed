"""Composition: RTMP and HTTP listeners on one event loop, the sweeper, start and end."""

import asyncio
import contextlib
import logging
import resource
import secrets
import signal
import socket
from collections.abc import Callable
from functools import partial
from itertools import count

import uvloop
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from protocol.tls import ServerTls, TlsFileError
from streaming.embedded.api import Api
from streaming.embedded.config import MediaConfig
from streaming.embedded.gate import HttpGate, Turnstile
from streaming.embedded.hooks import Hooks
from streaming.embedded.http import Site, make_app
from streaming.embedded.hub import Hub
from streaming.embedded.play import FlvPlayer
from streaming.embedded.play_hls import HlsPlayer
from streaming.embedded.rtmp import PublisherSession, RtmpServer

logger = logging.getLogger(__name__)

_WAKE_SECONDS = 0.1
_WAKES_PER_SWEEP = 10
_WAKES_PER_RENEWAL = 600
_GOODBYE_SECONDS = 1.0
_STALLED_MS = 20_000
_SPARE_FILES = 100
# Publishers are told a few hundred bytes.
_REPLY_BYTES = 16 * 1024


def _http_logger() -> logging.Logger:
    quiet = logging.getLogger(f"{__name__}.http")
    if not quiet.filters:
        quiet.addFilter(_NoPeerErrors())
    return quiet


class _NoPeerErrors(logging.Filter):
    """No HTTP, or gone before the answer: not worth a traceback, and the first may quote a signed URL."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, HttpProcessingError | ConnectionError)


class MediaServer:
    """Start and stop on a running loop. The ports are known after `start`."""

    def __init__(self, config: MediaConfig) -> None:
        self.config = config
        # 0 until it is listened on.
        self.rtmp_port = self.http_port = self.rtmps_port = 0
        self.hooks = Hooks(config)
        self.hub = Hub(config.limits, self.hooks.tell)
        boot, numbers = secrets.token_hex(4), count(1)

        def new_id() -> str:
            return f"{boot}-{next(numbers)}"

        self._rtmp = RtmpServer(config, self.hub, self.hooks.tell, new_id)
        self._site = Site(config, self.hub, self.hooks, self.hooks.tell, new_id, {})
        self._hls = HlsPlayer(self._site)
        api = Api(self._site, self._hls)
        self.hooks.end_client = api.kick_client
        routes = [*api.routes(), *FlvPlayer(self._site).routes(), *self._hls.routes()]
        app = make_app(self._site, routes)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=_http_logger(),
            handler_cancellation=True,
            keepalive_timeout=config.limits.keepalive_seconds,
            lingering_time=1.0,
            shutdown_timeout=config.limits.shutdown_seconds / 2,
        )
        self._gate = HttpGate(config)
        self._tls = ServerTls(config.cert_file, config.key_file) if config.cert_file else None
        self._listeners: list[asyncio.Server] = []
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        config = self.config
        if config.rtmps_port is not None and self._tls is None:
            raise ValueError("RTMPS 需要证书与私钥")
        await self.hooks.start()
        await self._runner.setup()
        publish = partial(PublisherSession, self._rtmp)
        self.rtmp_port = await self._listen(publish, config.rtmp_port, _REPLY_BYTES, None)
        if config.rtmps_port is not None:
            self.rtmps_port = await self._listen(publish, config.rtmps_port, _REPLY_BYTES, self._tls)
        buffer_bytes = config.limits.send_buffer_bytes
        self.http_port = await self._listen(self._accept, config.http_port, buffer_bytes, self._tls)
        self._sweeper = asyncio.create_task(self._sweep())
        ports = self.rtmp_port, self.http_port, self.rtmps_port or "off"
        logger.info("media server on %s, rtmp %d, http %d, rtmps %s", config.bind_host, *ports)

    async def _listen(
        self, accept: Callable[[], asyncio.Protocol], port: int, send_bytes: int, tls: ServerTls | None
    ) -> int:
        """The port that is listened on."""
        listener = await asyncio.get_running_loop().create_server(
            accept,
            self.config.bind_host,
            port,
            backlog=512,
            ssl=tls.context if tls else None,
            ssl_handshake_timeout=self.config.limits.setup_seconds if tls else None,
            ssl_shutdown_timeout=_GOODBYE_SECONDS if tls else None,
        )
        self._listeners.append(listener)
        self._bound_kernel_buffers(listener, send_bytes)
        return int(listener.sockets[0].getsockname()[1])

    def _bound_kernel_buffers(self, listener: asyncio.Server, size: int) -> None:
        """Set on the listening sockets, inherited by every connection."""
        for sock in listener.sockets:
            # Left to itself the kernel holds megabytes: minutes of a low stream before anyone sees a slow viewer.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
            # A peer that stops reading altogether is gone after this time, whatever it was fetching.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STALLED_MS)

    def _accept(self) -> asyncio.Protocol:
        return Turnstile(self._gate, self._runner.server)

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        for number in count(1):
            await asyncio.sleep(_WAKE_SECONDS)
            try:
                self._rtmp.wake()
                if number % _WAKES_PER_SWEEP == 0:
                    self._rtmp.sweep(loop.time())
                    self._hls.sweep()
                    self._gate.sweep()
                if number % _WAKES_PER_RENEWAL == 0:
                    self.renew_certificate()
            except Exception:
                # Were this task to end, channels nobody watches would never be read again.
                logger.exception("sweep failed")

    def renew_certificate(self) -> None:
        """Take up renewed files without a restart; viewers go on."""
        try:
            if self._tls and self._tls.refresh():
                logger.info("renewed certificate in service")
        except TlsFileError as error:
            logger.error("certificate not renewed: %s", error)

    async def stop(self) -> None:
        """In less than two seconds, whoever is connected."""
        for listener in self._listeners:
            listener.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
        # Before the connections are closed, so that the platform hears of it at once.
        for stream in list(self.hub.streams.values()):
            self.hub.end(stream, "shutdown")
        self._rtmp.close()
        await self._runner.cleanup()
        await self.hooks.stop(self.config.limits.shutdown_seconds)


async def _serve(config: MediaConfig) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    server = MediaServer(config)
    try:
        await server.start()
        await ended.wait()
        logger.info("media server ends")
    finally:
        await server.stop()


def run(config: MediaConfig) -> None:
    """Serve until SIGTERM or SIGINT. OSError when a port is taken."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Many systems start a process with 1024, fewer than the connections allowed here.
    wanted = config.limits.rtmp_connections + config.limits.http_connections + _SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        ceiling = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, ceiling), hard))
    uvloop.run(_serve(config))
