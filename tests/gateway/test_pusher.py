"""One pushed channel, with cameras that need no pictures."""

import asyncio
import dataclasses
import ipaddress
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from gateway.adapters.base import Adapter, Surroundings
from gateway.adapters.file import FileCamera
from gateway.adapters.file import Settings as FileSettings
from gateway.adapters.rtsp import RtspCamera
from gateway.adapters.rtsp import Settings as RtspSettings
from gateway.budget import CoreBudget
from gateway.ffmpeg import find_ffmpeg
from gateway.gate import STARTS_A_SECOND, StartGate, Urgency
from gateway.pusher import Cause, Failure, Pusher, Workshop
from gateway.targets import PushTargets
from gateway.troubles import Trouble
from protocol.codes import VideoType
from protocol.commands import LOW_FORMAT, PushCommand
from protocol.tls import server_context
from tests.gateway.rtsp_standin import rtsp_standin
from tests.gateway.standins import Noting, Odd
from tests.protocol.certificates import Certificates, write_certificates

COMMAND = PushCommand("127.0.0.1", 9, "/live/one", "", LOW_FORMAT)


def workshop(gate: StartGate | None = None) -> Workshop:
    targets = PushTargets([ipaddress.ip_network("127.0.0.0/8")], (1, 65535))
    return Workshop(find_ffmpeg(None), targets, gate or StartGate(), CoreBudget(1))


def failures_of(adapter: Adapter, count: int) -> list[Failure]:
    """The first failures of a push from this camera."""
    found: list[Failure] = []

    async def push() -> None:
        enough = asyncio.Event()

        def note(failure: Failure) -> None:
            found.append(failure)
            if len(found) == count:
                enough.set()

        shop = workshop()
        pusher = Pusher(
            "one/LOW", adapter, VideoType.LOW, COMMAND, shop, on_frames=lambda: None, on_failure=note
        )
        await _within(enough.wait, 60)
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


def starts_of(adapters: Sequence[Adapter], gate: Noting, count: int) -> None:
    """Push from all of them at once, to a place where nobody listens, until the gate let so many through."""

    async def push() -> None:
        shop = workshop(gate)
        pushers = [
            Pusher(
                str(number),
                adapter,
                VideoType.LOW,
                COMMAND,
                shop,
                on_frames=lambda: None,
                on_failure=lambda _: None,
            )
            for number, adapter in enumerate(adapters)
        ]
        async with asyncio.timeout(60):
            while len(gate.passed) < count:
                await asyncio.sleep(0.02)
        for pusher in pushers:
            await pusher.stop()

    asyncio.run(push())


def test_pushes_and_looks_together_start_no_faster_than_the_gate_lets_them(
    surroundings: Surroundings, clip: Path
) -> None:
    gate = Noting()
    around = dataclasses.replace(surroundings, gate=gate)
    begun = time.monotonic()
    starts_of([FileCamera(FileSettings(str(clip)), around) for _ in range(5)], gate, 10)
    urgencies = {urgency for urgency, _ in gate.passed}
    assert urgencies == {Urgency.PUSH, Urgency.LOOK}
    # Whoever is let through may hear of it late, and the next one in time.
    assert all(at - begun >= 0.99 * n / STARTS_A_SECOND for n, (_, at) in enumerate(gate.passed))


def behind(made: Certificates) -> ssl.SSLContext:
    return server_context(made.certificate, made.key)


def test_a_wrong_password_behind_tls_is_not_tried_again_and_again(
    surroundings: Surroundings, tmp_path: Path
) -> None:
    with rtsp_standin(behind(write_certificates(tmp_path))) as locked:
        settings = RtspSettings(locked.url("secret", "admin:guess@"), "copy")
        failures = failures_of(RtspCamera(settings, surroundings), 4)
    assert {failure.trouble for failure in failures} == {Trouble.WRONG_PASSWORD}
    # One ffmpeg, which answers the challenge once.
    assert locked.attempts == 1
