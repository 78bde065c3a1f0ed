"""What a healthy camera shows of its road: hours, weather, traffic, a sensor, and text written into the picture."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from bench.quality_scenes import (
    FRAME_SECONDS,
    HEIGHT,
    WIDTH,
    Bytes,
    DrawnRoad,
    FilmedRoad,
    Floats,
    Place,
    Road,
)
from gateway.scene.light import LightName

PERIOD_SECONDS: Final = 300
# Of the sensor, before encoding; cameras raise their gain at night.
_DAY_NOISE, _NIGHT_NOISE = 1.5, 4.0
_AIRLIGHT = 195.0
_ROLL = 4_000_037
_TEXT_LUMA, _EDGE_LUMA = 235, 16


class Weather(enum.StrEnum):
    """What the clean pictures of one camera show. Each has its own history of earlier days."""

    DAY = "day"
    DUSK = "dusk"  # dusk to dark within the series
    NIGHT = "night"
    FOG = "fog"  # the history is of clear days
    RAIN = "rain"  # likewise; drawn roads only
    EMPTY_DAY = "empty day"
    EMPTY_NIGHT = "empty night"
    MOVED = "moved"  # the lens is turned and comes back

    @property
    def is_night(self) -> bool:
        return self in (Weather.DUSK, Weather.NIGHT, Weather.EMPTY_NIGHT)


# Local hour (Beijing) at which the series begin: the first of a band of the engine.
_HOURS = {Weather.DUSK: 18, Weather.NIGHT: 21, Weather.EMPTY_NIGHT: 21}
_FIRST_DAY = datetime(2026, 3, 2, tzinfo=UTC)


@dataclass(frozen=True)
class Moment:
    """`day` counts from the first of the history, `minute` from the beginning of the series that day."""

    day: int
    minute: float

    def at(self, weather: Weather) -> datetime:
        hour = _HOURS.get(weather, 12) - 8
        return _FIRST_DAY + timedelta(days=self.day, hours=hour, minutes=self.minute)


class Camera:
    """One place in one weather. Whatever is by chance comes from its own generator."""

    def __init__(self, place: Place, weather: Weather, roads: "Roads") -> None:
        self.place, self.weather, self._roads = place, weather, roads
        self.rng = np.random.default_rng([place.number(), list(Weather).index(weather)])
        self._has_text = place.number() % 3 != 0
        # Half of the filmed roads have no street lights.
        self._lamps = _street_lamps(self.rng) if place.number() % 2 else np.zeros((HEIGHT, WIDTH), np.float32)
        self._gain = 0.0

    @property
    def noise(self) -> float:
        return _NIGHT_NOISE if self.weather.is_night else _DAY_NOISE

    def scene(self, moment: Moment, *, is_history: bool = False) -> Floats:
        """The light that falls on the sensor, 0-255, at one moment with its own traffic, clouds and exposure."""
        (picture,) = self._pictures(moment, 1, is_history)
        return picture

    def run(self, moment: Moment, frames: int) -> Sequence[Floats]:
        return self._pictures(moment, frames, False)

    def _pictures(self, moment: Moment, frames: int, is_history: bool) -> Sequence[Floats]:
        index = int(self.rng.integers(0, 10_000))
        weather = Weather.DAY if is_history and self.weather in (Weather.FOG, Weather.RAIN) else self.weather
        # Exposure wanders from picture to picture, clouds pass; by night the lamps stay as they are.
        is_dark = self.weather in (Weather.NIGHT, Weather.EMPTY_NIGHT)
        self._gain = 0.7 * self._gain + (0.01 if is_dark else 0.05) * float(self.rng.normal())
        light = np.exp(self._gain + _clouds(self.rng, 0.0 if is_dark else 0.06))
        pictures = self._lit(weather, moment, index, frames)
        if frames == 1:
            pictures = [_shifted(pictures[0], self.rng.normal(0, 0.3, 2))]
        return [np.clip(picture * light, 0, 255) for picture in pictures]

    def _lit(self, weather: Weather, moment: Moment, index: int, frames: int) -> Sequence[Floats]:
        if weather is Weather.DUSK:
            # Two minutes later every day.
            progress = min(max((moment.minute - 20 - 2 * moment.day) / 100, 0.0), 1.0)
            return self._dusk(progress, index, frames)
        if weather is Weather.EMPTY_DAY:
            return [self._roads.road(self.place, LightName.DAY).empty()] * frames
        if weather is Weather.EMPTY_NIGHT:
            return [self._dark(self._roads.road(self.place, LightName.NIGHT).empty(), None)] * frames
        if weather is Weather.NIGHT:
            return self._night(index, frames)
        light = {Weather.FOG: LightName.FOG, Weather.RAIN: LightName.RAIN}.get(weather, LightName.DAY)
        road = self._roads.road(self.place, light)
        pictures = road.run(index, frames) if frames > 1 else [road.still(index)]
        if weather is Weather.FOG and not road.is_drawn:
            through = _fog(3.2)
            return [picture * through + _AIRLIGHT * (1 - through) for picture in pictures]
        return pictures

    def _night(self, index: int, frames: int) -> Sequence[Floats]:
        road = self._roads.road(self.place, LightName.NIGHT)
        if road.is_drawn:
            return road.run(index, frames) if frames > 1 else [road.still(index)]
        lights = _Headlights(np.random.default_rng([self.place.number(), index]))
        empty = road.empty()
        return [self._dark(empty, lights.at(step * FRAME_SECONDS)) for step in range(frames)]

    def _dark(self, picture: Floats, lights: Floats | None) -> Floats:
        """A filmed road by night; a drawn one is dark already."""
        if self.place.is_drawn:
            return picture
        dark = 120 * (picture / 255) ** 1.5 * (0.35 + 0.5 * self._lamps) + 160 * self._lamps**4
        if lights is not None:
            dark = dark + 0.5 * picture * lights + 190 * lights**3
        return np.asarray(dark, np.float32)

    def _dusk(self, progress: float, index: int, frames: int) -> Sequence[Floats]:
        day = self._roads.road(self.place, LightName.DAY)
        days = day.run(index, frames) if frames > 1 else [day.still(index)]
        nights = self._night(index, frames)
        if day.is_drawn:
            road = self._roads.road(self.place, LightName.DUSK)
            dusks = road.run(index, frames) if frames > 1 else [road.still(index)]
            first, second, part = (
                (days, dusks, 2 * progress) if progress < 0.5 else (dusks, nights, 2 * progress - 1)
            )
        else:
            first, second, part = [one * (1 - 0.7 * progress) for one in days], nights, progress
        return [(1 - part) * one + part * other for one, other in zip(first, second, strict=True)]

    def exposed(self, light: Floats, *, noise: float | None = None) -> Floats:
        """What the sensor makes of it."""
        sigma = self.noise if noise is None else noise
        return light + sigma * white_noise(self.rng)

    def written(self, picture: Floats, at: datetime) -> Bytes:
        """With clock and name, where this camera writes them."""
        luma = np.clip(np.round(picture), 0, 255).astype(np.uint8)
        if not self._has_text:
            return luma
        clock = (at + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S")
        name = f"G42 {self.place.number() % 900 + 100} K1100+300"
        cover, letters = _text(clock, name)
        return np.where(cover, letters, luma)


@lru_cache(maxsize=4)
def _text(clock: str, name: str) -> tuple[npt.NDArray[np.bool_], Bytes]:
    """Where letters and their outlines are, and their luma."""
    letters, cover = (Image.new("L", (WIDTH, HEIGHT), shade) for shade in (_EDGE_LUMA, 0))
    for place, words in (((8, 6), clock), ((190, 262), name)):
        ImageDraw.Draw(letters).text(place, words, _TEXT_LUMA, _font())
        ImageDraw.Draw(cover).text(place, words, 255, _font(), stroke_width=1, stroke_fill=255)
    return np.asarray(cover) > 127, np.asarray(letters)


def white_noise(rng: np.random.Generator) -> Floats:
    """Of sigma 1 for a whole picture: a piece of a long roll, for drawing it anew costs more than all the rest."""
    begin = int(rng.integers(0, _ROLL - HEIGHT * WIDTH))
    return _roll()[begin : begin + HEIGHT * WIDTH].reshape(HEIGHT, WIDTH)


@lru_cache(maxsize=1)
def _roll() -> Floats:
    return np.random.default_rng(9).standard_normal(_ROLL, np.float32)


class Roads:
    """Every road in every light, painted once."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._roads: dict[tuple[str, str], Road] = {}

    def road(self, place: Place, light: LightName) -> Road:
        key = place.name, light if place.is_drawn else LightName.DAY
        if key not in self._roads:
            self._roads[key] = DrawnRoad(place, light, self._cache) if place.is_drawn else FilmedRoad(place)
        return self._roads[key]


