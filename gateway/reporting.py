"""What the gateway tells of its cameras: themselves at start, status and image quality on change and every hour."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from gateway.cameras import Camera, Cameras
from gateway.state import TokenState
from gateway.upstream import BATCH, GATHER_SECONDS, Upstream, by_department, is_refusal, until_done
from protocol.cameras import camera_to_wire
from protocol.codes import ItemStatus
from protocol.envelope import Answer, parse_number

logger = logging.getLogger(__name__)

HOUR_SECONDS = 3600.0


@dataclass(frozen=True)
class _Subject:
    """A report verb, its key beside cameraNum, the value of a camera (None: nothing to tell), what was told."""

    verb: str
    key: str
    value: Callable[[Camera], int | str | None]
    told: dict[str, int | str | None] = field(default_factory=dict)

    def is_news(self, camera: Camera) -> bool:
        return self.value(camera) != self.told.get(camera.num)


class Reporter:
    def __init__(self, upstream: Upstream, cameras: Cameras, tokens: TokenState) -> None:
        self._upstream = upstream
        self._cameras = cameras
        self._tokens = tokens
        self._subjects = (
            _Subject("ReportCameraStatus", "online", lambda camera: int(camera.status)),
            _Subject("ReportCameraQuality", "cameraStatus", lambda camera: camera.quality),
        )
        # Before it the platform knows none of the cameras.
        self.registered = asyncio.Event()
        self._is_stale = False

    def register_again(self) -> None:
        """The cameras are others now."""
        self._is_stale = True
        self._cameras.changed.set()

    async def run(self) -> None:
        """Until cancelled."""
        if self._tokens.is_fresh:
            # Appendix 2: the token handed over offline is there to be exchanged for the first one.
            await until_done("token exchange", self._upstream.exchange_token)
        await until_done("camera report", self._register)
        self.registered.set()
        while True:
            at = time.monotonic() + HOUR_SECONDS
            await until_done("full report", self._tell_all)
            while await self._changed_before(at):
                await asyncio.sleep(GATHER_SECONDS)
                if self._is_stale:
                    self._is_stale = False
                    await until_done("camera report", self._register)
                await until_done("report of changes", self._tell_changes)

    async def _changed_before(self, at: float) -> bool:
        try:
            async with asyncio.timeout(at - time.monotonic()):
                await self._cameras.changed.wait()
        except TimeoutError:
            return False
        return True

    async def _register(self) -> None:
        # What the platform assigned it knows better: its staff may have corrected it meanwhile.
        cameras = [camera for camera in self._cameras if not camera.is_assigned]
        for start in range(0, len(cameras), BATCH):
            batch = cameras[start : start + BATCH]
            wire = [camera_to_wire(one.record) for one in batch]
            answer = await self._upstream.call("VideoInformation", wire)
            for num, info in _refused(answer):
                logger.warning("platform refused camera %s: %s", num, info)
            logger.info("reported %d cameras", len(batch))

    async def _tell_all(self) -> None:
        for subject in self._subjects:
            await self._tell(subject, list(self._cameras))

    async def _tell_changes(self) -> None:
        # Cleared first: a change while the request is under way is told by the next one.
        self._cameras.changed.clear()
        for subject in self._subjects:
            await self._tell(subject, [one for one in self._cameras if subject.is_news(one)])

    async def _tell(self, subject: _Subject, cameras: Sequence[Camera]) -> None:
        sayable = [one for one in cameras if subject.value(one) is not None]
        for department, members in by_department(sayable, lambda one: one.record.department):
            values = {one.num: subject.value(one) for one in members}
            body = [{"cameraNum": num, subject.key: value} for num, value in values.items()]
            answer = await self._upstream.ask(subject.verb, body, department=department)
            if is_refusal(answer):
                logger.warning(
                    "platform refused %s of %d cameras of %s: %s",
                    subject.verb,
                    len(body),
                    department,
                    answer.msg,
                )
            elif not answer.ok:
                raise answer.error("平台")
            subject.told.update(values)


def _refused(answer: Answer) -> Iterator[tuple[str, str]]:
    results = answer.body.get("backResult")
    for item in results if isinstance(results, list) else []:
        if isinstance(item, dict) and parse_number(item.get("status")) != ItemStatus.DONE:
            yield str(item.get("cameraNum")), str(item.get("info"))
