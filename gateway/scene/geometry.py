"""Where things are and where they are seen: the road in metres, the camera on its mast, the panorama.

X runs to the right of the middle of the road, Y up, Z ahead, all in metres. China drives on the
right: lanes with X > 0 lead away from the camera, lanes with X < 0 come towards it.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from gateway.scene.canvas import Floats

Number = TypeVar("Number", float, Floats)

# The panorama and what of it an unzoomed camera sees, in panorama pixels.
PANORAMA_WIDTH, PANORAMA_HEIGHT = 2304, 832
VIEW_WIDTH, VIEW_HEIGHT = 960, 540
FOCAL = 1030.0
# One height for all masts: vehicles drawn for one camera serve the others.
MAST_METRES = 8.5

LANE_METRES = 3.75
SHOULDER_METRES = 3.0
INNER_SHOULDER_METRES = 0.75


@dataclass(frozen=True)
class Road:
    """Two carriageways of `lanes` each; `median` metres between their inner edges."""

    lanes: int
    median: float
    bend: float  # 1/m, positive to the right

    @property
    def inner_edge(self) -> float:
        return self.median / 2 + INNER_SHOULDER_METRES

    @property
    def outer_line(self) -> float:
        return self.inner_edge + self.lanes * LANE_METRES

    @property
    def outer_edge(self) -> float:
        return self.outer_line + SHOULDER_METRES

    def lane_centre(self, lane: int) -> float:
        """Lanes 0, 1, ... lead away, counted from the median; -1, -2, ... come towards."""
        index = lane if lane >= 0 else -lane - 1
        centre = self.inner_edge + (index + 0.5) * LANE_METRES
        return centre if lane >= 0 else -centre

    def shift(self, z: Number) -> Number:
        """How far to the right the road has bent at this distance."""
        return self.bend * z * z / 2


@dataclass(frozen=True)
class Mast:
    """The camera: `height` above the road, `x` right of its middle, vanishing point in the panorama."""

    height: float
    x: float
    vanish_u: float
    horizon_v: float
    road: Road

    def project(self, x: Number, y: Number, z: Number) -> tuple[Number, Number]:
        """Panorama pixel of a point; x is measured across the bending road."""
        u = self.vanish_u + FOCAL * (x - self.x + self.road.shift(z)) / z
        v = self.horizon_v + FOCAL * (self.height - y) / z
        return u, v

    def distance(self, v: Number) -> Number:
        """Metres to the ground at this panorama row below the horizon."""
        return FOCAL * self.height / (v - self.horizon_v)

    @property
    def nearest(self) -> float:
        """The closest ground in the panorama."""
        return self.distance(float(PANORAMA_HEIGHT))


def set_up(rng: np.random.Generator, lanes: int | None = None) -> Mast:
    """A mast and a road like others of this country, never twice the same."""
    road = Road(
        lanes=lanes or int(rng.choice([2, 2, 3])),
        median=float(rng.choice([2.0, 3.0])),
        bend=float(rng.choice([-1, 1]) * rng.uniform(0.00004, 0.00034)),
    )
    side = float(rng.choice([-1, 1]) * rng.uniform(0.0, 0.45) * road.outer_edge)
    return Mast(
        height=MAST_METRES,
        x=side,
        vanish_u=PANORAMA_WIDTH / 2 + float(rng.uniform(-120, 120)),
        horizon_v=262.0 + float(rng.uniform(-16, 16)),
        road=road,
    )
