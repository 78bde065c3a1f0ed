"""Draws one vehicle in perspective, with its shadow, as a patch."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from gateway.scene.canvas import Floats, Patch, make_patch, to_yuv, vector
from gateway.scene.light import Light
from gateway.scene.optics import NEAREST_GROUND_METRES, NEAREST_METRES, Optics
from gateway.scene.vehicles import VEHICLES, Face, Lamp, Part, Vehicle

_LEAST_WIDTH = 1.3
_MOST_PIXELS = 700_000


@dataclass(frozen=True)
class Sprite:
    """A patch and where its upper left corner lies from the foot of the vehicle's nearest edge."""

    patch: Patch
    left: int
    top: int


def draw_vehicle(
    model: int, toward: bool, x: float, near: float, optics: Optics, light: Light
) -> Sprite | None:
    """`x` right of the camera, `near` metres ahead is its nearest edge. None when too small or out of sight."""
    plane = _Plane(_shape(model, toward), x, near, optics, light)
    if plane.box is None:
        return None
    left, top, _, _ = plane.box
    body, cover = plane.body()
    shadow = plane.shadow() * (1 - cover)
    yuv = body + to_yuv(plane.air(vector((3, 3, 4)), 0.0)) * shadow[..., None]
    return Sprite(make_patch(yuv, cover + shadow), left, top)


class _Shape:
    """A model seen from one end, as arrays: corners, the faces they belong to, colours."""

    def __init__(self, vehicle: Vehicle, toward: bool) -> None:
        self.vehicle, self.toward = vehicle, toward

        def distance(part: Part) -> float:
            return part.middle if toward else -part.middle

        faces = [face for part in sorted(vehicle.parts, key=distance, reverse=True) for face in part.faces]
        counts = [len(face.corners) for face in faces]
        self.starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        self.ends = self.starts + counts
        self.following = np.arange(1, sum(counts) + 1)
        self.following[self.ends - 1] = self.starts
        corners = np.array([corner for face in faces for corner in face.corners])
        self.x, self.y = corners[:, 0], corners[:, 1]
        self.ahead = corners[:, 2] if toward else vehicle.length - corners[:, 2]
        self.colours = vector([_shaded(face) for face in faces])
        self.is_lamp = np.array([[face.lamp is not Lamp.NONE] for face in faces], dtype=np.float32)


