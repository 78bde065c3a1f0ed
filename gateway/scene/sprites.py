"""Vehicles as patches: drawn in perspective once for each size and angle, then kept."""

import math
import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from gateway.scene.canvas import Floats, Patch, make_patch, vector
from gateway.scene.geometry import FOCAL, VIEW_HEIGHT
from gateway.scene.light import LIGHTS, Colour, Light, LightName
from gateway.scene.vehicles import FAR_MODELS as _FAR_MODELS
from gateway.scene.vehicles import VEHICLES, Corner, Face, Lamp, Part, Vehicle

# Sizes a vehicle is drawn in: every pixel of width while small, then in steps of 11 %.
_PIXELWISE = 10
_SIZE_STEP = math.log(1.11)
_CAR_METRES = 1.9
_ANGLE_STEP = 0.08
_ZOOM_STEP = math.log(1.12)
# Below this distance a long vehicle is passing under the camera: steps of metres instead.
_PASSING_METRES, _PASSING_STEP = 8.0, 2.0
# What is nearer lies below the panorama, however high it is.
_NEAREST_METRES = 7.0
_NEAREST_GROUND_METRES = 14.5
_LEAST_WIDTH = 1.6
_MOST_PIXELS = 700_000
_POOL_METRES = 5.5
_LEAST_LAMPS = 0.2
_LAMP_COLOURS = {Lamp.FRONT: (230, 222, 198), Lamp.REAR: (165, 28, 20)}

# What may stand in for a sprite that cannot be drawn yet: (sizes, angles) off.
_ALIKE = tuple((size, turn) for turn in (0, -1, 1) for size in (0, -1, 1, -2, 2, -3, 3))
_CACHE_BYTES = 40 << 20
# Share of a core that may go into drawing sprites nobody has drawn before.
_SHARE, _MOST_CREDIT_SECONDS = 0.06, 0.3


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
            round(width)
            if width < _PIXELWISE
            else _PIXELWISE + round(math.log(width / _PIXELWISE) / _SIZE_STEP)
        )

    def distance(self, step: int) -> float:
        """The distance a step is drawn for."""
        if step < 0:
            return _PASSING_METRES + (step + 1) * _PASSING_STEP
        width = float(step) if step < _PIXELWISE else _PIXELWISE * math.exp((step - _PIXELWISE) * _SIZE_STEP)
        return self.across * _CAR_METRES / max(width, 0.5)

    @property
    def farthest(self) -> float:
        """Where a car is too small to be seen."""
        return self.across * _CAR_METRES / _LEAST_WIDTH


@dataclass(frozen=True)
class Sprite:
    """A patch and where its upper left corner lies from the foot of the vehicle's nearest edge."""

    patch: Patch
    left: int
    top: int


