"""Draws a scene at the size of one stream."""

import math
import time
from dataclasses import dataclass

import numpy as np
from PIL import Image

from gateway.scene.canvas import OPAQUE, Bytes, Frame, Patch, lay
from gateway.scene.faults import defect_of
from gateway.scene.geometry import PANORAMA_HEIGHT, PANORAMA_WIDTH, VIEW_HEIGHT, VIEW_WIDTH
from gateway.scene.lamps import LEAST_LAMPS, lamps_of, light_lamps, light_pool
from gateway.scene.lens import Lens
from gateway.scene.light import LIGHTS, LightName
from gateway.scene.optics import NEAREST_METRES, Optics
from gateway.scene.panorama import Mask
from gateway.scene.rain import Rain
from gateway.scene.scene import Backdrop, Scene
from gateway.scene.sprites import shop_for
from gateway.scene.text import clock_for
from gateway.scene.traffic import Placed
from gateway.scene.vehicles import VEHICLES

# The sensor's shape. A stream stored as 352x288 is squeezed, as with a real camera.
ASPECT = 16 / 9
# The top of a lorry is in the picture until it has passed so near under the mast.
_NEAREST_METRES = 11.0
_FARTHEST_METRES = 900.0
# Traffic that moves less than this between four pictures is drawn for one of them only. What
# crosses the boundary in between is drawn twice rather than not at all.
_PICTURES_A_DISTANCE, _PIXELS_A_DISTANCE, _OVERLAP_METRES = 4, 1.4, 6.0


@dataclass(frozen=True)
class _Screen:
    """Something still that hides vehicles farther away than `z`."""

    z: float
    patch: Patch
    x: int
    y: int

    def lay(self, frame: Frame) -> None:
        lay(frame, self.patch, self.x, self.y)


def build_stage(scene: Scene, width: int, height: int) -> "Stage":
    """May have to paint the panorama; the painter's work."""
    return Stage(scene, scene.prepare(), width, height)