class _Plane:
    """Where a shape falls, in pixels from the foot of its nearest edge."""

    def __init__(self, shape: _Shape, x: float, near: float, optics: Optics, light: Light) -> None:
        self._shape, self._x, self._near, self._optics, self._light = shape, x, near, optics, light
        self._foot_u, self._foot_v = optics.foot(x, near)
        self._squeeze = optics.across / optics.down
        self._scale = optics.down / max(near, NEAREST_METRES)
        self._clear = math.exp(-max(near, 0.0) / light.haze_metres)
        self._u, self._v = self._project(shape.x, shape.y, shape.ahead)
        self.box = self._box()

    def body(self) -> tuple[Floats, Floats]:
        """Colours (YUV, times cover) and cover of all faces that are turned to the camera."""
        left, top, width, height = self.box or (0, 0, 2, 2)
        # Large pictures need less help against jagged edges.
        fine = 4 if self._scale < 12 else 3 if self._scale < 40 else 2
        size = width * fine, height * fine
        # On zeros, so that what is shrunk is already multiplied by its cover.
        colour, cover = Image.new("RGB", size), Image.new("L", size)
        pens = ImageDraw.Draw(colour), ImageDraw.Draw(cover)
        points = np.column_stack([(self._u - left) * fine, (self._v - top) * fine]).ravel().tolist()
        fills, shape = self._fills(), self._shape
        for index in self._visible():
            corners = points[2 * shape.starts[index] : 2 * shape.ends[index]]
            pens[0].polygon(corners, fill=fills[index])
            pens[1].polygon(corners, fill=255)
        small = np.asarray(colour.reduce(fine), dtype=np.float32)
        return small, np.asarray(cover.reduce(fine), dtype=np.float32) * np.float32(1 / 255)

    def shadow(self) -> Floats:
        """On the ground under the vehicle; deep in sunlight, hardly there by night and in fog."""
        light, vehicle = self._light, self._shape.vehicle
        left, top, width, height = self.box or (0, 0, 2, 2)
        half, lean = vehicle.width / 2 + 0.05, 0.45 * light.sun
        x = np.array([-half, half + lean, half + lean, -half])
        ahead = np.array([-0.15, -0.15, vehicle.length + 0.15, vehicle.length + 0.15])
        u, v = self._project(x, np.zeros(4), ahead)
        strength = (0.34 + 0.24 * light.sun) * self._clear
        image = Image.new("L", (width, height), 0)
        corners = np.column_stack([u - left, v - top]).ravel().tolist()
        ImageDraw.Draw(image).polygon(corners, fill=int(255 * strength))
        soft = image.filter(ImageFilter.BoxBlur(min(0.5 + self._scale * 0.06, 6)))
        return np.asarray(soft, dtype=np.float32) * np.float32(1 / 255)

    def air(self, colour: Floats, shine: float | Floats) -> Floats:
        """A colour in this light, at this distance; `shine` 1 needs no daylight."""
        ambient, haze = vector(self._light.ambient), vector(self._light.haze)
        lit = colour * (ambient + (1 - ambient) * shine)
        return np.asarray(haze + (lit - haze) * self._clear)

    def _fills(self) -> list[tuple[int, int, int]]:
        shine = self._shape.is_lamp * np.float32(self._light.lamps)
        yuv = to_yuv(np.clip(self.air(self._shape.colours, shine), 0, 255))
        return [(y, u, v) for y, u, v in np.rint(yuv).astype(int).tolist()]

    def _visible(self) -> NDArray[np.intp]:
        """Faces whose corners run the way they do when seen from outside."""
        u, v, following = self._u, self._v, self._shape.following
        area = np.add.reduceat(u * v[following] - u[following] * v, self._shape.starts)
        return np.flatnonzero(area < 0 if self._shape.toward else area > 0)

    def _project(self, x: Floats, y: Floats, ahead: Floats) -> tuple[Floats, Floats]:
        z = np.maximum(self._near + ahead, NEAREST_METRES)
        u = self._optics.across * (self._x + x) / z
        v = self._optics.down * (self._optics.eye - y) / z
        return u - self._foot_u, v - self._foot_v

    def _box(self) -> tuple[int, int, int, int] | None:
        """Left, top, width and height; with room for the shadow."""
        if float(self._u.max() - self._u.min()) < _LEAST_WIDTH:
            return None
        aside, below = 0.2 * self._scale * self._squeeze + 1, 0.2 * self._scale + 1
        # The sun is on the left, where the shadow is not.
        lean = 0.3 * self._light.sun * self._scale * self._squeeze
        # Nothing nearer than the lower edge of the panorama is ever seen.
        lowest = self._optics.down * self._optics.eye / NEAREST_GROUND_METRES - self._foot_v
        left, top = math.floor(self._u.min() - aside) & ~1, math.floor(self._v.min() - 1) & ~1
        right, bottom = self._u.max() + aside + lean, min(self._v.max() + below, lowest)
        width, height = 2 * math.ceil((right - left) / 2), 2 * math.ceil((bottom - top) / 2)
        if width < 2 or height < 2 or width * height > _MOST_PIXELS:
            return None
        return left, top, width, height


@lru_cache(maxsize=2 * len(VEHICLES))
def _shape(model: int, toward: bool) -> _Shape:
    return _Shape(VEHICLES[model], toward)


def _shaded(face: Face) -> tuple[float, float, float]:
    """Roofs are bright, flanks darker, the one turned from the sun the darkest."""
    (x0, y0, s0), (x1, y1, s1), (x2, y2, s2) = face.corners[:3]
    normal = (
        (y1 - y0) * (s2 - s0) - (s1 - s0) * (y2 - y0),
        (s1 - s0) * (x2 - x0) - (x1 - x0) * (s2 - s0),
        (x1 - x0) * (y2 - y0) - (y1 - y0) * (x2 - x0),
    )
    length = math.hypot(*normal) or 1.0
    across, up = normal[0] / length, abs(normal[1]) / length
    factor = 0.78 + 0.21 * up - 0.12 * abs(across) + 0.06 * across
    return face.colour[0] * factor, face.colour[1] * factor, face.colour[2] * factor
