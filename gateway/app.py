"""The gateway put together."""

import asyncio
import contextlib
import logging
from types import TracebackType

from aiohttp import web

from gateway.adapters.base import Surroundings
from gateway.admission import Admission
from gateway.analyst import Analyst
from gateway.assigned import AssignedCameras
from gateway.budget import CoreBudget
from gateway.camera_config import CameraConfig
from gateway.cameras import Camera, Cameras
from gateway.channels import Channels
from gateway.config import GatewayConfig
from gateway.control import Control
from gateway.ffmpeg import find_ffmpeg
from gateway.intake import Intake
from gateway.lasting import lasting
from gateway.ptz_log import PtzLog
from gateway.pusher import STUCK_SECONDS, Workshop
from gateway.reporting import Reporter
from gateway.results import Relay, Results
from gateway.roster import Roster, combined
from gateway.server import Service
from gateway.state import TokenState
from gateway.status import StatusBoard
from gateway.targets import PushTargets
from gateway.upstream import Upstream
from protocol.client import Credentials, PartnerClient
from protocol.tls import ServerTls, TlsFileError

logger = logging.getLogger(__name__)

CHECK_SECONDS = 60.0
HANDSHAKE_SECONDS = 5.0
GOODBYE_SECONDS = 0.1


class Gateway:
    """`async with Gateway(config) as gateway:` serves, reports and pushes until left."""

    def __init__(self, config: GatewayConfig, *, stuck_seconds: float = STUCK_SECONDS) -> None:
        self._config = config
        ffmpeg = find_ffmpeg(config.ffmpeg)
        cache = config.state_file.parent / "scenes"
        surroundings = Surroundings(ffmpeg=ffmpeg, font=config.font, folder=config.folder, cache=cache)
        tokens = TokenState(config.state_file, config.platform.token)
        upstream = Upstream(_client(config, tokens))
        self._own = config.cameras
        self._assigned = _assigned(config, upstream)
        self._taking_over = asyncio.Lock()
        self._roster = Roster(surroundings)
        self._cameras = Cameras(self._roster.changed_to(self._wanted).cameras)
        targets = PushTargets(config.networks, config.ports, config.push_tls)
        budget = CoreBudget(config.transcode_cores)
        workshop = Workshop(ffmpeg, targets, surroundings.gate, budget, stuck_seconds=stuck_seconds)
        self._channels = Channels(self._cameras, workshop)
        analysis = config.analysis
        self._results = Results(analysis.most_waiting, analysis.most_waiting_bytes)
        self._reporter = Reporter(upstream, self._cameras, tokens)
        self._relay = Relay(upstream, self._results)
        self._analyst = Analyst(self._cameras, self._results, analysis.period_seconds)
        intake = Intake(self._cameras, self._results, config.intake_token)
        control = Control(config.mode, config.ptz_lease_seconds, PtzLog(config.ptz_log))
        admission = Admission(tokens, intake, config.section_token)
        service = Service(
            self._cameras,
            self._channels,
            admission,
            control,
            intake,
            self._results,
            self._assigned,
            config.proxies,
        )
        self._runner = web.AppRunner(service.application(), access_log=None, shutdown_timeout=1.0)
        self._tls = ServerTls(*config.tls) if config.tls else None
        self._listener: asyncio.Server | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.port = config.listen.port

    async def __aenter__(self) -> "Gateway":
        await self._cameras.check(self._cameras)
        self._cameras.changed.clear()
        await self._runner.setup()
        listen = self._config.listen
        self._listener = await self._listen(listen.host, listen.port)
        self.port = self._listener.sockets[0].getsockname()[1]
        logger.info("gateway with %d cameras on port %d", len(self._cameras), self.port)
        self._tasks = [
            asyncio.create_task(lasting("reporting", self._reporter.run)),
            asyncio.create_task(lasting("relaying", lambda: self._relay.run(self._reporter.registered))),
            asyncio.create_task(lasting("analysing", self._analyst.run)),
            asyncio.create_task(lasting("checking", self._check_unwatched)),
        ]
        if self._assigned is not None:
            self._tasks += self._follow(self._assigned)
        return self

    def _follow(self, assigned: AssignedCameras) -> list[asyncio.Task[None]]:
        board = StatusBoard(self._cameras, self._channels)
        return [
            asyncio.create_task(lasting("configuring", lambda: assigned.follow(self._take_over))),
            asyncio.create_task(
                lasting("telling the configuration", lambda: assigned.report(board.running))
            ),
        ]

    @property
    def _wanted(self) -> list[CameraConfig]:
        return combined(self._own, self._assigned.cameras if self._assigned else ())

    async def reload(self, config: GatewayConfig) -> None:
        """Take over the cameras of a changed file, and ask the platform whether it has others."""
        self._own = config.cameras
        await self._take_over()
        if self._assigned is not None:
            self._assigned.ask_again()

    async def _take_over(self) -> None:
        """Run what is wanted now; cameras that stay as they are do not notice."""
        async with self._taking_over:
            change = self._roster.changed_to(self._wanted)
            self._cameras.replace(change.cameras)
            for camera in change.gone:
                await self._part_with(camera)
            await self._cameras.check(change.fresh)
            logger.info(
                "configuration taken over: %d cameras begin, %d end", len(change.fresh), len(change.gone)
            )
            self._reporter.register_again()

    async def _part_with(self, camera: Camera) -> None:
        try:
            await self._channels.finish_all(camera)
            await camera.adapter.close()
        except Exception:
            logger.exception("camera %s not left in order", camera.num)

    async def _listen(self, host: str, port: int) -> asyncio.Server:
        loop, server = asyncio.get_running_loop(), self._runner.server
        if server is None:
            raise RuntimeError("the runner is not set up")
        if self._tls is None:
            return await loop.create_server(server, host, port)
        return await loop.create_server(
            server,
            host,
            port,
            ssl=self._tls.context,
            ssl_handshake_timeout=HANDSHAKE_SECONDS,
            ssl_shutdown_timeout=GOODBYE_SECONDS,
        )

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self._results:
            logger.warning("%d analysis results are lost, not told to the platform", len(self._results))
        if self._listener:
            self._listener.close()
        await self._runner.cleanup()
        if self._tls:
            # A connection that is kept open does not answer to its close; the loop has to give up on it.
            await asyncio.sleep(2 * GOODBYE_SECONDS)
        await self._channels.close()
        await asyncio.gather(*(camera.adapter.close() for camera in self._cameras))

    async def _check_unwatched(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            self._renew_certificate()
            await self._cameras.check(self._channels.unwatched())

    def _renew_certificate(self) -> None:
        try:
            if self._tls and self._tls.refresh():
                logger.info("renewed certificate in service")
        except TlsFileError as error:
            logger.error("certificate not renewed: %s", error)


def _assigned(config: GatewayConfig, upstream: Upstream) -> AssignedCameras | None:
    given = config.assignment
    if given is None:
        return None
    return AssignedCameras(upstream, given.keep_file, given.networks, given.period_seconds)


def _client(config: GatewayConfig, tokens: TokenState) -> PartnerClient:
    platform = config.platform
    return PartnerClient(
        platform.base_url,
        Credentials(
            user=platform.user,
            device_code=platform.device_code,
            token=tokens.current,
            private_key=platform.private_key,
        ),
        ca_file=str(config.ca_file) if config.ca_file else None,
        on_token=tokens.renew,
    )
