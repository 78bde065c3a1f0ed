"""What is told to end ends, also when something it waited for comes in the same moment."""

import asyncio
import json
from pathlib import Path

from gateway.assigned import AssignedCameras
from gateway.budget import CoreBudget
from gateway.gate import StartGate
from gateway.pusher import Pusher, Workshop
from gateway.targets import PushTargets
from gateway.upstream import Upstream
from protocol.client import Credentials, PartnerClient
from protocol.codes import VideoType
from protocol.commands import parse_push_command
from protocol.forwarding import networks_of
from tests.gateway.roadside import DEVICE_CODE, FIRST_TOKEN, KEYS, USER, command
from tests.gateway.standins import Reachable

ENDS_SECONDS = 30.0


def test_a_push_that_is_renewed_and_ended_at_once() -> None:
    async def scene() -> None:
        targets = PushTargets(networks_of(["127.0.0.1/32"]), (1, 65535))
        workshop = Workshop("ffmpeg", targets, StartGate(), CoreBudget(1))
        order = parse_push_command(json.dumps(command(1935)).encode())
        pusher = Pusher(
            "dome/LOW",
            Reachable(),
            VideoType.LOW,
            order,
            workshop,
            on_frames=lambda: None,
            on_failure=lambda _: None,
        )
        await waited_for(pusher._hurry)
        pusher.renew(order)
        ended, _ = await asyncio.wait([asyncio.create_task(pusher.stop())], timeout=ENDS_SECONDS)
        assert ended

    asyncio.run(scene())


def test_asked_and_ended_at_once(tmp_path: Path) -> None:
    async def scene() -> None:
        assigned = AssignedCameras(upstream_at("http://127.0.0.1:9"), tmp_path / "kept.json", (), 300)
        for task, event in (
            (asyncio.create_task(assigned.follow(_nothing)), assigned._is_asked),
            (asyncio.create_task(assigned.report(list)), assigned._has_news),
        ):
            await waited_for(event)
            event.set()
            task.cancel()
            await asyncio.wait([task], timeout=ENDS_SECONDS)
            assert task.cancelled()

    asyncio.run(scene())


def upstream_at(base_url: str) -> Upstream:
    credentials = Credentials(USER, DEVICE_CODE, FIRST_TOKEN, KEYS.private_key)
    return Upstream(PartnerClient(base_url, credentials))


async def waited_for(event: asyncio.Event) -> None:
    async with asyncio.timeout(ENDS_SECONDS):
        while not event._waiters:
            await asyncio.sleep(0.01)


async def _nothing() -> None:
    return