def clock_layout(width: int, height: int) -> tuple[int, int, float]:
    """Margin around the letters, their height, and how they are squeezed; all in stored pixels."""
    return max(6, height // 48), max(18, round(height * 0.053 / 2) * 2), width / height / ASPECT


class Stage:
    """Draws a scene at one size."""

    def __init__(self, scene: Scene, backdrop: Backdrop, width: int, height: int) -> None:
        self._scene, self._backdrop = scene, backdrop
        self._frame, self._ground, self._distance = (Frame(width, height) for _ in range(3))
        self._margin, letters, self._squeeze = clock_layout(width, height)
        self._shop = shop_for(width, height)
        self._clock = clock_for(scene.letterer, letters, self._squeeze)
        name = scene.letterer.readable(scene.name)
        self._name = scene.letterer.line(name, letters, self._squeeze)
        self._rain = Rain(width, height)
        self._lens = Lens(height)
        self._defect = defect_of(scene.fault, width, height, scene.site.seed)
        self._look = scene.view.look
        self._screens: list[_Screen] = []
        self._pictures_left = 0
        self._set_ground()

    def draw(self, now: float) -> Bytes:
        """The picture of this moment (time.monotonic); its bytes are good until the next call."""
        return self.picture(now, time.time())

    def picture(self, now: float, at: float) -> Bytes:
        """`now` moves the camera, the unix time `at` is that of the clock and the traffic."""
        scene, frame = self._scene, self._frame
        look, backdrop = scene.look(now), scene.backdrop(now)
        if look != self._look or backdrop is not self._backdrop:
            self._look = look
            self._backdrop = backdrop or self._backdrop
            self._set_ground()
        self._set_distance(at)
        np.copyto(frame.data, self._distance.data)
        self._drive(frame, at, _NEAREST_METRES, self._boundary + _OVERLAP_METRES)
        if self._backdrop.light is LightName.RAIN:
            self._rain.fall(frame, at)
        self._lens.apply(frame, look)
        if self._defect is not None:
            self._defect.spoil(frame, self._backdrop.light)
        lay(frame, self._clock.patch(at), self._margin, self._margin)
        name = self._name
        lay(frame, name, frame.width - name.width - self._margin, frame.height - name.height - self._margin)
        return frame.data

    def _set_distance(self, at: float) -> None:
        """The ground with the far traffic, which hardly moves: drawn anew for every fourth picture."""
        self._pictures_left -= 1
        if self._pictures_left > 0:
            return
        self._pictures_left = _PICTURES_A_DISTANCE
        np.copyto(self._distance.data, self._ground.data)
        farthest = min(self._optics.farthest, _FARTHEST_METRES, self._backdrop.panorama.farthest)
        self._drive(self._distance, at, self._boundary, farthest)

    def _drive(self, frame: Frame, at: float, nearest: float, farthest: float) -> None:
        """Vehicles and what hides them, the farthest first."""
        screens = [screen for screen in self._screens if nearest <= screen.z < farthest]
        for placed in self._scene.traffic.at(at, nearest, farthest):
            while screens and screens[0].z >= placed.z:
                screens.pop(0).lay(frame)
            self._place(frame, placed)
        for screen in screens:
            screen.lay(frame)

    def _place(self, frame: Frame, placed: Placed) -> None:
        mast, z = self._scene.mast, placed.z
        x = placed.x - mast.x + mast.road.shift(max(z, 0.0))
        u, v = self._optics.foot(x, z)
        if not -0.6 * frame.width < self._vanish_u + u < 1.6 * frame.width:
            return
        light, origin = self._backdrop.light, (self._vanish_u, self._vanish_v)
        is_lit = LIGHTS[light].lamps > LEAST_LAMPS
        if is_lit:
            ahead = 0.0 if placed.toward else VEHICLES[placed.model].length
            light_pool(frame, origin, x, z, ahead, self._optics, light)
        sprite = self._shop.sprite(placed.model, placed.toward, x, z, self._rounded, light)
        if sprite is not None:
            lay(frame, sprite.patch, round(origin[0] + u) + sprite.left, round(origin[1] + v) + sprite.top)
        if is_lit and z > NEAREST_METRES:
            lamps = lamps_of(placed.model, placed.toward)
            light_lamps(frame, origin, x, z, lamps, self._optics, light)

    def _set_ground(self) -> None:
        """What the look shows of the panorama, and all that depends on the look."""
        look, panorama, mast = self._look, self._backdrop.panorama, self._scene.mast
        width, height = VIEW_WIDTH / look.zoom, VIEW_HEIGHT / look.zoom
        left, top = look.pan * PANORAMA_WIDTH - width / 2, look.tilt * PANORAMA_HEIGHT - height / 2
        box = left, top, left + width, top + height
        ground, size = self._ground, (self._frame.width, self._frame.height)
        half, half_size = (left / 2, top / 2, box[2] / 2, box[3] / 2), (size[0] // 2, size[1] // 2)
        ground.luma[...] = _crop(panorama.luma, box, size)
        for plane, image in zip(ground.chroma, panorama.chroma, strict=True):
            plane[...] = _crop(image, half, half_size)
        if look.has_lamp:
            self._lens.light_up(ground)
        scale = size[1] / height
        self._vanish_u = (mast.vanish_u - left) * scale * self._squeeze
        self._vanish_v = (mast.horizon_v - top) * scale
        self._optics = Optics.of(size[1], self._squeeze, look.zoom, mast.height)
        self._rounded = self._optics.rounded()
        self._boundary = self._optics.distance_of_pace(_PIXELS_A_DISTANCE / _PICTURES_A_DISTANCE)
        self._pictures_left = 0
        self._screens = []
        for mask in panorama.masks:
            if (screen := _screen(mask, box, ground, self._squeeze * scale, scale)) is not None:
                self._screens.append(screen)


Box = tuple[float, float, float, float]


def _crop(plane: Image.Image, box: Box, size: tuple[int, int]) -> Bytes:
    inside = (max(box[0], 0), max(box[1], 0), min(box[2], plane.width), min(box[3], plane.height))
    return np.asarray(plane.resize(size, Image.Resampling.BILINEAR, inside))


def _screen(mask: Mask, box: Box, ground: Frame, across: float, down: float) -> _Screen | None:
    """The ground's own pixels under a mask, as a patch that brings them back."""
    left = max(math.floor((mask.left - box[0]) * across) & ~1, 0)
    top = max(math.floor((mask.top - box[1]) * down) & ~1, 0)
    right = min(math.ceil((mask.left + mask.cover.width - box[0]) * across / 2) * 2, ground.width)
    bottom = min(math.ceil((mask.top + mask.cover.height - box[1]) * down / 2) * 2, ground.height)
    if left >= right or top >= bottom:
        return None
    from_x, from_y = box[0] - mask.left, box[1] - mask.top
    part = from_x + left / across, from_y + top / down, from_x + right / across, from_y + bottom / down
    share = _crop(mask.cover, part, (right - left, bottom - top)).astype(np.int16) * OPAQUE // 255
    small = share[::2, ::2]
    luma = ground.luma[top:bottom, left:right] * share // OPAQUE
    chroma = ground.chroma[:, top // 2 : bottom // 2, left // 2 : right // 2] * small // OPAQUE
    patch = Patch(luma=luma, keep_luma=OPAQUE - share, chroma=chroma, keep_chroma=OPAQUE - small)
    return _Screen(mask.z, patch, left, top)
