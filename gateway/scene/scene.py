"""One simulated camera: its place, its traffic, its view, and its panorama in the light of the hour."""

import datetime
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gateway.scene.faults import Fault
from gateway.scene.geometry import PANORAMA_HEIGHT, PANORAMA_WIDTH, VIEW_HEIGHT, VIEW_WIDTH, set_up
from gateway.scene.light import LIGHTS, LightName, light_at
from gateway.scene.memory import return_memory
from gateway.scene.panorama import Panorama, Site, paint
from gateway.scene.shelf import load_panorama, save_panorama
from gateway.scene.text import BEIJING, Letterer
from gateway.scene.traffic import Traffic
from gateway.scene.view import Look, View

_LIGHT_CHECK_SECONDS = 20.0

# One panorama after the other: twelve at once would take the cores from those already pushed.
painter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="painter")


@dataclass(frozen=True)
class Backdrop:
    light: LightName
    panorama: Panorama


class Scene:
    """Shared by the stages of a camera, so that its streams show the same moment."""

    def __init__(
        self,
        name: str,
        site: Site,
        light: LightName,
        letterer: Letterer,
        cache: Path,
        fault: Fault | None = None,
    ) -> None:
        self.name, self.site, self.letterer, self.fault = name, site, letterer, fault
        self._cache = cache
        self.mast = set_up(np.random.default_rng(site.seed))
        self.traffic = Traffic(self.mast.road, site.seed)
        self.view = View(
            home=Look(
                pan=self.mast.vanish_u / PANORAMA_WIDTH,
                tilt=(self.mast.horizon_v + 0.2 * VIEW_HEIGHT) / PANORAMA_HEIGHT,
            ),
            span=(VIEW_WIDTH / PANORAMA_WIDTH, VIEW_HEIGHT / PANORAMA_HEIGHT),
        )
        self._wanted = light
        self._backdrop: Backdrop | None = None
        self._repainting = False
        self.moved_at = self._checked_at = time.monotonic()

    def prepare(self) -> Backdrop:
        """Paints the panorama when it is not there yet; the painter's work."""
        if self._backdrop is None:
            self._backdrop = self._paint(self._light_now())
        return self._backdrop

    def look(self, now: float) -> Look:
        """The view of this moment, moved on since the last call."""
        seconds, self.moved_at = now - self.moved_at, now
        return self.view.advance(now, min(max(seconds, 0.0), 0.2))

    def backdrop(self, now: float) -> Backdrop | None:
        """The panorama in the light of the hour; a new one is painted beside the drawing thread."""
        if now - self._checked_at > _LIGHT_CHECK_SECONDS:
            self._checked_at = now
            light = self._light_now()
            if self._backdrop is not None and light is not self._backdrop.light and not self._repainting:
                self._repainting = True
                painter.submit(self._repaint, light)
        return self._backdrop

    @property
    def light(self) -> LightName:
        """The one it is shown in, or would be."""
        backdrop = self._backdrop
        return backdrop.light if backdrop else self._light_now()

    def _light_now(self) -> LightName:
        return light_at(self._wanted, datetime.datetime.now(BEIJING))

    def _repaint(self, light: LightName) -> None:
        try:
            self._backdrop = self._paint(light)
        finally:
            self._repainting = False

    def _paint(self, light: LightName) -> Backdrop:
        key = f"{self.site} {light} {self.letterer.font_file}"
        panorama = load_panorama(self._cache, key)
        if panorama is None:
            panorama = paint(self.mast, self.site, LIGHTS[light], self.letterer)
            save_panorama(self._cache, key, panorama)
            return_memory()
        return Backdrop(light, panorama)
