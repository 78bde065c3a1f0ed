"""The gateway's own cameras are analysed in turn, and what is wrong with them is told."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.base import Surroundings
from gateway.adapters.simulated import Settings, SimulatedCamera
from gateway.analyst import Analyst
from gateway.cameras import Camera, Cameras
from gateway.results import Results
from gateway.scene.faults import Fault
from gateway.troubles import Defect, Trouble
from protocol.codes import Code
from tests.gateway.roadside import (
    BROKEN,
    DOME,
    FIXED,
    Platform,
    camera,
    command,
    config,
    gateway_in_thread,
    until,
    write_config,
)
from tests.gateway.standins import Reachable, record, standing


class Counting(Reachable):
    """Remembers which times it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def analyse(self, begin: int, end: int) -> Mapping[str, object] | None:
        self.asked.append((begin, end))
        return {"subject": "weather", "time": end, "phenomenon": "clear"}


def analysed(cameras: Cameras, period_seconds: int, count: int) -> tuple[Results, float]:
    """The results once there are so many, and how long it took."""
    results = Results(1000, 1 << 20)

    async def run() -> None:
        task = asyncio.create_task(Analyst(cameras, results, period_seconds).run())
        async with asyncio.timeout(60):
            while len(results) < count and not task.done():
                await asyncio.wait([task], timeout=0.02)
        task.cancel()

    begun = time.monotonic()
    asyncio.run(run())
    return results, time.monotonic() - begun


def watched(num: str) -> tuple[Camera, Counting]:
    adapter = Counting()
    return Camera(record(num), adapter), adapter


def test_each_camera_is_asked_once_a_period_for_the_time_since_and_they_take_turns() -> None:
    (first, one), (second, other) = watched(DOME), watched(FIXED)
    results, seconds = analysed(Cameras([first, second]), period_seconds=2, count=4)
    assert [waiting.camera_num for waiting in results.oldest()] == [DOME, FIXED, DOME, FIXED]
    assert seconds > 3.8
    for adapter in (one, other):
        (begin, middle), (again, end) = adapter.asked
        assert begin < middle == again < end
        assert end - again <= seconds + 1, "once a period, in whole seconds"
    assert json.loads(results.oldest()[0].data)["time"] == one.asked[0][1]


def test_cameras_that_nobody_watches_and_a_period_of_none_give_nothing() -> None:
    results, _ = analysed(Cameras([standing(DOME)]), period_seconds=0, count=1)
    assert len(results) == 0
    seen, asked = watched(DOME)
    results, _ = analysed(Cameras([standing(FIXED), seen]), period_seconds=2, count=1)
    assert [waiting.camera_num for waiting in results.oldest()] == [DOME]
    assert len(asked.asked) == 1


def test_cameras_that_come_and_go_while_it_runs_are_taken_up_and_left() -> None:
    (old, one), (new, other) = watched(DOME), watched(FIXED)
    cameras = Cameras([old])
    results = Results(1000, 1 << 20)

    async def run() -> None:
        task = asyncio.create_task(Analyst(cameras, results, 1).run())
        async with asyncio.timeout(60):
            while not one.asked:
                await asyncio.wait([task], timeout=0.02)
            cameras.replace([new])
            while len(other.asked) < 2:
                await asyncio.wait([task], timeout=0.02)
        task.cancel()

    asyncio.run(run())
    assert len(one.asked) == 1


def simulated(surroundings: Surroundings, fault: Fault | None) -> SimulatedCamera:
    return SimulatedCamera(Settings(seed=3, fault=fault), record(DOME), surroundings)


@pytest.mark.parametrize(
    ("fault", "trouble", "digits"),
    [
        (None, None, "000000000"),
        (Fault.OCCLUDED, None, "001000000"),
        (Fault.BLURRED, None, "000100000"),
        (Fault.OFFLINE, Trouble.UNREACHABLE, "100000000"),
        (Fault.BLURRED, Trouble.NO_VIDEO, "010100000"),
    ],
)
def test_nine_digits_of_what_is_known(
    surroundings: Surroundings, fault: Fault | None, trouble: Trouble | None, digits: str
) -> None:
    one = Camera(record(DOME), simulated(surroundings, fault))
    one.defect = Defect(trouble, "无画面") if trouble else None
    assert one.quality == digits


def test_nothing_is_said_of_pictures_that_nobody_looks_at() -> None:
    one = standing(DOME)
    one.defect = Defect(Trouble.UNREACHABLE, "无法连接")
    assert one.quality is None


def test_what_a_fault_hides_is_not_counted(surroundings: Surroundings) -> None:
    turns: Sequence[int] = range(4)
    for fault in (None, *Fault):
        adapter = simulated(surroundings, fault)
        told = [adapter.analyse(1_795_320_000, 1_795_320_060) for _ in turns]
        assert all(told) if fault is None else not any(told), fault


def test_faults_are_told_to_the_platform_and_one_that_is_off_cannot_be_pushed(
    folder: Path, upper: Platform
) -> None:
    def source(fault: str | None) -> dict[str, Any]:
        return {"adapter": "simulated", "seed": 3, "light": "day", "fault": fault}

    nums = {DOME: None, FIXED: "occluded", BROKEN: "offline"}
    cameras = [camera(num, source(fault)) for num, fault in nums.items()]
    platform = config(folder)["platform"] | {"base_url": upper.base_url}
    path = write_config(folder, platform=platform, cameras=cameras, analysis={"period_seconds": 10})
    with gateway_in_thread(path) as gateway:
        (qualities,) = until(lambda: upper.of("ReportCameraQuality"), what="quality")
        assert {item["cameraNum"]: item["cameraStatus"] for item in qualities} == {
            DOME: "000000000",
            FIXED: "001000000",
            BROKEN: "100000000",
        }
        answer = gateway.begin(BROKEN, command(9))
        assert (answer.code, "设为离线" in answer.msg) == (Code.NOT_FOUND, True)
        ((told,),) = until(lambda: upper.of("ReportAnalyse"), what="a result")
    assert told["cameraNum"] == DOME
    assert json.loads(told["data"])["subject"] in ("flow", "speed", "weather", "congestion")
