"""Has the cameras analysed that the gateway itself can watch, one after the other all through the period."""

import asyncio
import json
import time
from collections.abc import Sequence

from gateway.cameras import Camera, Cameras
from gateway.results import Results


class Analyst:
    def __init__(self, cameras: Cameras, results: Results, period_seconds: int) -> None:
        self._cameras = cameras
        self._results = results
        self._period = period_seconds

    async def run(self) -> None:
        """Until cancelled; at once when nothing is to be analysed."""
        if not self._period:
            return
        until: dict[str, int] = {}
        while True:
            # Anew each round: the configuration may have been read again.
            cameras = list(self._cameras)
            now = int(time.time())
            until = {camera.num: until.get(camera.num, now) for camera in cameras}
            if not cameras:
                await asyncio.sleep(self._period)
            await self._go_round(cameras, until)

    async def _go_round(self, cameras: Sequence[Camera], until: dict[str, int]) -> None:
        due = time.monotonic()
        for camera in cameras:
            due = max(due + self._period / len(cameras), time.monotonic())
            await asyncio.sleep(due - time.monotonic())
            if not self._cameras.holds(camera):
                continue
            now = int(time.time())
            # A clock that was set must not make an age of it.
            begin = max(until[camera.num], now - 2 * self._period)
            until[camera.num] = now
            if begin < now:
                # Counting a whole hour takes long enough to be felt elsewhere.
                found = await asyncio.to_thread(camera.adapter.analyse, begin, now)
                if found is not None:
                    self._results.put(camera, json.dumps(found))
