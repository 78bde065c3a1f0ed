"""Keeps what the platform has this gateway run: fetched, checked, kept on disk, and told back."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from gateway.assignment import Assignment, AssignmentError, Fault, read_assignment
from gateway.camera_config import CameraConfig
from gateway.keeping import write_private
from gateway.targets import Network
from gateway.upstream import Upstream, is_refusal
from protocol.codes import Code
from protocol.configuration import (
    GET_CONFIGURATION,
    LONGEST_PLACE,
    LONGEST_REASON,
    REPORT_CONFIGURATION,
)
from protocol.envelope import Answer
from protocol.errors import RemoteError

logger = logging.getLogger(__name__)

RETRY_SECONDS = 30.0
REPORT_SECONDS = 15.0

TakeOver = Callable[[], Awaitable[None]]
# Of each running camera: cameraNum, origin, fault.
Facts = Callable[[], list[dict[str, str]]]


@dataclass(frozen=True)
class Rejection:
    version: int | None
    faults: Sequence[Fault]

    def to_wire(self) -> dict[str, object]:
        faults = [
            {
                "cameraNum": fault.camera_num,
                "place": fault.place[:LONGEST_PLACE],
                "reason": fault.reason[:LONGEST_REASON],
            }
            for fault in self.faults
        ]
        return {"version": self.version, "faults": faults}


class AssignedCameras:
    """The last good configuration from the platform; what is wrong never takes its place."""

    def __init__(
        self,
        upstream: Upstream,
        path: Path,
        networks: Sequence[Network],
        period_seconds: float,
        report_seconds: float = REPORT_SECONDS,
    ) -> None:
        self._upstream = upstream
        self._path = path
        self._networks = networks
        self._period_seconds = period_seconds
        self._report_seconds = report_seconds
        self._held = self._load()
        self._rejected: Rejection | None = None
        # Whether the platform knows of such configurations at all.
        self._is_answered = False
        self._is_asked = asyncio.Event()
        self._has_news = asyncio.Event()

    @property
    def cameras(self) -> tuple[CameraConfig, ...]:
        return self._held.cameras if self._held else ()

    @property
    def version(self) -> int | None:
        return self._held.version if self._held else None

    @property
    def rejected(self) -> Rejection | None:
        return self._rejected

    def ask_again(self) -> None:
        """The platform says that there is something new, or somebody here wants to know."""
        self._is_asked.set()

    async def follow(self, take_over: TakeOver) -> None:
        """Until cancelled: fetch now, whenever asked, and once a period."""
        while True:
            self._is_asked.clear()
            is_done = await self._fetch(take_over)
            seconds = self._period_seconds if is_done else min(RETRY_SECONDS, self._period_seconds)
            await _wait(self._is_asked, seconds)

    async def report(self, facts: Facts) -> None:
        """Until cancelled: tell the platform what runs, whenever that is something else."""
        told: object = None
        while True:
            await _wait(self._has_news, self._report_seconds)
            self._has_news.clear()
            if not self._is_answered:
                continue
            rejected = self._rejected.to_wire() if self._rejected else None
            state = {"version": self.version, "rejected": rejected, "cameras": facts()}
            if state != told and await self._tell(state):
                told = state

    async def _tell(self, state: object) -> bool:
        try:
            answer = await self._upstream.ask(REPORT_CONFIGURATION, state)
        except RemoteError as error:
            logger.warning("running configuration not told: %s", error.message)
            return False
        if not answer.ok:
            logger.warning("platform refused the running configuration: %s", answer.msg)
        return answer.ok or is_refusal(answer)

    async def _fetch(self, take_over: TakeOver) -> bool:
        """Whether the platform answered."""
        held = {} if self._held is None else {"version": str(self._held.version)}
        try:
            answer = await self._upstream.look_up(GET_CONFIGURATION, **held)
        except RemoteError as error:
            if error.http_status != Code.NOT_FOUND:
                logger.warning("configuration not fetched: %s", error.message)
                return False
            answer = None
        if answer is None or answer.code == Code.NOT_FOUND:
            logger.info("the platform has no configuration for this gateway")
            return True
        if not answer.ok:
            logger.warning("configuration not fetched: %s", answer.msg)
            return False
        self._is_answered = True
        if answer.body.get("configuration") is not None:
            await self._consider(answer, take_over)
        elif self._rejected is not None:
            # What runs is wanted again.
            self._rejected = None
        self._has_news.set()
        return True

    async def _consider(self, answer: Answer, take_over: TakeOver) -> None:
        given = answer.body["configuration"]
        cameras = given.get("cameras") if isinstance(given, dict) else None
        raw = msgspec.json.encode({"version": answer.body.get("version"), "cameras": cameras})
        try:
            assignment = read_assignment(raw, self._networks)
        except AssignmentError as error:
            self._rejected = Rejection(error.version, error.faults)
            for fault in error.faults:
                logger.error("configuration %s of the platform not taken over: %s", error.version, fault)
            return
        self._keep(raw)
        self._held, self._rejected = assignment, None
        logger.info(
            "configuration %d of the platform: %d cameras", assignment.version, len(assignment.cameras)
        )
        await take_over()

    def _keep(self, raw: bytes) -> None:
        try:
            write_private(self._path, raw)
        except OSError as error:
            logger.error("configuration of the platform not kept in %s: %s", self._path, error.strerror)

    def _load(self) -> Assignment | None:
        try:
            return read_assignment(self._path.read_bytes(), self._networks)
        except FileNotFoundError:
            return None
        except OSError as error:
            logger.error("configuration of the platform not read from %s: %s", self._path, error.strerror)
        except AssignmentError as error:
            logger.error("configuration of the platform in %s is no use: %s", self._path, error)
        return None


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
