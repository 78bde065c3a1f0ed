"""What the gateway tells its platform: its cameras at start, their status on change and every hour."""

import asyncio
import logging
import random
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from gateway.cameras import Camera, Cameras
from gateway.state import StateError, TokenState
from protocol.cameras import camera_to_wire
from protocol.client import PartnerClient
from protocol.codes import Code, ItemStatus, OnlineStatus
from protocol.envelope import Answer, parse_number
from protocol.errors import RemoteError

logger = logging.getLogger(__name__)

T = TypeVar("T")

BATCH = 200
HOUR_SECONDS = 3600.0
# A switch that takes fifty cameras along is told in one request.
GATHER_SECONDS = 1.0
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
# The platform understood: cameras of that department are none of ours, refused or deleted.
_REFUSALS = (Code.MALFORMED, Code.NOT_FOUND)


class Reporter:
    def __init__(self, client: PartnerClient, cameras: Cameras, tokens: TokenState) -> None:
        self._client = client
        self._cameras = cameras
        self._tokens = tokens
        self._told: dict[str, OnlineStatus] = {}

    async def run(self) -> None:
        """Until cancelled."""
        if self._tokens.is_fresh:
            # Appendix 2: the token handed over offline is there to be exchanged for the first one.
            await _until_done("token exchange", lambda: _in_thread(self._client.exchange_token))
        await _until_done("camera report", self._register)
        while True:
            at = time.monotonic() + HOUR_SECONDS
            await _until_done("full status report", lambda: self._tell(list(self._cameras)))
            while await self._changed_before(at):
                await asyncio.sleep(GATHER_SECONDS)
                await _until_done("status report", self._tell_changes)

    async def _changed_before(self, at: float) -> bool:
        try:
            await asyncio.wait_for(self._cameras.changed.wait(), at - time.monotonic())
        except TimeoutError:
            return False
        return True

    async def _register(self) -> None:
        cameras = list(self._cameras)
        for start in range(0, len(cameras), BATCH):
            batch = cameras[start : start + BATCH]
            answer = await self._call("VideoInformation", [camera_to_wire(one.record) for one in batch])
            for num, info in _refused(answer):
                logger.warning("platform refused camera %s: %s", num, info)
            logger.info("reported %d cameras", len(batch))

    async def _tell_changes(self) -> None:
        # Cleared first: a change while the request is under way is told by the next one.
        self._cameras.changed.clear()
        await self._tell([one for one in self._cameras if self._told.get(one.num) is not one.status])

    async def _tell(self, cameras: Sequence[Camera]) -> None:
        for department, members in _by_department(cameras):
            for start in range(0, len(members), BATCH):
                statuses = {one.num: one.status for one in members[start : start + BATCH]}
                body = [{"cameraNum": num, "online": int(status)} for num, status in statuses.items()]
                answer = await self._ask("ReportCameraStatus", body, department=department)
                if answer.code in _REFUSALS and answer.retry_after is None:
                    # Said again it would be refused again, and the other departments would never be told.
                    logger.warning(
                        "platform refused the status of %d cameras of %s: %s",
                        len(body),
                        department,
                        answer.msg,
                    )
                elif not answer.ok:
                    raise answer.error("平台")
                self._told.update(statuses)

    async def _call(self, verb: str, body: object, **params: str) -> Answer:
        answer = await self._ask(verb, body, **params)
        if not answer.ok:
            raise answer.error("平台")
        return answer

    async def _ask(self, verb: str, body: object, **params: str) -> Answer:
        return await _in_thread(lambda: self._client.call(verb, method="POST", params=params, body=body))


def _by_department(cameras: Iterable[Camera]) -> Iterator[tuple[str, list[Camera]]]:
    groups: dict[str, list[Camera]] = {}
    for camera in cameras:
        groups.setdefault(camera.record.department, []).append(camera)
    yield from groups.items()


def _refused(answer: Answer) -> Iterator[tuple[str, str]]:
    results = answer.body.get("backResult")
    for item in results if isinstance(results, list) else []:
        if isinstance(item, dict) and parse_number(item.get("status")) != ItemStatus.DONE:
            yield str(item.get("cameraNum")), str(item.get("info"))


async def _until_done(what: str, attempt: Callable[[], Awaitable[object]]) -> None:
    """Repeat with growing pauses: a platform that is not there yet will be."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            await attempt()
            return
        except RemoteError as error:
            logger.warning("%s failed: %s", what, error.message)
            least = float(error.retry_after or 0)
        except StateError as error:
            logger.error("%s failed: %s", what, error)
            least = 0.0
        await asyncio.sleep(max(least, pause * random.uniform(0.75, 1.25)))  # noqa: S311 - spreads retries
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


async def _in_thread(call: Callable[[], T]) -> T:
    """Like asyncio.to_thread, but the process can end while the platform keeps it waiting."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            result = call()
        except Exception as error:  # noqa: BLE001 - handed over to whoever awaits
            _hand_over(loop, future, error=error)
        else:
            _hand_over(loop, future, result=result)

    threading.Thread(target=run, daemon=True, name="platform").start()
    return await future


def _hand_over(
    loop: asyncio.AbstractEventLoop,
    future: "asyncio.Future[T]",
    *,
    result: T | None = None,
    error: Exception | None = None,
) -> None:
    def settle() -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    if not loop.is_closed():
        loop.call_soon_threadsafe(settle)