class _Headlights:
    """Pairs of lamps on their way down the picture, with the glow on the road before them."""

    def __init__(self, rng: np.random.Generator) -> None:
        count = int(rng.integers(0, 5))
        self._begin = rng.uniform(0, 3, count)
        self._lane = rng.uniform(-1, 1, count)
        self._seconds = rng.uniform(3, 6, count)
        self._bend = rng.uniform(0.3, 0.7)

    def at(self, seconds: float) -> Floats:
        light = np.zeros((HEIGHT, WIDTH), np.float32)
        for begin, lane, whole in zip(self._begin, self._lane, self._seconds, strict=True):
            near = ((seconds + begin) / whole % 1) ** 2
            x, y = (self._bend + lane * 0.5 * near) * WIDTH, (0.25 + 0.7 * near) * HEIGHT
            size = 1.2 + 9 * near
            for side in (-1.6, 1.6):
                _shine(light, x + side * size, y, size, 1.0)
            _shine(light, x, y + 4 * size, 3 * size, 0.5)
        return np.minimum(light, 1)


def _shine(light: Floats, x: float, y: float, size: float, strength: float) -> None:
    """Add a round spot of light; what lies four sizes off gets none of it."""
    reach = 4 * size
    left, top = max(0, int(x - reach)), max(0, int(y - reach))
    right, bottom = min(WIDTH, int(x + reach)), min(HEIGHT, int(y + reach))
    if left >= right or top >= bottom:
        return
    down, across = np.mgrid[top:bottom, left:right]
    spot = np.exp(-((across - x) ** 2 + (down - y) ** 2) / (2 * size**2))
    light[top : top + down.shape[0], left : left + down.shape[1]] += np.float32(strength) * spot


