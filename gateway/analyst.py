"""Has the cameras analysed that the gateway itself can watch, one after the other all through the period."""

import asyncio
import itertools
import json
import time

from gateway.cameras import Cameras
from gateway.results import Results


class Analyst:
    def __init__(self, cameras: Cameras, results: Results, period_seconds: int) -> None:
        self._cameras = cameras
        self._results = results
        self._period = period_seconds

    async def run(self) -> None:
        """Until cancelled; at once when there is nothing to do."""
        cameras = list(self._cameras)
        if not cameras or not self._period:
            return
        until = dict.fromkeys((camera.num for camera in cameras), int(time.time()))
        due = time.monotonic()
        for camera in itertools.cycle(cameras):
            due = max(due + self._period / len(cameras), time.monotonic())
            await asyncio.sleep(due - time.monotonic())
            now = int(time.time())
            # A clock that was set must not make an age of it.
            begin = max(until[camera.num], now - 2 * self._period)
            until[camera.num] = now
            if begin < now:
                # Counting a whole hour takes long enough to be felt elsewhere.
                found = await asyncio.to_thread(camera.adapter.analyse, begin, now)
                if found is not None:
                    self._results.put(camera, json.dumps(found))
