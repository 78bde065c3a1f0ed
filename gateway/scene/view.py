"""Where a simulated dome camera looks, and how orders move it."""

import math
import threading
from dataclasses import dataclass, field, replace

from protocol.codes import PtzAction

# The platform renews an order twice a second; one that was lost must not turn the camera for ever.
ORDER_SECONDS = 1.0
WIDEST, LONGEST = 1.0, 5.0
MOST_BLUR = 6.0
MOST_IRIS = 1.0

# Direction of the movement as (pan, tilt, zoom, focus, iris).
_DIRECTIONS: dict[PtzAction, tuple[int, int, int, int, int]] = {
    PtzAction.LEFT: (-1, 0, 0, 0, 0),
    PtzAction.RIGHT: (1, 0, 0, 0, 0),
    PtzAction.UP: (0, -1, 0, 0, 0),
    PtzAction.DOWN: (0, 1, 0, 0, 0),
    PtzAction.ZOOM_OUT: (0, 0, -1, 0, 0),
    PtzAction.ZOOM_IN: (0, 0, 1, 0, 0),
    PtzAction.FOCUS_NEAR: (0, 0, 0, -1, 0),
    PtzAction.FOCUS_FAR: (0, 0, 0, 1, 0),
    PtzAction.IRIS_CLOSE: (0, 0, 0, 0, -1),
    PtzAction.IRIS_OPEN: (0, 0, 0, 0, 1),
}


@dataclass(frozen=True)
class Look:
    """What the lens shows: centre in parts of the panorama, zoom, focus and iris off their best."""

    pan: float
    tilt: float
    zoom: float = WIDEST
    focus: float = 0.0
    iris: float = 0.0
    has_lamp: bool = False


@dataclass
class _Movement:
    direction: tuple[int, int, int, int, int]
    step: int
    until: float
    home: bool = False


@dataclass
class View:
    """The look and its movement. Orders come from the server, `advance` from the drawing thread."""

    home: Look
    # What of the panorama is seen unzoomed, in parts of its width and height.
    span: tuple[float, float]
    look: Look = field(init=False)
    # Since when (time.monotonic) the lens has not turned or zoomed.
    still_since: float = field(default=-math.inf, init=False)
    _movement: _Movement | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self.look = self.home

    def order(self, action: PtzAction, step: int, now: float) -> None:
        with self._lock:
            if action in _DIRECTIONS:
                self._movement = _Movement(_DIRECTIONS[action], step, now + ORDER_SECONDS)
            elif action in (PtzAction.LIGHT_ON, PtzAction.LIGHT_OFF):
                self.look = replace(self.look, has_lamp=action is PtzAction.LIGHT_ON)
            elif action is PtzAction.HOME:
                self._movement = _Movement((0, 0, 0, 0, 0), 8, math.inf, home=True)
            else:
                self._movement = None

    def advance(self, now: float, seconds: float) -> Look:
        with self._lock:
            movement = self._movement
            if movement is None:
                return self.look
            before = self.look
            if movement.home:
                self.look = self._nearer_home(seconds)
                if self.look == replace(self.home, has_lamp=self.look.has_lamp):
                    self._movement = None
            elif now >= movement.until:
                self._movement = None
            else:
                self.look = self._moved(movement, seconds)
            if self.look != before:
                self.still_since = now
            return self.look

    def _moved(self, movement: _Movement, seconds: float) -> Look:
        pan, tilt, zoom, focus, iris = movement.direction
        look, step = self.look, movement.step
        # A long lens turns slower, so that the picture passes at the same pace.
        pace = (0.10 + 0.06 * step) * seconds / look.zoom
        new_zoom = look.zoom * math.exp(zoom * (0.35 + 0.10 * step) * seconds)
        return self._kept_inside(
            replace(
                look,
                pan=look.pan + pan * pace * self.span[0],
                tilt=look.tilt + tilt * pace * self.span[1],
                zoom=min(max(new_zoom, WIDEST), LONGEST),
                focus=_clamp(look.focus + focus * (0.8 + 0.35 * step) * seconds, MOST_BLUR),
                iris=_clamp(look.iris + iris * (0.15 + 0.06 * step) * seconds, MOST_IRIS),
            )
        )

    def _nearer_home(self, seconds: float) -> Look:
        """An eased return that ends exactly at home."""
        share = min(1.0, seconds * 4)
        look, home = self.look, self.home
        away = abs(look.pan - home.pan) + abs(look.tilt - home.tilt) + abs(look.zoom - home.zoom)
        if away + abs(look.focus) + abs(look.iris) < 0.004:
            return replace(home, has_lamp=look.has_lamp)
        return self._kept_inside(
            replace(
                look,
                pan=look.pan + (home.pan - look.pan) * share,
                tilt=look.tilt + (home.tilt - look.tilt) * share,
                zoom=look.zoom + (home.zoom - look.zoom) * share,
                focus=look.focus * (1 - share),
                iris=look.iris * (1 - share),
            )
        )

    def _kept_inside(self, look: Look) -> Look:
        half_width, half_height = self.span[0] / look.zoom / 2, self.span[1] / look.zoom / 2
        return replace(
            look,
            pan=min(max(look.pan, half_width), 1 - half_width),
            tilt=min(max(look.tilt, half_height), 1 - half_height),
        )


def _clamp(value: float, most: float) -> float:
    return min(max(value, -most), most)