class SpriteShop:
    """Draws sprites and keeps the last ones used, for all stages of one size; the drawing thread's own."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, Sprite | None] = OrderedDict()
        self._bytes = 0
        self._credit = _MOST_CREDIT_SECONDS
        self._credited_at = time.monotonic()

    def sprite(
        self, model: int, toward: bool, x: float, z: float, optics: Optics, light: LightName
    ) -> Sprite | None:
        """`x` right of the camera and `z` ahead, both of the nearest edge. None when too small to be seen."""
        step = optics.step(z)
        if 0 <= step < _PIXELWISE - 3:
            model = _FAR_MODELS[model]
        near = max(z, 0.0) + 6
        angle = round(x / near / _ANGLE_STEP)
        key = model, toward, step, angle, optics, light
        kept = self._kept
        if key in kept:
            kept.move_to_end(key)
            return kept[key]
        if not self._may_draw():
            for size, turn in _ALIKE:
                if (alike := (model, toward, step + size, angle + turn, optics, light)) in kept:
                    return kept[alike]
        return self._drawn(key)

    def _drawn(self, key: "_Key") -> Sprite | None:
        model, toward, step, angle, optics, light = key
        began_at = time.thread_time()
        near = optics.distance(step)
        x = angle * _ANGLE_STEP * (max(near, 0.0) + 6)
        sprite = draw_vehicle(VEHICLES[model], toward, x, near, optics, LIGHTS[light])
        self._kept[key] = sprite
        self._bytes += sprite.patch.size_bytes if sprite else 0
        while self._bytes > _CACHE_BYTES:
            _, old = self._kept.popitem(last=False)
            self._bytes -= old.patch.size_bytes if old else 0
        self._credit -= time.thread_time() - began_at
        return sprite

    def _may_draw(self) -> bool:
        now = time.monotonic()
        self._credit = min(self._credit + (now - self._credited_at) * _SHARE, _MOST_CREDIT_SECONDS)
        self._credited_at = now
        return self._credit > 0


_Key = tuple[int, bool, int, int, Optics, LightName]


@lru_cache(maxsize=8)
def shop_for(width: int, height: int) -> SpriteShop:
    """One shop for each size, so that a large stream does not use up what the small ones have drawn."""
    return SpriteShop()


def draw_vehicle(
    vehicle: Vehicle, toward: bool, x: float, near: float, optics: Optics, light: Light
) -> Sprite | None:
    plane = _Plane(vehicle, toward, x, near, optics, light.lamps)
    if plane.box is None:
        return None
    pen = _Pen(plane, light)
    for part in sorted(vehicle.parts, key=plane.depth, reverse=True):
        for face in part.faces:
            pen.face(face)
    rgb, cover = pen.picture()
    glow = pen.glow(cover) if light.lamps > _LEAST_LAMPS else None
    left, top, _, _ = plane.box
    return Sprite(make_patch(rgb, cover, glow), left, top)


class _Plane:
    """Where the corners of one vehicle fall, in pixels from the foot of its nearest edge."""

    def __init__(
        self, vehicle: Vehicle, toward: bool, x: float, near: float, optics: Optics, lamps: float
    ) -> None:
        self._lamps = lamps if lamps > _LEAST_LAMPS else 0.0
        self.vehicle, self.toward, self.near, self.optics = vehicle, toward, near, optics
        self.x = x
        self.foot_u, self.foot_v = foot(x, near, optics)
        # The nearer, the shorter: what lies under the camera is out of the picture.
        self.pool_metres = min(_POOL_METRES, max(near * 0.2, 0.5)) if toward else _POOL_METRES
        self.scale = optics.down / max(near, _NEAREST_METRES)
        self.box = self._box()

    def at(self, corner: Corner) -> tuple[float, float]:
        x, y, behind = corner
        z = max(self.near + self._ahead(behind), _NEAREST_METRES)
        u = self.optics.across * (self.x + x) / z
        v = self.optics.down * (self.optics.eye - y) / z
        return u - self.foot_u, v - self.foot_v

    def depth(self, part: Part) -> float:
        return self._ahead(part.middle)

    def _ahead(self, behind: float) -> float:
        return behind if self.toward else self.vehicle.length - behind

    def _box(self) -> tuple[int, int, int, int] | None:
        vehicle, lamps = self.vehicle, self._lamps
        half = vehicle.width / 2
        corners = [
            self.at((x, y, s))
            for x in (-half, half)
            for y in (0, vehicle.height)
            for s in (0, vehicle.length)
        ]
        us, vs = [corner[0] for corner in corners], [corner[1] for corner in corners]
        if max(us) - min(us) < _LEAST_WIDTH * 0.8:
            return None
        # Room for the shadow, and by night for the light around the lamps and on the road.
        aside = (0.3 + 0.5 * lamps) * self.scale
        below = (0.25 + 0.5 * lamps) * self.scale
        if lamps:
            end = -2 * self.pool_metres
            lit = [self.at((x, 0, end)) for x in (-half - 0.4, half + 0.4)]
            us += [corner[0] for corner in lit]
            vs += [corner[1] for corner in lit]
        # Nothing nearer than the lower edge of the panorama is ever seen.
        lowest = self.optics.down * self.optics.eye / _NEAREST_GROUND_METRES - self.foot_v
        aside = aside * self.optics.across / self.optics.down + 2
        left, top = math.floor(min(us) - aside) & ~1, math.floor(min(vs) - 2 - 0.5 * lamps * self.scale) & ~1
        right, bottom = max(us) + aside, min(max(vs) + below + 2, lowest)
        width, height = 2 * math.ceil((right - left) / 2), 2 * math.ceil((bottom - top) / 2)
        if width < 2 or height < 2 or width * height > _MOST_PIXELS:
            return None
        return left, top, width, height


class _Pen:
    """Draws the faces of one vehicle, larger than needed, and shrinks the whole."""

    def __init__(self, plane: _Plane, light: Light) -> None:
        self._plane, self._light = plane, light
        self._left, self._top, self._width, self._height = plane.box or (0, 0, 2, 2)
        # Large pictures need less help against jagged edges.
        self._scale = 4 if plane.scale < 12 else 3 if plane.scale < 40 else 2
        size = self._width * self._scale, self._height * self._scale
        # Colour on black and its cover apart: shrunk, the colour is already multiplied by the cover.
        self._colour, self._cover = Image.new("RGB", size), Image.new("L", size)
        self._pens = ImageDraw.Draw(self._colour), ImageDraw.Draw(self._cover)
        self._left_of_colour = math.exp(-plane.near / light.haze_metres)

    def face(self, face: Face) -> None:
        corners = [self._plane.at(corner) for corner in face.corners]
        area = sum(
            u0 * v1 - u1 * v0 for (u0, v0), (u1, v1) in zip(corners, corners[1:] + corners[:1], strict=True)
        )
        if (area < 0) is not self._plane.toward or area == 0:
            return
        if face.lamp is Lamp.NONE:
            colour = self._air(_shaded(face, self._plane.toward), 0.0)
        else:
            colour = self._air(face.colour, self._light.lamps)
        red, green, blue = (int(min(max(value, 0), 255)) for value in colour)
        fine = [((u - self._left) * self._scale, (v - self._top) * self._scale) for u, v in corners]
        self._pens[0].polygon(fine, fill=(red, green, blue))
        self._pens[1].polygon(fine, fill=255)

    def picture(self) -> tuple[Floats, Floats]:
        """Colours, multiplied by their cover, and cover of the vehicle over its shadow."""
        colour = np.asarray(self._colour.reduce(self._scale), dtype=np.float32)
        body = np.asarray(self._cover.reduce(self._scale), dtype=np.float32) * np.float32(1 / 255)
        shadow = self._shadow() * (1 - body)
        return colour + vector(self._air((3, 3, 4))) * shadow[..., None], body + shadow

    def _shadow(self) -> Floats:
        """On the ground under the vehicle; deep in sunlight, hardly there by night and in fog."""
        plane, light = self._plane, self._light
        half, length, lean = plane.vehicle.width / 2 + 0.05, plane.vehicle.length, 0.45 * light.sun
        ground = ((-half, -0.15), (half + lean, -0.15), (half + lean, length + 0.15), (-half, length + 0.15))
        strength = (0.34 + 0.24 * light.sun) * self._left_of_colour
        image = Image.new("L", (self._width, self._height), 0)
        corners = [plane.at((x, 0.0, s)) for x, s in ground]
        shifted = [(u - self._left, v - self._top) for u, v in corners]
        ImageDraw.Draw(image).polygon(shifted, fill=int(255 * strength))
        soft = image.filter(ImageFilter.BoxBlur(min(0.5 + plane.scale * 0.06, 6)))
        return np.asarray(soft, dtype=np.float32) * np.float32(1 / 255)

    def glow(self, cover: Floats) -> Floats:
        """Lamps shine into the lens and onto the road."""
        plane = self._plane
        us = np.arange(self._left, self._left + self._width, dtype=np.float32)[None, :] + 0.5
        vs = np.arange(self._top, self._top + self._height, dtype=np.float32)[:, None] + 0.5
        kind = Lamp.FRONT if plane.toward else Lamp.REAR
        glow = np.zeros((self._height, self._width, 3), np.float32)
        for part in plane.vehicle.parts:
            for face in part.faces:
                if face.lamp is kind:
                    glow += self._halo(face, us, vs)[..., None] * vector(_LAMP_COLOURS[kind])
        # What lies before a vehicle that drives away is hidden by it.
        pool = self._pool(us, vs) if plane.toward else self._pool(us, vs) * (1 - cover)
        glow += (pool * self._light.lamps)[..., None] * vector((118, 110, 92))
        # A tiny lamp far away must not outshine the picture.
        fade = min(1.0, plane.scale * 0.4) * max(self._left_of_colour, 0.25)
        return np.asarray(np.minimum(glow * np.float32(fade), 235))

    def _halo(self, face: Face, us: Floats, vs: Floats) -> Floats:
        plane, wet = self._plane, self._light.wet
        points = [plane.at(corner) for corner in face.corners]
        u, v = (sum(point[axis] for point in points) / len(points) for axis in (0, 1))
        size = max((0.42 if plane.toward else 0.24) * plane.scale, 0.9)
        across = (us - u) / (size * plane.optics.across / plane.optics.down)
        down = (vs - v) / size
        away = across**2 + down**2
        share = 0.9 * np.exp(-away * 1.4) + 0.2 * np.exp(-away * 0.3)
        if wet > 0.5:
            # A wet road draws each lamp out into a streak.
            share = share + 0.4 * np.exp(-1.2 * across**2 - 0.45 * np.abs(down)) * (down > 0)
        return np.asarray(share * self._light.lamps, dtype=np.float32)

    def _pool(self, us: Floats, vs: Floats) -> Floats:
        """The ground lit by the headlamps."""
        plane = self._plane
        v = np.maximum(vs + plane.foot_v, 1.0)
        z = plane.optics.down * plane.optics.eye / v
        x = (us + plane.foot_u) * z / plane.optics.across - plane.x
        reach = plane.pool_metres
        middle = plane.near - reach if plane.toward else plane.near + plane.vehicle.length + reach
        along = (z - middle) / (reach * 0.75)
        return np.asarray(np.exp(-(along**2) - (x / 1.5) ** 2), dtype=np.float32)

    def _air(self, colour: Colour, shine: float = 0.0) -> tuple[float, ...]:
        light, left = self._light, self._left_of_colour
        mixed = []
        for value, ambient, haze in zip(colour, light.ambient, light.haze, strict=True):
            lit = value * (ambient + (1 - ambient) * shine)
            mixed.append(haze + (lit - haze) * left)
        return tuple(mixed)


def foot(x: float, near: float, optics: Optics) -> tuple[float, float]:
    """The ground under the middle of the nearest edge, in pixels from the vanishing point."""
    z = max(near, _NEAREST_METRES)
    return optics.across * x / z, optics.down * optics.eye / z


def _shaded(face: Face, toward: bool) -> Colour:
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
