"""Who drives where at a moment: computed from the clock, so that every stage sees the same vehicles."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gateway.scene.geometry import Road
from gateway.scene.vehicles import CARS, VEHICLES


class Placed(NamedTuple):
    """A vehicle: its nearest edge is `z` ahead of the camera, its middle `x` right of the road's."""

    model: int
    toward: bool
    x: float
    z: float


class Passage(NamedTuple):
    """A vehicle whose middle crossed a line over the road, at its speed there in m/s."""

    model: int
    toward: bool
    speed: float


@dataclass(frozen=True)
class _Lane:
    index: int
    speed: float  # m/s, towards the camera when negative
    gap: float
    heavy_share: float


@dataclass(frozen=True)
class _Seat:
    model: int
    x: float
    off: float  # metres along the lane at moment 0
    sway: float  # how fast it falls back and catches up, 1/s


_MOST_ROWS = 256
# Wrapped after a day or so: the numbers stay small and exact.
_WRAP_SECONDS = 100_000
# How far a vehicle falls back and catches up.
_SWAY_METRES = 3


class Traffic:
    """Each lane is an endless row of places that moves at one speed; who sits in a place is drawn by lot."""

    def __init__(self, road: Road, seed: int) -> None:
        self._road, self._seed = road, seed
        self._rows: dict[tuple[int, int, int], Sequence[_Seat]] = {}
        lanes = []
        for index in range(-road.lanes, road.lanes):
            rank = index if index >= 0 else -index - 1
            outer = rank / max(road.lanes - 1, 1)
            lot = self._lots(index, 0)
            lanes.append(
                _Lane(
                    index=index,
                    speed=(31 - 8 * outer + 2 * lot[0]) * (1 if index >= 0 else -1),
                    gap=88 + 50 * lot[1],
                    heavy_share=0.04 + 0.5 * outer,
                )
            )
        self._lanes = tuple(lanes)

    def at(self, moment: float, nearest: float, farthest: float) -> list[Placed]:
        """The farthest first."""
        found = [placed for lane in self._lanes for placed in self._on(lane, moment, nearest, farthest)]
        found.sort(key=_by_distance)
        return found

    def passages(self, begin: float, end: float, line: float) -> list[Passage]:
        """Who crossed the line at `line` metres ahead of the camera between two moments; safe in any thread."""
        found: list[Passage] = []
        while begin < end:
            # Where the day wraps every vehicle is somewhere else at once, in the picture as well.
            until = min(end, (math.floor(begin / _WRAP_SECONDS) + 1) * _WRAP_SECONDS)
            last = math.nextafter(until, begin)
            found += [one for lane in self._lanes for one in self._crossed(lane, begin, last, line)]
            begin = until
        return found

    def _crossed(self, lane: _Lane, begin: float, end: float, line: float) -> Iterator[Passage]:
        first_moved, last_moved = sorted(lane.speed * (moment % _WRAP_SECONDS) for moment in (begin, end))
        # Nobody is as far as a whole gap off the place.
        first = math.floor((line - last_moved) / lane.gap)
        last = math.ceil((line - first_moved) / lane.gap)
        for place in range(first, last + 1):
            seat = self._drawn(lane, place)
            if seat is None:
                continue
            before, after = _middle(lane, seat, begin) - line, _middle(lane, seat, end) - line
            if (before < 0) is not (after < 0):
                at = begin - before / lane.speed
                sway = _SWAY_METRES * seat.sway * math.cos(at * seat.sway + seat.off)
                yield Passage(seat.model, lane.index < 0, abs(lane.speed + sway))

    def _on(self, lane: _Lane, moment: float, nearest: float, farthest: float) -> Iterator[Placed]:
        moved = lane.speed * (moment % _WRAP_SECONDS)
        first = math.floor((nearest - 20 - moved) / lane.gap)
        last = math.ceil((farthest - moved) / lane.gap)
        for seat in self._row(lane, first, last):
            length = VEHICLES[seat.model].length
            z = _middle(lane, seat, moment) - length / 2
            if nearest <= z + length and z <= farthest:
                yield Placed(seat.model, lane.index < 0, seat.x, z)

    def _row(self, lane: _Lane, first: int, last: int) -> Sequence[_Seat]:
        key = lane.index, first, last
        if key not in self._rows:
            if len(self._rows) > _MOST_ROWS:
                self._rows.clear()
            seats = (self._drawn(lane, place) for place in range(first, last + 1))
            self._rows[key] = [seat for seat in seats if seat is not None]
        return self._rows[key]

    def _drawn(self, lane: _Lane, place: int) -> _Seat | None:
        chance, kind, off, side, sway = self._lots(lane.index, place)
        if chance > 0.86:
            return None
        return _Seat(
            model=_model(kind, lane.heavy_share),
            x=self._road.lane_centre(lane.index) + (side - 0.5) * 0.5,
            off=place * lane.gap + (off - 0.5) * lane.gap * 0.5,
            sway=0.12 + 0.1 * sway,
        )

    def _lots(self, lane: int, place: int) -> list[float]:
        """Five numbers 0-1 that belong to this place for ever."""
        rng = np.random.default_rng([self._seed, lane + 100, place + 10_000_000])
        return [float(lot) for lot in rng.random(5)]


def _middle(lane: _Lane, seat: _Seat, moment: float) -> float:
    """Metres from the camera to the middle of a vehicle."""
    sway = _SWAY_METRES * math.sin(moment * seat.sway + seat.off)
    return seat.off + lane.speed * (moment % _WRAP_SECONDS) + sway


def _by_distance(placed: Placed) -> float:
    return -placed.z


def _model(kind: float, heavy_share: float) -> int:
    if kind < heavy_share:
        heavy = len(VEHICLES) - len(CARS)
        return len(CARS) + min(int(kind / heavy_share * heavy), heavy - 1)
    return min(int((kind - heavy_share) / (1 - heavy_share) * len(CARS)), len(CARS) - 1)
