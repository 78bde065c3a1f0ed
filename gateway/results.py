"""Results of traffic analysis on their way to the platform: a bounded queue, and who empties it."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gateway.cameras import Camera
from gateway.upstream import BATCH, GATHER_SECONDS, Upstream, is_refusal, until_done
from protocol.codes import Code
from protocol.envelope import DEFAULT_MESSAGES, Answer
from protocol.errors import RemoteError
from protocol.reports import ANALYSE_SPELLINGS

logger = logging.getLogger(__name__)

WARNING_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """One result; `number` counts all that ever came."""

    number: int
    camera_num: str
    department: str
    data: str

    @property
    def size_bytes(self) -> int:
        return len(self.data.encode())


class Results:
    """In memory, in the order they came. Over `most` or `most_bytes` the oldest are dropped."""

    def __init__(self, most: int, most_bytes: int, now: Callable[[], float] = time.monotonic) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._now = now
        self._waiting: OrderedDict[int, Waiting] = OrderedDict()
        self._bytes = self._count = 0
        self._warned_at: float | None = None
        self.dropped = self.refused = 0
        self.filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, camera: Camera, data: str) -> None:
        self._count += 1
        one = Waiting(self._count, camera.num, camera.record.department, data)
        self._waiting[one.number] = one
        self._bytes += one.size_bytes
        self._make_room()
        self.filled.set()

    def oldest(self) -> Sequence[Waiting]:
        """A batch of one department: that of the oldest of all."""
        found: list[Waiting] = []
        for one in self._waiting.values():
            if found and one.department != found[0].department:
                continue
            found.append(one)
            if len(found) == BATCH:
                break
        return found

    def remove(self, batch: Iterable[Waiting]) -> None:
        """Those that were dropped meanwhile are gone already."""
        for one in batch:
            if self._waiting.pop(one.number, None) is not None:
                self._bytes -= one.size_bytes
        if not self._waiting:
            self.filled.clear()

    def _make_room(self) -> None:
        before = self.dropped
        while len(self._waiting) > 1 and self._is_over():
            _, oldest = self._waiting.popitem(last=False)
            self._bytes -= oldest.size_bytes
            self.dropped += 1
        if self.dropped > before and (
            self._warned_at is None or self._now() - self._warned_at >= WARNING_SECONDS
        ):
            self._warned_at = self._now()
            logger.warning("analysis results wait in vain: the oldest dropped, %d so far", self.dropped)

    def _is_over(self) -> bool:
        return len(self._waiting) > self._most or self._bytes > self._most_bytes


class Relay:
    """Empties the queue, department by department, batch by batch."""

    def __init__(self, upstream: Upstream, results: Results) -> None:
        self._upstream = upstream
        self._results = results
        self._verb = ANALYSE_SPELLINGS[0]

    async def run(self, registered: asyncio.Event) -> None:
        """Until cancelled; begins when the platform has been told of the cameras."""
        await registered.wait()
        while True:
            await self._results.filled.wait()
            await asyncio.sleep(GATHER_SECONDS)
            await until_done("analysis report", self._tell)

    async def _tell(self) -> None:
        while batch := self._results.oldest():
            department = batch[0].department
            answer = await self._ask(
                [{"cameraNum": one.camera_num, "data": one.data} for one in batch], department
            )
            if is_refusal(answer):
                self._results.refused += len(batch)
                logger.warning(
                    "platform refused %d analysis results of %s: %s", len(batch), department, answer.msg
                )
            elif not answer.ok:
                raise answer.error("平台")
            elif answer.msg != DEFAULT_MESSAGES[Code.OK]:
                # There are no per-item results: what it did not take stands in the words only.
                logger.info("platform on %d analysis results of %s: %s", len(batch), department, answer.msg)
            self._results.remove(batch)

    async def _ask(self, wire: object, department: str) -> Answer:
        """On HTTP 404 or code 404 the other spelling once; the one that was taken stays."""
        refusal: Answer | RemoteError | None = None
        for verb in sorted(ANALYSE_SPELLINGS, key=lambda verb: verb != self._verb):
            try:
                answer = await self._upstream.ask(verb, wire, department=department)
            except RemoteError as error:
                if error.http_status != Code.NOT_FOUND:
                    raise
                refusal = error
                continue
            if answer.code != Code.NOT_FOUND:
                self._verb = verb if answer.ok else self._verb
                return answer
            refusal = answer
        if isinstance(refusal, Answer):
            return refusal
        raise refusal or RemoteError("平台没有接收分析结果的接口")
