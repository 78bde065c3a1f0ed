"""Tells the platform what happens here. It does not decide: a dead platform stops nobody from watching.

Events, all as POST with X-Media-Secret: `publish` (the first key frame is there; again after a takeover or a short
restart, with the new client_id), `unpublish` (the stream has ended, the time of grace is over), `play`, `stop`,
`not_found` (the answer's `wait` says whether a push was begun), `refused_codec` (with `codec`). The answer to `play`
may name a client in `end`: one viewer too many.
"""

import asyncio
import logging
import time
import zlib
from collections import deque
from collections.abc import Callable

import aiohttp
import orjson

from protocol.tls import client_context, tls_fault
from streaming.embedded.config import MediaConfig
from streaming.embedded.hub import Client, Key

logger = logging.getLogger(__name__)

_LANES = 4
_PAUSES_SECONDS = (0.2, 1.0)


class _Lane:
    """Events of one stream keep their order: they all go through the same lane."""

    def __init__(self) -> None:
        self.events: deque[bytes] = deque()
        self.wake = asyncio.Event()
        self.is_idle = True


class Hooks:
    def __init__(self, config: MediaConfig) -> None:
        self._limits = config.limits
        self._url = (
            f"{config.platform_url.rstrip('/')}/hooks/media/{config.name}" if config.platform_url else ""
        )
        self._ca_file = config.platform_ca_file
        self._fault = ""
        self._headers = {"X-Media-Secret": config.secret, "Content-Type": "application/json"}
        self._session: aiohttp.ClientSession | None = None
        self._lanes: list[_Lane] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._questions: dict[Key, asyncio.Task[bool]] = {}
        self.lost = 0
        # Set by who knows the viewers.
        self.end_client: Callable[[str], object] = lambda client_id: None

    async def start(self) -> None:
        if not self._url:
            return
        # Refuses to start without a usable CA file, rather than tell nobody anything for weeks.
        context = client_context(self._ca_file) if self._url.startswith("https:") else True
        connector = aiohttp.TCPConnector(limit=_LANES + 16, ssl=context)
        self._session = aiohttp.ClientSession(connector=connector, headers=self._headers)
        self._lanes = [_Lane() for _ in range(_LANES)]
        self._tasks = [asyncio.create_task(self._work(lane)) for lane in self._lanes]

    async def stop(self, seconds: float) -> None:
        """What is still to be told gets this long, then it is for the platform's reconciliation."""
        deadline = time.monotonic() + seconds
        while any(lane.events or not lane.is_idle for lane in self._lanes) and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        tasks = [*self._tasks, *self._questions.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def tell(self, event: str, key: Key, client: Client, details: dict[str, object]) -> None:
        if not self._lanes:
            return
        lane = self._lanes[zlib.crc32("/".join(key).encode()) % _LANES]
        if len(lane.events) >= self._limits.hook_queue // _LANES:
            # The newest tell the present state; what is lost the platform finds in the stream list.
            lane.events.popleft()
            self.lost += 1
            if self.lost % 100 == 1:
                logger.error("platform does not take events, %d lost so far", self.lost)
        lane.events.append(_body(event, key, client, details))
        lane.wake.set()

    async def _work(self, lane: _Lane) -> None:
        while True:
            await lane.wake.wait()
            while lane.events:
                lane.is_idle = False
                await self._tell_one(lane.events.popleft())
                lane.is_idle = True
            lane.wake.clear()

    async def _tell_one(self, body: bytes) -> None:
        for attempt in range(self._limits.hook_tries):
            if attempt:
                await asyncio.sleep(_PAUSES_SECONDS[min(attempt, len(_PAUSES_SECONDS)) - 1])
            answer = await self._post(body, self._limits.hook_seconds)
            if answer is not None:
                if isinstance(unwanted := answer.get("end"), str):
                    self.end_client(unwanted)
                return
        self.lost += 1
        logger.warning("platform did not take an event after %d tries", self._limits.hook_tries)

    async def _post(self, body: bytes, seconds: float) -> dict[str, object] | None:
        """The platform's answer, None if there was none that means success."""
        if self._session is None:
            return None
        try:
            timeout = aiohttp.ClientTimeout(total=seconds)
            async with self._session.post(self._url, data=body, timeout=timeout) as answer:
                parsed = orjson.loads(await answer.read())
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            self._note(tls_fault(error) or "")
            logger.debug("hook failed: %s", type(error).__name__)
            return None
        self._note("")
        is_taken = answer.status == 200 and isinstance(parsed, dict) and parsed.get("code") in (0, 200)
        return parsed if is_taken else None

    def _note(self, fault: str) -> None:
        # An untrusted platform stays so until somebody acts; once is enough to say it.
        if fault and fault != self._fault:
            logger.error("platform %s is not told anything: %s", self._url, fault)
        self._fault = fault

    def ask(self, key: Key, client: Client) -> "asyncio.Task[bool]":
        """Whether to wait for this absent stream. Viewers who ask at the same moment share one question."""
        question = self._questions.get(key)
        if question is None:
            question = asyncio.create_task(self._ask(key, client))
            self._questions[key] = question
            question.add_done_callback(lambda _: self._questions.pop(key, None))
        return question

    async def _ask(self, key: Key, client: Client) -> bool:
        if self._session is None:
            return False
        # A silent platform is waited for as long as the viewer waits; a refused connection says no at once.
        answer = await self._post(_body("not_found", key, client, {}), self._limits.wait_seconds)
        return answer is not None and answer.get("wait") is True


def _body(event: str, key: Key, client: Client, details: dict[str, object]) -> bytes:
    return orjson.dumps(
        {
            "event": event,
            "app": key[0],
            "stream": key[1],
            "client_id": client.client_id,
            "address": client.address,
            "query": client.query,
            "uid": client.uid,
            "protocol": client.protocol,
            "at": time.time(),
            **details,
        }
    )
