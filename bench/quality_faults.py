"""The faults in their fixed severities (sizes at CIF), each where it arises: lens, sensor, or a stopped source."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

from bench.quality_nature import white_noise
from bench.quality_scenes import FRAME_SECONDS, HEIGHT, WIDTH, Floats
from protocol.codes import QualityFlag


class Kind(enum.StrEnum):
    BLUR = "blur"
    NOISE = "noise"
    DARK = "dark"
    BRIGHT = "bright"
    OCCLUSION = "occlusion"
    BLACK = "black"
    FREEZE = "freeze"
    FLICKER = "flicker"
    STRIPES = "stripes"

    @property
    def flag(self) -> QualityFlag:
        return _FLAGS[self]

    @property
    def needs_burst(self) -> bool:
        return self in (Kind.FLICKER, Kind.STRIPES)


_FLAGS: Final = {
    Kind.BLUR: QualityFlag.BLURRED,
    Kind.NOISE: QualityFlag.NOISE,
    Kind.DARK: QualityFlag.BRIGHTNESS,
    Kind.BRIGHT: QualityFlag.BRIGHTNESS,
    Kind.OCCLUSION: QualityFlag.OCCLUDED,
    Kind.BLACK: QualityFlag.SIGNAL_LOST,
    Kind.FREEZE: QualityFlag.FROZEN,
    Kind.FLICKER: QualityFlag.FLICKER,
    Kind.STRIPES: QualityFlag.STRIPES,
}
SEVERITIES: Final = ("mild", "middle", "severe")
# Mild, middle, severe: sigma in pixels, sigma of 255, gain, offset, share of the area, mean luma, kbit/s, share, luma.
SIZES: Final[dict[Kind, tuple[float, float, float]]] = {
    Kind.BLUR: (1.2, 2.0, 3.5),
    Kind.NOISE: (8, 15, 30),
    Kind.DARK: (0.6, 0.4, 0.25),
    Kind.BRIGHT: (60, 90, 120),
    Kind.OCCLUSION: (0.20, 0.35, 0.60),
    Kind.BLACK: (12, 6, 0),
    Kind.FREEZE: (64, 150, 500),
    Kind.FLICKER: (0.08, 0.15, 0.30),
    Kind.STRIPES: (8, 15, 30),
}
_BLACK_NOISE = 2.0


@dataclass(frozen=True, eq=False)
class Fault:
    """One fault of one camera; the same in all of its pictures."""

    kind: Kind
    size: float
    cover: Floats  # of an occlusion: how much of the light it keeps out, 0-1
    mud: Floats  # and what is seen of it, as a share of the scene's bright parts
    hertz: float
    bands: int

    @property
    def noise(self) -> float | None:
        """Of the sensor; None: as usual."""
        return _BLACK_NOISE if self.kind is Kind.BLACK else None

    def before_sensor(self, light: Floats) -> Floats:
        if self.kind is Kind.BLUR:
            return _blurred(light, self.size)
        if self.kind is Kind.OCCLUSION:
            bright = np.float32(np.percentile(light, 80))
            return light * (1 - self.cover) + bright * self.mud * self.cover
        if self.kind is Kind.BLACK:
            return np.full_like(light, self.size)
        return light

    def after_sensor(self, picture: Floats, rng: np.random.Generator, seconds: float) -> Floats:
        if self.kind is Kind.NOISE:
            return picture + self.size * white_noise(rng)
        if self.kind is Kind.DARK:
            return picture * self.size
        if self.kind is Kind.BRIGHT:
            return picture + self.size
        if self.kind is Kind.FLICKER:
            return np.asarray(picture * (1 + self.size * np.sin(2 * np.pi * self.hertz * seconds)))
        if self.kind is Kind.STRIPES:
            rows = np.arange(HEIGHT, dtype=np.float32)[:, None] / HEIGHT
            waves = np.sin(2 * np.pi * (self.bands * rows - self.hertz * seconds))
            return np.asarray(picture + self.size * waves)
        return picture


def make_fault(kind: Kind, severity: int, rng: np.random.Generator, *, is_dirty: bool) -> Fault:
    size = SIZES[kind][severity]
    cover, mud = np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32)
    if kind is Kind.OCCLUSION:
        cover, mud = _occluder(size, rng, is_dirty=is_dirty)
    hertz = float(rng.uniform(1, 10)) if kind is Kind.FLICKER else float(rng.uniform(0.5, 4))
    return Fault(kind, size, cover, mud, hertz, int(rng.integers(1, 7)))


def burst(fault: Fault, pictures: Sequence[Floats], rng: np.random.Generator, begin: float) -> list[Floats]:
    return [
        fault.after_sensor(picture, rng, begin + step * FRAME_SECONDS) for step, picture in enumerate(pictures)
    ]


def _blurred(picture: Floats, sigma: float) -> Floats:
    reach = int(np.ceil(3 * sigma))
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    weights /= weights.sum()
    for axis in (0, 1):
        margin = [(reach, reach) if each == axis else (0, 0) for each in (0, 1)]
        wide, length = np.pad(picture, margin, mode="edge"), picture.shape[axis]
        picture = np.zeros_like(picture)
        for place, weight in enumerate(weights):
            picture += np.float32(weight) * wide.take(range(place, place + length), axis)
    return picture


def _occluder(area: float, rng: np.random.Generator, *, is_dirty: bool) -> tuple[Floats, Floats]:
    """Covers that share of the picture. Flat: a sheet, a leaf; dirty: stained, and some light comes through."""
    shape = _cloudy(rng, 4, 5)
    down, across = np.mgrid[0 : 1 : HEIGHT * 1j, 0 : 1 : WIDTH * 1j].astype(np.float32)
    if rng.random() < 0.5:
        # From one side.
        angle = rng.uniform(0, 2 * np.pi)
        field = across * np.cos(angle) + down * np.sin(angle) + 0.06 * shape
    else:
        x, y = rng.uniform(0.1, 0.9, 2)
        field = -np.hypot(across - x, down - y) + 0.06 * shape
    over = field - np.quantile(field, 1 - area)
    # So near to the lens nothing is sharp.
    cover = np.clip(over / 0.05 + 0.5, 0, 1)
    level = rng.uniform(0.1, 0.9)
    mud = np.full((HEIGHT, WIDTH), level)
    if is_dirty:
        cover = cover * 0.93
        mud = np.clip(level + 0.12 * _cloudy(rng, 12, 15), 0.02, 1.1)
    return cover.astype(np.float32), mud.astype(np.float32)


def _cloudy(rng: np.random.Generator, rows: int, columns: int) -> Floats:
    coarse = Image.fromarray(rng.standard_normal((rows, columns), np.float32))
    return np.asarray(coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
