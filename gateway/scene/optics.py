"""How metres become stored pixels, and the sizes that vehicles are drawn in."""

import math
from typing import NamedTuple

from gateway.scene.geometry import FOCAL, VIEW_HEIGHT

# What is nearer lies below the panorama, however high it is.
NEAREST_METRES = 7.0
# Vehicles are drawn down to this ground only: it lies below the lower edge of the panorama.
NEAREST_GROUND_METRES = 14.5

# Sizes a vehicle is drawn in: every pixel of width while small, then in steps of 14 %.
PIXELWISE = 10
_SIZE_STEP = math.log(1.14)
_CAR_METRES = 1.9
_ZOOM_STEP = math.log(1.12)
# Below this distance a long vehicle is passing under the camera: steps of metres instead.
_PASSING_METRES, _PASSING_STEP = 8.0, 2.0
_LEAST_WIDTH = 2.2
_FAST = 30 * 0.04  # metres in a picture


class Optics(NamedTuple):
    """How metres become stored pixels: focal lengths across and down, height of the eye."""

    across: float
    down: float
    eye: float

    @classmethod
    def of(cls, frame_height: int, squeeze: float, zoom: float, eye: float) -> "Optics":
        down = FOCAL * frame_height / VIEW_HEIGHT * zoom
        return cls(across=down * squeeze, down=down, eye=eye)

    def rounded(self) -> "Optics":
        """A lens near by, so that a zooming one does not have everything drawn anew for each frame."""
        down = math.exp(round(math.log(self.down) / _ZOOM_STEP) * _ZOOM_STEP)
        return Optics(self.across * down / self.down, down, self.eye)

    def step(self, z: float) -> int:
        """The size step of a vehicle whose nearest edge is at this distance."""
        if z < _PASSING_METRES:
            return -1 - round((_PASSING_METRES - z) / _PASSING_STEP)
        width = self.across * _CAR_METRES / z
        return (
            round(width) if width < PIXELWISE else PIXELWISE + round(math.log(width / PIXELWISE) / _SIZE_STEP)
        )

    def distance(self, step: int) -> float:
        """The distance a step is drawn for."""
        if step < 0:
            return _PASSING_METRES + (step + 1) * _PASSING_STEP
        width = float(step) if step < PIXELWISE else PIXELWISE * math.exp((step - PIXELWISE) * _SIZE_STEP)
        return self.across * _CAR_METRES / max(width, 0.5)

    def serves(self, step: int, z: float) -> bool:
        """Whether what is drawn for a step may stand at `z`: cut off below, it would float farther away."""
        near = max(self.distance(step), NEAREST_METRES)
        return near >= NEAREST_GROUND_METRES or near >= z

    @property
    def farthest(self) -> float:
        """Where a car is too small to be seen."""
        return self.across * _CAR_METRES / _LEAST_WIDTH

    def foot(self, x: float, near: float) -> tuple[float, float]:
        """The ground under the middle of the nearest edge, in pixels from the vanishing point."""
        z = max(near, NEAREST_METRES)
        return self.across * x / z, self.down * self.eye / z

    def distance_of_pace(self, pixels: float) -> float:
        """Where a fast vehicle moves down the picture by so many pixels in a picture of 40 ms."""
        return math.sqrt(self.down * self.eye * _FAST / pixels)