def _street_lamps(rng: np.random.Generator) -> Floats:
    light = np.zeros((HEIGHT, WIDTH), np.float32)
    for _ in range(int(rng.integers(3, 8))):
        size = float(rng.uniform(1.5, 4))
        x, y = float(rng.uniform(0, WIDTH)), float(rng.uniform(0.05, 0.5) * HEIGHT)
        _shine(light, x, y, size, 1.0)
        _shine(light, x, y + 40, 12 * size, 0.35)
    return np.minimum(light, 1)


def _fog(depth: float) -> Floats:
    """How much of the light comes through; the farther up in the picture, the farther away."""
    down = np.arange(HEIGHT, dtype=np.float32)[:, None]
    return np.broadcast_to(np.exp(-depth * (1 - down / HEIGHT) ** 2 - 0.25), (HEIGHT, WIDTH))


def _clouds(rng: np.random.Generator, sigma: float) -> Floats:
    coarse = Image.fromarray(rng.normal(0, sigma, (4, 5)).astype(np.float32))
    return np.asarray(coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))


def _shifted(picture: Floats, by: Floats) -> Floats:
    """By less than a pixel or so, as wind does."""
    x, y = float(by[0]), float(by[1])
    image = Image.fromarray(picture)
    moved = image.transform((WIDTH, HEIGHT), Image.Transform.AFFINE, (1, 0, x, 0, 1, y), Image.Resampling.BICUBIC)
    return np.asarray(moved)


@lru_cache(maxsize=1)
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(15)
