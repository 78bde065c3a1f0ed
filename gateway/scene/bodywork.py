"""Draws one vehicle in perspective, with its shadow and its lamps, as a patch."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from gateway.scene.canvas import Floats, Patch, Shine, difference_to_yuv, make_patch, to_yuv, vector
from gateway.scene.light import Light
from gateway.scene.optics import NEAREST_METRES, Optics
from gateway.scene.vehicles import VEHICLES, Face, Lamp, Part, Vehicle

_NEAREST_GROUND_METRES = 14.5
_LEAST_WIDTH = 1.3
_MOST_PIXELS = 700_000
_POOL_METRES = 5.5
_LEAST_LAMPS = 0.2
_LAMP_COLOURS = {Lamp.FRONT: vector((230, 222, 198)), Lamp.REAR: vector((165, 28, 20))}
_POOL_COLOUR = vector((118, 110, 92))


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
    body, body_cover = plane.body()
    shadow = plane.shadow() * (1 - body_cover)
    yuv = body + to_yuv(plane.air(vector((3, 3, 4)), 0.0)) * shadow[..., None]
    cover = body_cover + shadow
    shines = plane.shines(body_cover) if light.lamps > _LEAST_LAMPS else ()
    return Sprite(make_patch(yuv, cover, shines), left, top)


class _Shape:
    """A model seen from one end, as arrays: corners, the faces they belong to, colours, lamps."""

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
        shining = Lamp.FRONT if toward else Lamp.REAR
        self.lamps = [index for index, face in enumerate(faces) if face.lamp is shining]
        self.lamp_colour = difference_to_yuv(_LAMP_COLOURS[shining])


class _Plane:
    """Where a shape falls, in pixels from the foot of its nearest edge."""

    def __init__(self, shape: _Shape, x: float, near: float, optics: Optics, light: Light) -> None:
        self._shape, self._x, self._near, self._optics, self._light = shape, x, near, optics, light
        self._lamps = light.lamps if light.lamps > _LEAST_LAMPS else 0.0
        self._foot_u, self._foot_v = optics.foot(x, near)
        self._squeeze = optics.across / optics.down
        self._scale = optics.down / max(near, NEAREST_METRES)
        self._clear = math.exp(-max(near, 0.0) / light.haze_metres)
        # The nearer, the shorter: what lies under the camera is out of the picture.
        self._reach = min(_POOL_METRES, max(near * 0.14, 0.5)) if shape.toward else _POOL_METRES
        self._u, self._v = self._project(shape.x, shape.y, shape.ahead)
        self.box = self._box()

    def body(self) -> tuple[Floats, Floats]:
        """Colours (YUV, times cover) and cover of all faces that are turned to the camera."""
        left, top, width, height = self._tight()
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
        return self._widened(colour.reduce(fine)), self._widened(cover.reduce(fine)) * np.float32(1 / 255)

    def _tight(self) -> tuple[int, int, int, int]:
        """The box without room for light: the part of it that the vehicle itself fills."""
        left, top, width, height = self.box or (0, 0, 2, 2)
        x0, y0 = max(math.floor(self._u.min()) - 1, left), max(math.floor(self._v.min()) - 1, top)
        x1 = min(math.ceil(self._u.max()) + 1, left + width)
        y1 = min(math.ceil(self._v.max()) + 1, top + height)
        return x0, y0, max(x1 - x0, 1), max(y1 - y0, 1)

    def _widened(self, image: Image.Image) -> Floats:
        left, top, width, height = self.box or (0, 0, 2, 2)
        x0, y0, _, _ = self._tight()
        small = np.asarray(image, dtype=np.float32)
        wide = np.zeros((height, width, *small.shape[2:]), np.float32)
        rows, columns = (
            slice(y0 - top, y0 - top + small.shape[0]),
            slice(x0 - left, x0 - left + small.shape[1]),
        )
        room = wide[rows, columns]
        room[...] = small[: room.shape[0], : room.shape[1]]
        return wide

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

    def shines(self, body_cover: Floats) -> tuple[Shine, ...]:
        """Lamps shine into the lens and onto the road."""
        left, top, width, height = self.box or (0, 0, 2, 2)
        us = np.arange(left, left + width, dtype=np.float32)[None, :] + 0.5
        vs = np.arange(top, top + height, dtype=np.float32)[:, None] + 0.5
        # A tiny lamp far away must not outshine the picture.
        strength = self._light.lamps * min(1.0, self._scale * 0.4) * max(self._clear, 0.25)
        lamps = np.zeros((height, width), np.float32)
        for index in self._shape.lamps:
            self._add_halo(lamps, index, us, vs)
        pool = self._pool(us, vs)
        if not self._shape.toward:
            # What lies before a vehicle that drives away is hidden by it.
            pool = pool * (1 - body_cover)
        return (
            (np.minimum(lamps, 1.0) * strength, self._shape.lamp_colour),
            (pool * strength, difference_to_yuv(_POOL_COLOUR)),
        )

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

    def _add_halo(self, lamps: Floats, index: int, us: Floats, vs: Floats) -> None:
        start, end = self._shape.starts[index], self._shape.ends[index]
        u, v = self._u[start:end].mean(), self._v[start:end].mean()
        size = max((0.42 if self._shape.toward else 0.24) * self._scale, 0.9)
        across, down = (us - u) / (size * self._squeeze), (vs - v) / size
        # Products of what depends on the column and on the row: no exponential of every pixel.
        lamps += 0.9 * np.exp(-1.4 * down * down) * np.exp(-1.4 * across * across)
        lamps += 0.2 * np.exp(-0.3 * down * down) * np.exp(-0.3 * across * across)
        if self._light.wet > 0.5:
            # A wet road draws each lamp out into a streak.
            lamps += 0.4 * np.exp(-0.45 * np.abs(down)) * (down > 0) * np.exp(-1.2 * across * across)

    def _pool(self, us: Floats, vs: Floats) -> Floats:
        """The ground lit by the headlamps."""
        v = np.maximum(vs + self._foot_v, 1.0)
        z = self._optics.down * self._optics.eye / v
        x = (us + self._foot_u) * (z / self._optics.across) - self._x
        length = self._shape.vehicle.length
        middle = self._near - self._reach if self._shape.toward else self._near + length + self._reach
        along = (z - middle) / (self._reach * 0.75)
        return np.asarray(np.exp(-(along**2)) * np.exp(-((x / 1.5) ** 2)))

    def _project(self, x: Floats, y: Floats, ahead: Floats) -> tuple[Floats, Floats]:
        z = np.maximum(self._near + ahead, NEAREST_METRES)
        u = self._optics.across * (self._x + x) / z
        v = self._optics.down * (self._optics.eye - y) / z
        return u - self._foot_u, v - self._foot_v

    def _box(self) -> tuple[int, int, int, int] | None:
        """Left, top, width and height; with room for the shadow, and by night for the lamps' light."""
        if float(self._u.max() - self._u.min()) < _LEAST_WIDTH:
            return None
        us, vs = self._u, self._v
        aside = (0.3 + 0.8 * self._lamps) * self._scale * self._squeeze + 2
        below = (0.25 + 0.5 * self._lamps) * self._scale + 2
        if self._lamps:
            half, ahead = self._shape.vehicle.width / 2 + 0.4, -2 * self._reach
            if not self._shape.toward:
                ahead = self._shape.vehicle.length + 2 * self._reach
            lit_u, lit_v = self._project(np.array([-half, half]), np.zeros(2), np.full(2, ahead))
            us, vs = np.append(us, lit_u), np.append(vs, lit_v)
        # Nothing nearer than the lower edge of the panorama is ever seen.
        lowest = self._optics.down * self._optics.eye / _NEAREST_GROUND_METRES - self._foot_v
        left = math.floor(us.min() - aside) & ~1
        top = math.floor(vs.min() - 2 - 0.5 * self._lamps * self._scale) & ~1
        right, bottom = us.max() + aside, min(vs.max() + below, lowest)
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
