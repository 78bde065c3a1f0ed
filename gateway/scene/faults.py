"""What is wrong with a simulated camera, as it is seen in its picture."""

import enum
from functools import lru_cache
from typing import Protocol

import numpy as np
from PIL import Image, ImageFilter

from gateway.scene.canvas import Bytes, Floats, Frame, Patch, lay, make_patch, to_yuv, vector
from gateway.scene.light import LIGHTS, LightName
from gateway.scene.noise import SIDE, cloudy, smoothstep


class Fault(enum.StrEnum):
    OFFLINE = "offline"
    OCCLUDED = "occluded"
    BLURRED = "blurred"


class Defect(Protocol):
    """Spoils each picture before clock and name are written into it."""

    def spoil(self, frame: Frame, light: LightName) -> None: ...


def defect_of(fault: Fault | None, width: int, height: int, seed: int) -> Defect | None:
    """None when nothing is to be seen of it."""
    if fault is Fault.OCCLUDED:
        return _Dirt(width, height, seed)
    return _Defocus(height) if fault is Fault.BLURRED else None


class _Defocus:
    """A lens that has come loose. Blurred while small: that costs a third of blurring what is large."""

    def __init__(self, height: int) -> None:
        self._steps = max(2, round(height / 72))

    def spoil(self, frame: Frame, light: LightName) -> None:
        frame.luma[...] = _softened(frame.luma, self._steps)
        for plane in frame.chroma:
            plane[...] = _softened(plane, max(2, self._steps // 2))


def _softened(plane: Bytes, steps: int) -> Bytes:
    image = Image.fromarray(plane)
    small = image.reduce(steps).filter(ImageFilter.BoxBlur(1))
    return np.asarray(small.resize(image.size, Image.Resampling.BILINEAR))


# Dried mud, as light as the hour lets it be.
_MUD = vector((74, 64, 50))
_MOST_COVER = 0.96


class _Dirt:
    """Mud on the glass over a good third of the picture; the road is seen beside it."""

    def __init__(self, width: int, height: int, seed: int) -> None:
        self._size, self._seed = (width, height), seed
        self._light: LightName | None = None
        self._patch: Patch | None = None
        self._corner = 0, 0

    def spoil(self, frame: Frame, light: LightName) -> None:
        if self._patch is None or light is not self._light:
            self._light = light
            self._patch = self._smear(light)
        lay(frame, self._patch, *self._corner)

    def _smear(self, light: LightName) -> Patch:
        cover = np.asarray(Image.fromarray(_mud_cover(self._seed)).resize(self._size))
        rows, columns = np.nonzero(cover.max(axis=1) > 0.01)[0], np.nonzero(cover.max(axis=0) > 0.01)[0]
        top, left = int(rows[0]) & ~1, int(columns[0]) & ~1
        bottom, right = (int(rows[-1]) + 2) & ~1, (int(columns[-1]) + 2) & ~1
        cover = cover[top:bottom, left:right]
        self._corner = left, top
        colour = to_yuv(_MUD * vector(LIGHTS[light].ambient))
        return make_patch(cover[..., None] * colour, cover)


@lru_cache(maxsize=8)
def _mud_cover(seed: int) -> Floats:
    """How much of the light is kept out, 0-1: splashed up from below, from one side; one shape for all sizes."""
    rng = np.random.default_rng([seed, 77])
    noise = cloudy(rng, 2.0)
    across, down = np.meshgrid(np.linspace(0, 1, SIDE), np.linspace(0, 1, SIDE))
    if rng.random() < 0.5:
        across = 1 - across
    distance = np.hypot((across - 0.26) / 0.40, (down - 0.66) / 0.46)
    cover = smoothstep(vector(1.15 - distance + 0.2 * noise), 0.0, 0.5) * _MOST_COVER
    return np.asarray(cover, dtype=np.float32)
