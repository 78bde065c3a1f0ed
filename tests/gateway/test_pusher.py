"""One pushed channel, with cameras that need no pictures."""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable

from gateway.adapters.base import Adapter
from gateway.budget import CoreBudget
from gateway.ffmpeg import find_ffmpeg
from gateway.pusher import Cause, Failure, Pusher, StartGate, Workshop
from gateway.targets import PushTargets
from protocol.codes import VideoType
from protocol.commands import LOW_FORMAT, PushCommand
from tests.gateway.standins import Odd

COMMAND = PushCommand("127.0.0.1", 9, "/live/one", "", LOW_FORMAT)


def workshop() -> Workshop:
    targets = PushTargets([ipaddress.ip_network("127.0.0.0/8")], (1, 65535))
    return Workshop(find_ffmpeg(None), targets, StartGate(), CoreBudget(1))


def failures_of(adapter: Adapter, count: int) -> list[Failure]:
    """The first failures of a push from this camera."""
    found: list[Failure] = []

    async def push() -> None:
        enough = asyncio.Event()

        def note(failure: Failure) -> None:
            found.append(failure)
            if len(found) == count:
                enough.set()

        pusher = Pusher("one/LOW", adapter, VideoType.LOW, COMMAND, workshop(), on_frames=lambda: None, on_failure=note)
        await _within(enough.wait, 10)
        await pusher.stop()

    asyncio.run(push())
    return found


async def _within(done: Callable[[], Awaitable[object]], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        await done()


def test_a_push_outlasts_what_nobody_thought_of() -> None:
    first, second = failures_of(Odd(), 2)
    assert first.cause is second.cause is Cause.GATEWAY
    assert first.reason == "网关内部错误，详情见网关的日志"
