"""What the gateway holds for a fault of a camera, and what not."""

import asyncio

import pytest

from gateway.cameras import FAILURES_TO_FAULT, Camera, Cameras
from gateway.pusher import Cause, Failure
from gateway.troubles import Defect, Trouble
from protocol.codes import OnlineStatus, VideoType
from tests.gateway.roadside import DOME, FIXED
from tests.gateway.standins import Odd, Reachable, record, standing


@pytest.fixture
def fixed() -> Camera:
    return standing(FIXED)


def fail(
    fixed: Camera,
    cause: Cause,
    times: int,
    video_type: VideoType = VideoType.LOW,
    *,
    is_flowing: bool = False,
) -> OnlineStatus:
    async def note() -> None:
        cameras = Cameras([fixed])
        for _ in range(times):
            failure = Failure(cause, "不行")
            await cameras.note_failure(fixed, video_type, failure, is_flowing=lambda: is_flowing)

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


def test_each_stream_fails_for_itself_and_one_that_flows_proves_the_camera_well(fixed: Camera) -> None:
    fail(fixed, Cause.SOURCE, FAILURES_TO_FAULT - 1, VideoType.LOW)
    assert fail(fixed, Cause.SOURCE, 1, VideoType.HIGH) is OnlineStatus.ONLINE
    flowing = fail(fixed, Cause.SOURCE, FAILURES_TO_FAULT, VideoType.HIGH, is_flowing=True)
    assert flowing is OnlineStatus.ONLINE
    assert fail(fixed, Cause.SOURCE, 1, VideoType.HIGH) is OnlineStatus.FAULT


@pytest.mark.parametrize("asked_by", ["failure", "round"])
def test_an_answer_that_pictures_have_overtaken_counts_no_more(asked_by: str) -> None:
    slow = Slow()
    camera = Camera(record(FIXED), slow)
    cameras = Cameras([camera])

    async def ask() -> None:
        if asked_by == "round":
            await cameras.check([camera])
            return
        camera.failures[VideoType.LOW] = FAILURES_TO_FAULT
        failure = Failure(Cause.SOURCE, "不行")
        await cameras.note_failure(camera, VideoType.LOW, failure, is_flowing=lambda: False)

    async def scene(*, overtaken: bool) -> OnlineStatus:
        slow.answers = asyncio.Event()
        asking = asyncio.create_task(ask())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if overtaken:
            cameras.note_frames(camera, VideoType.LOW)
        slow.answers.set()
        await asking
        return camera.status

    assert asyncio.run(scene(overtaken=True)) is OnlineStatus.ONLINE
    assert asyncio.run(scene(overtaken=False)) is OnlineStatus.FAULT


class Slow(Reachable):
    """Says that it does not answer, once it may."""

    answers: asyncio.Event

    async def check(self, video_type: VideoType = VideoType.LOW) -> Defect | None:
        await self.answers.wait()
        return Defect(Trouble.FROZEN, "不应答")
