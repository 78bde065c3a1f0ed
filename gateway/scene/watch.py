"""What whoever watches a drawn road can count and see: results of traffic analysis as docs/analysis.md has them."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence

from gateway.scene.geometry import PANORAMA_HEIGHT, PANORAMA_WIDTH, VIEW_HEIGHT, VIEW_WIDTH
from gateway.scene.light import LIGHTS, LightName
from gateway.scene.scene import Scene
from gateway.scene.traffic import Passage
from gateway.scene.vehicles import LORRIES
from gateway.scene.view import Look
from protocol.codes import Orientation

Result = Mapping[str, object]

# In front of whatever stands on or over the road, and wide enough to hold all lanes.
LINE_METRES = 48.0
# From this mean speed on, in km/h.
_LEVELS = ((70.0, "free"), (50.0, "slow"), (40.0, "light"), (20.0, "moderate"), (0.0, "severe"))
# Meteorological optical range: 5 % of a thing's own contrast is left.
_RANGE_PER_HAZE = 3.0
_PHENOMENA = {LightName.RAIN: "rain", LightName.FOG: "fog"}
_WET = 0.5


class Watch:
    """One result at a time, the subjects in turn, counted from the vehicles that are drawn."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._subjects: Sequence[Callable[[int, int], Result | None]] = (
            self._weather,
            self._congestion,
            self._flow,
            self._speed,
        )
        # Different cameras tell different things at first.
        self._turn = scene.site.seed

    def result(self, begin: int, end: int) -> Result | None:
        """The next one, of the time between two unix seconds; None when nothing can be said.

        The lens may not have turned meanwhile, and the whole road has to be in the picture.
        """
        self._turn += 1
        return self._subjects[self._turn % len(self._subjects)](begin, end)

    def _passages(self, begin: int, end: int) -> Sequence[Passage]:
        view = self._scene.view
        is_still = time.monotonic() - view.still_since >= end - begin
        if not (is_still and self.shows_road(view.look)):
            return ()
        return self._scene.traffic.passages(begin, end, LINE_METRES)

    def shows_road(self, look: Look) -> bool:
        """Whether the line that is counted at lies in the picture from the first lane to the last."""
        mast = self._scene.mast
        half_width, half_height = VIEW_WIDTH / look.zoom / 2, VIEW_HEIGHT / look.zoom / 2
        middle_u, middle_v = look.pan * PANORAMA_WIDTH, look.tilt * PANORAMA_HEIGHT
        lanes = mast.road.lanes
        points = [mast.project(mast.road.lane_centre(lane), 0.0, LINE_METRES) for lane in (-lanes, lanes - 1)]
        return all(abs(u - middle_u) < half_width and abs(v - middle_v) < half_height for u, v in points)

    def _flow(self, begin: int, end: int) -> Result | None:
        passed = self._passages(begin, end)
        if not passed:
            return None
        lorries = sum(one.model in LORRIES for one in passed)
        return {
            "subject": "flow",
            "time": end,
            "interval": end - begin,
            "direction": int(Orientation.BOTH),
            "vehicles": len(passed),
            "cars": len(passed) - lorries,
            "trucks": lorries,
            "meanSpeed": _mean_speed(passed),
        }

    def _speed(self, begin: int, end: int) -> Result | None:
        passed = self._passages(begin, end)
        if not passed:
            return None
        return {
            "subject": "speed",
            "time": end,
            "interval": end - begin,
            "direction": int(Orientation.BOTH),
            "meanSpeed": _mean_speed(passed),
            "vehicles": len(passed),
        }

    def _congestion(self, begin: int, end: int) -> Result | None:
        """Of the slower carriageway."""
        passed = self._passages(begin, end)
        carriageways = [[one for one in passed if one.toward is toward] for toward in (False, True)]
        speeds = [_mean_speed(vehicles) for vehicles in carriageways if vehicles]
        if not speeds:
            return None
        return {
            "subject": "congestion",
            "time": end,
            "congestionLevel": level_of(min(speeds)),
            "meanSpeed": min(speeds),
        }

    def _weather(self, begin: int, end: int) -> Result:
        name = self._scene.light
        light = LIGHTS[name]
        result = {
            "subject": "weather",
            "time": end,
            "phenomenon": _PHENOMENA.get(name, "clear"),
            "visibility": round(light.haze_metres * _RANGE_PER_HAZE),
        }
        # In between it is drawn neither dry nor wet.
        if light.wet == 0:
            result["surface"] = "dry"
        elif light.wet > _WET:
            result["surface"] = "wet"
        return result


def level_of(mean_speed: float) -> str:
    """The word of the schema for a mean speed in km/h."""
    return next(word for least, word in _LEVELS if mean_speed >= least)


def _mean_speed(passed: Sequence[Passage]) -> float:
    return round(statistics.fmean(one.speed for one in passed) * 3.6, 1)
