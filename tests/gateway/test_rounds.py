"""The looks at all running ffmpegs share one timer."""

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.process import FfmpegProcess
from gateway.rounds import Rounds


def test_each_look_is_called_once_a_round_with_the_time_since_the_last() -> None:
    async def scene() -> tuple[list[float], list[float]]:
        rounds = Rounds(0.02)
        first: list[float] = []
        second: list[float] = []
        begun = time.monotonic()
        with rounds.take_in(first.append):
            with rounds.take_in(second.append):
                await until(lambda: len(first) >= 3)
            seen = list(second)
            await until(lambda: len(first) >= 6)
        assert second == seen
        assert sum(first) <= time.monotonic() - begun
        return first, seen

    first, second = asyncio.run(scene())
    assert len(second) == 3
    assert all(seconds >= 0.02 for seconds in first)


def test_a_look_that_fails_keeps_no_other_from_looking(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: float) -> None:
        raise ZeroDivisionError

    async def scene() -> list[float]:
        rounds = Rounds(0.02)
        seen: list[float] = []
        with rounds.take_in(fail), rounds.take_in(seen.append):
            await until(lambda: len(seen) >= 2)
        return seen

    assert asyncio.run(scene())
    assert "one look failed" in caplog.text


def test_a_machine_that_stood_still_counts_as_one_late_look() -> None:
    async def scene() -> list[float]:
        rounds = Rounds(0.02)
        seen: list[float] = []
        with rounds.take_in(seen.append):
            stood_still_until = time.monotonic() + 0.3
            while time.monotonic() < stood_still_until:
                pass
            await until(lambda: seen)
        return seen

    assert asyncio.run(scene())[0] == 0.04


def test_rounds_begin_again_after_nothing_ran() -> None:
    async def scene() -> None:
        rounds = Rounds(0.01)
        seen: list[float] = []
        for _ in range(2):
            seen.clear()
            with rounds.take_in(seen.append):
                await until(lambda: seen)
            # The timer that was set runs out and sets no other.
            await asyncio.sleep(0.03)

    asyncio.run(scene())


def test_the_last_report_counts_and_its_pipe_is_closed_at_the_end() -> None:
    said = r"frame=1\nfps=25\nframe=  77\nprogress=continue"
    script = f"import os, signal; print('{said}', flush=True); os.close(1); signal.pause()"

    async def scene() -> None:
        process = await FfmpegProcess.start([sys.executable, "-c", script], None)
        await until(process.count_frames)
        assert process.frames == 77
        # Nothing more comes: it stays.
        await until(lambda: not Path(f"/proc/{process.pid}/fd/1").exists())
        assert process.count_frames() == 77
        process.kill()
        assert await process.wait(10)
        await asyncio.sleep(0)
        assert process.count_frames() == 77

    before = open_files()
    asyncio.run(scene())
    assert open_files() == before


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def until(is_met: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not is_met():
            await asyncio.sleep(0.005)
