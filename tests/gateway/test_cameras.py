"""What the gateway holds for a fault of a camera, and what not."""

import asyncio

import pytest

from gateway.cameras import FAILURES_TO_FAULT, Camera, Cameras
from gateway.pusher import Cause, Failure
from gateway.troubles import Defect, Trouble
from protocol.codes import OnlineStatus
from tests.gateway.roadside import DOME, FIXED
from tests.gateway.standins import Odd, record, standing


@pytest.fixture
def fixed() -> Camera:
    return standing(FIXED)


def fail(fixed: Camera, cause: Cause, times: int) -> OnlineStatus:
    async def note() -> None:
        cameras = Cameras([fixed])
        for _ in range(times):
            await cameras.note_failure(fixed, Failure(cause, "不行"))

    asyncio.run(note())
    return fixed.status


def look(fixed: Camera) -> None:
    async def check() -> None:
        await Cameras([fixed]).check([fixed])

    asyncio.run(check())


def test_only_failures_of_the_camera_itself_make_it_faulty(fixed: Camera) -> None:
    assert fail(fixed, Cause.SINK, FAILURES_TO_FAULT) is OnlineStatus.ONLINE
    assert fail(fixed, Cause.ENCODER, FAILURES_TO_FAULT) is OnlineStatus.ONLINE
    assert fail(fixed, Cause.SOURCE, FAILURES_TO_FAULT) is OnlineStatus.FAULT


def test_failures_before_a_camera_was_found_well_do_not_count(fixed: Camera) -> None:
    fail(fixed, Cause.SOURCE, FAILURES_TO_FAULT)
    look(fixed)
    assert fixed.status is OnlineStatus.ONLINE
    assert fail(fixed, Cause.SOURCE, 1) is OnlineStatus.ONLINE


def test_a_camera_that_cannot_even_be_checked_keeps_no_other_from_it(fixed: Camera) -> None:
    odd = Camera(record(DOME), Odd())
    fixed.defect = Defect(Trouble.UNREACHABLE, "无法连接")

    async def check() -> None:
        await Cameras([odd, fixed]).check([odd, fixed])

    asyncio.run(check())
    assert (odd.status, fixed.status) == (OnlineStatus.ONLINE, OnlineStatus.ONLINE)
