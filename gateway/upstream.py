"""The platform this gateway reports to, asked from the event loop; patiently where it matters."""

import asyncio
import logging
import random
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TypeVar

from gateway.state import StateError
from protocol.client import PartnerClient
from protocol.codes import Code
from protocol.envelope import Answer
from protocol.errors import RemoteError

logger = logging.getLogger(__name__)

T = TypeVar("T")

BATCH = 200
# What happens within this time is told in one request: a switch that takes fifty cameras along.
GATHER_SECONDS = 1.0
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0


class Upstream:
    def __init__(self, client: PartnerClient) -> None:
        self._client = client

    async def exchange_token(self) -> None:
        await _in_thread(self._client.exchange_token)

    async def call(self, verb: str, body: object, **params: str) -> Answer:
        """RemoteError unless the platform did what it was asked."""
        answer = await self.ask(verb, body, **params)
        if not answer.ok:
            raise answer.error("平台")
        return answer

    async def look_up(self, verb: str, **params: str) -> Answer:
        return await _in_thread(lambda: self._client.call(verb, params=params))

    async def ask(self, verb: str, body: object, **params: str) -> Answer:
        return await _in_thread(lambda: self._client.call(verb, method="POST", params=params, body=body))


def is_refusal(answer: Answer) -> bool:
    """The platform understood: cameras of that department are none of ours, or it cannot read this.

    Said again it would be refused again, and what waits behind it would never be told.
    """
    return answer.code in (Code.MALFORMED, Code.NOT_FOUND) and answer.retry_after is None


def by_department(members: Iterable[T], department: Callable[[T], str]) -> Iterator[tuple[str, list[T]]]:
    """Batches as the report verbs take them: of one department, and not too many."""
    groups: dict[str, list[T]] = {}
    for member in members:
        groups.setdefault(department(member), []).append(member)
    for name, group in groups.items():
        for start in range(0, len(group), BATCH):
            yield name, group[start : start + BATCH]


async def until_done(what: str, attempt: Callable[[], Awaitable[object]]) -> None:
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
