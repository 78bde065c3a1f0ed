"""One simulated camera: its place, its view, and the stages that draw it at a size."""

import datetime
import time
from dataclasses import dataclass

import numpy as np
from PIL import Image

from gateway.scene.canvas import Bytes, Frame, lay
from gateway.scene.geometry import PANORAMA_HEIGHT, PANORAMA_WIDTH, VIEW_HEIGHT, VIEW_WIDTH, set_up
from gateway.scene.light import LIGHTS, LightName, light_at
from gateway.scene.panorama import Panorama, paint
from gateway.scene.sprites import *
from gateway.scene.traffic import *
from gateway.scene.text import BEIJING, Clock, Letterer
from gateway.scene.view import Look, View
from protocol.codes import Classify


@dataclass(frozen=True)
class Site:
    """What a camera is told to show."""

    name: str
    road: str
    classify: Classify
    seed: int
    light: LightName


class Scene:
    def __init__(self, site: Site, letterer: Letterer) -> None:
        self.site = site
        self.letterer = letterer
        self.mast = set_up(np.random.default_rng(site.seed))
        self.view = View(
            home=Look(
                pan=self.mast.vanish_u / PANORAMA_WIDTH, tilt=(self.mast.horizon_v + 108) / PANORAMA_HEIGHT
            ),
            span=(VIEW_WIDTH / PANORAMA_WIDTH, VIEW_HEIGHT / PANORAMA_HEIGHT),
        )
        self.traffic = Traffic(self.mast.road, site.seed)
        self.panorama: Panorama | None = None

    def prepare(self) -> None:
        if self.panorama is None:
            light = light_at(self.site.light, datetime.datetime.now(BEIJING))
            self.light = light
            self.panorama = paint(self.mast, self.site, LIGHTS[light])

    def stage(self, width: int, height: int) -> "Stage":
        """Takes a second the first time; not for the event loop."""
        self.prepare()
        return Stage(self, width, height)



class Stage:
    def __init__(self, scene: Scene, width: int, height: int) -> None:
        self._scene = scene
        self._shop = shop_for(width, height)
        self._frame = Frame(width, height)
        self._ground = Frame(width, height)
        self._look: Look | None = None
        self._squeeze = squeeze = (width / height) / (16 / 9)
        text_height = max(18, round(height * 0.053 / 2) * 2)
        self._clock = Clock(scene.letterer, text_height, squeeze)
        self._name = scene.letterer.line(scene.letterer.readable(scene.site.name), text_height, squeeze)
        self._drawn_at: float | None = None

    def draw(self, now: float) -> Bytes:
        seconds = now - self._drawn_at if self._drawn_at is not None else 0.0
        self._drawn_at = now
        look = self._scene.view.advance(now, seconds)
        if look != self._look:
            self._look = look
            self._set_ground(look)
        frame = self._frame
        np.copyto(frame.data, self._ground.data)
        self._drive(look, time.time())
        lay(frame, self._clock.patch(time.time()), 8, 6)
        lay(frame, self._name, frame.width - self._name.width - 8, frame.height - self._name.height - 6)
        return frame.data

    def _drive(self, look, at):
        scene, frame = self._scene, self._frame
        mast, road = scene.mast, scene.mast.road
        optics, lens = self._optics, self._lens
        scale = frame.height / VIEW_HEIGHT * look.zoom
        u0 = (mast.vanish_u - look.pan * PANORAMA_WIDTH) * scale * self._squeeze + frame.width / 2
        v0 = (mast.horizon_v - look.tilt * PANORAMA_HEIGHT) * scale + frame.height / 2
        for placed in scene.traffic.at(at, 11.0, self._farthest):
            z = placed.z
            x = placed.x - mast.x + road.shift(max(z, 0.0))
            sprite = self._shop.sprite(placed.model, placed.toward, x, z, lens, scene.light)
            if sprite is None: continue
            u, v = foot(x, z, optics)
            lay(frame, sprite.patch, round(u0 + u) + sprite.left, round(v0 + v) + sprite.top)

    def _set_ground(self, look: Look) -> None:
        self._optics = Optics.of(self._frame.height, self._squeeze, look.zoom, self._scene.mast.height)
        self._lens = self._optics.rounded()
        self._farthest = min(self._optics.farthest, 900.0)
        panorama = self._scene.panorama
        width, height = VIEW_WIDTH / look.zoom, VIEW_HEIGHT / look.zoom
        left, top = look.pan * PANORAMA_WIDTH - width / 2, look.tilt * PANORAMA_HEIGHT - height / 2
        box = (left, top, left + width, top + height)
        self._ground.luma[...] = _crop(panorama.luma, box, (self._frame.width, self._frame.height))
        half = tuple(side / 2 for side in box)
        for index, plane in enumerate(panorama.chroma):
            self._ground.chroma[index] = _crop(plane, half, (self._frame.width // 2, self._frame.height // 2))


def _crop(plane: Image.Image, box, size):
    box = (max(box[0], 0), max(box[1], 0), min(box[2], plane.width), min(box[3], plane.height))
    return np.asarray(plane.resize(size, Image.Resampling.BILINEAR, box))
