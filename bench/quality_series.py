"""What the platform sees of one camera: days of history, an hour of clean pictures, then faults."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from bench.quality_codec import FRAME_RATE, GOP, Still, key_frames, stream
from bench.quality_faults import Fault, Kind, burst, make_fault
from bench.quality_nature import PERIOD_SECONDS, Camera, Moment, Roads, Weather
from bench.quality_scenes import Bytes, Floats, Place

KBIT: Final = 150
HISTORY_DAYS: Final = 3
HISTORY_PICTURES: Final = 12  # a day
CLEAN_PICTURES: Final = 12
# A verdict has to stand after so many.
FAULT_PICTURES: Final = 3
BURST_FRAMES: Final = GOP + 1
# From here on, in pictures of the clean ones, a fault begins.
FAULT_FROM: Final = 4
# Somebody turns the camera while so many are taken, and so many more lie in the ten minutes after it
# (QUALITY_MUTE_MINUTES). What it saw is forgotten then: as many again as of others are there to learn and to judge.
_TURNED, _QUIET = 2, 2
_MINUTES_APART: Final = 10
_PERIOD_MINUTES: Final = PERIOD_SECONDS / 60


@dataclass(frozen=True, eq=False)
class Picture:
    luma: Bytes
    at: datetime
    # It is turned, or was within the last minutes.
    is_moving: bool = False


@dataclass(frozen=True, eq=False)
class Frames:
    luma: Sequence[Bytes]
    seconds: Sequence[float]
    at: datetime


class Series:
    """One camera in one weather."""

    def __init__(self, place: Place, weather: Weather, roads: Roads) -> None:
        self.camera = Camera(place, weather, roads)
        self.weather = weather
        # Light of consecutive frames, drawn once: faults differ in what becomes of it.
        self._runs: dict[float, Sequence[Floats]] = {}
        self._still = self._running(None)

    @property
    def name(self) -> str:
        return f"{self.camera.place.name} {self.weather}"

    def history(self) -> Iterator[Picture]:
        for day in range(HISTORY_DAYS):
            for number in range(HISTORY_PICTURES):
                yield self._picture(Moment(day, _MINUTES_APART * number), None, self._still, is_history=True)

    def clean(self) -> Iterator[Picture]:
        for number in range(CLEAN_PICTURES * (2 if self.weather is Weather.MOVED else 1)):
            yield self._picture(_moment(number), None, self._still, number=number)

    def faulted(self, kind: Kind, severity: int) -> list[Picture]:
        """Pictures after the first FAULT_FROM clean ones; without those of a burst."""
        fault = make_fault(kind, severity, self.camera.rng, is_dirty=bool(self.camera.rng.random() < 0.5))
        if kind is Kind.FREEZE:
            return self._frozen(fault)
        # What the rate control makes of noise has to be found out; the other faults leave it no more to do.
        still = self._running(fault) if kind is Kind.NOISE else self._still
        return [self._picture(_moment(FAULT_FROM + number), fault, still) for number in range(FAULT_PICTURES)]

    def burst(self, fault: Fault | None, number: int) -> Frames:
        """Consecutive frames, the first of them a key frame, some seconds after clean picture `number`."""
        luma = stream(self._frames(number + 0.1, fault), KBIT)
        at = _moment(number + 0.1).at(self.weather)
        return Frames(luma, [index / FRAME_RATE for index in range(len(luma))], at)

    def faulted_burst(self, kind: Kind, severity: int, number: int) -> Frames:
        return self.burst(make_fault(kind, severity, self.camera.rng, is_dirty=False), number)

    def _running(self, fault: Fault | None) -> Still:
        return Still(self._frames(0, fault), KBIT, self.camera.rng)

    def _frames(self, number: float, fault: Fault | None) -> list[Bytes]:
        camera, at = self.camera, _moment(number).at(self.weather)
        if number not in self._runs:
            self._runs[number] = camera.run(_moment(number), BURST_FRAMES)
        light = self._runs[number]
        if fault is None:
            return [camera.written(camera.exposed(one), at) for one in light]
        seen = [camera.exposed(fault.before_sensor(one), noise=fault.noise) for one in light]
        return [camera.written(one, at) for one in burst(fault, seen, camera.rng, 0.0)]

    def _picture(
        self,
        moment: Moment,
        fault: Fault | None,
        still: Still,
        *,
        number: int = 0,
        is_history: bool = False,
    ) -> Picture:
        camera, at = self.camera, moment.at(self.weather)
        light = camera.scene(moment, is_history=is_history)
        since_turned = number - FAULT_FROM
        is_moving = self.weather is Weather.MOVED and 0 <= since_turned < _TURNED + _QUIET and not is_history
        if is_moving and since_turned < _TURNED:
            light = np.roll(light, (40, -90), (0, 1))
        if fault is None:
            picture = camera.exposed(light)
        else:
            picture = camera.exposed(fault.before_sensor(light), noise=fault.noise)
            picture = fault.after_sensor(picture, camera.rng, float(camera.rng.uniform(0, 10)))
        return Picture(still.picture(camera.written(picture, at)), at, is_moving)

    def _frozen(self, fault: Fault) -> list[Picture]:
        camera = self.camera
        at = _moment(FAULT_FROM).at(self.weather)
        luma = camera.written(camera.exposed(camera.scene(_moment(FAULT_FROM))), at)
        pictures = key_frames([luma] * (GOP * (FAULT_PICTURES + 1)), int(fault.size))
        moments = [_moment(FAULT_FROM + number).at(self.weather) for number in range(FAULT_PICTURES)]
        return [Picture(one, at, False) for one, at in zip(pictures, moments, strict=True)]


def _moment(number: float) -> Moment:
    return Moment(HISTORY_DAYS, 20 + _PERIOD_MINUTES * number)
