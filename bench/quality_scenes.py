"""The roads that pictures are taken of: real clips where they are, and the gateway's simulated cameras.

Tuning and test share no scene: not a clip, not the seed of a drawn road.
"""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Protocol

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

from bench.harness import ROOT
from gateway.scene.light import LightName
from gateway.scene.panorama import Site
from gateway.scene.scene import Scene
from gateway.scene.stage import build_stage
from gateway.scene.text import Letterer, find_font
from protocol.codes import Classify

WIDTH: Final = 352
HEIGHT: Final = 288
MEDIA: Final = ROOT.parent / "shared" / "media"
MANIFEST: Final = MEDIA / "MANIFEST.md"
FRAME_SECONDS: Final = 0.04

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.floating]

# Clip and the parts of its picture (left, top, width, height; mirrored) that stand for a camera each.
_CROPS: Final = ((0.0, 0.0, 1.0, 1.0, False), (0.1, 0.1, 0.88, 0.88, True))
_TUNING_CLIPS: Final = ("highway_trees_day_320x240.mp4",)
_TUNING_SEEDS: Final = (11, 12, 13)
_TEST_SEEDS: Final = (1, 2, 3, 4)
# Above and below the picture that is used: the simulated camera's own clock and name.
_CAPTION: Final = 28
_STILLS: Final = 36


class Road(Protocol):
    """A fixed camera's view in one light, without sensor and text."""

    name: str
    is_drawn: bool

    def still(self, index: int) -> Floats:
        """One of many moments, seconds apart or more."""

    def run(self, index: int, frames: int) -> Sequence[Floats]:
        """Consecutive frames from that moment on."""

    def empty(self) -> Floats:
        """Without traffic."""


@dataclass(frozen=True)
class Place:
    """One camera: a crop of a clip, or a drawn road that is painted in any light."""

    name: str
    clip: Path | None = None
    crop: tuple[float, float, float, float, bool] = _CROPS[0]
    seed: int = 0

    @property
    def is_drawn(self) -> bool:
        return self.clip is None

    def number(self) -> int:
        return zlib.crc32(self.name.encode())


def places(*, test: bool, drawn: int) -> list[Place]:
    """The cameras of one half of the split; of drawn ones at most so many."""
    clips = [name for name in _clip_names() if (name in _TUNING_CLIPS) is not test]
    seeds = _TEST_SEEDS if test else _TUNING_SEEDS
    filmed = [
        Place(f"{name.split('.')[0]}#{part}", MEDIA / name, crop)
        for name in clips
        for part, crop in enumerate(_CROPS)
    ]
    return [*filmed, *(Place(f"drawn#{seed}", seed=seed) for seed in seeds[:drawn])]


def _clip_names() -> list[str]:
    if not MANIFEST.exists():
        return []
    return re.findall(r"^\| (\S+\.mp4) \|", MANIFEST.read_text(encoding="utf-8"), re.MULTILINE)


@lru_cache(maxsize=1)
def _read(path: Path) -> Sequence[Bytes]:
    """The luma of all frames of a clip, full range."""
    frames = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            plane: Any = frame.planes[0]
            raw = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
            frames.append(np.clip((raw - 16.0) * 255 / 219, 0, 255).astype(np.uint8))
    return frames


class FilmedRoad:
    """A part of a clip."""

    def __init__(self, place: Place) -> None:
        assert place.clip is not None
        self.name, self.is_drawn = place.name, False
        self._frames, self._crop = _read(place.clip), place.crop
        self._empty: Floats | None = None

    def still(self, index: int) -> Floats:
        # 0.8 s apart, so that a clip of half a minute has enough of them.
        return self._picture(index * 20)

    def run(self, index: int, frames: int) -> Sequence[Floats]:
        last = max(1, len(self._frames) - frames)
        return [self._picture(index * 53 % last + step) for step in range(frames)]

    def empty(self) -> Floats:
        if self._empty is None:
            pictures = [self._picture(index) for index in range(0, len(self._frames), 13)]
            self._empty = np.median(pictures, axis=0).astype(np.float32)
        return self._empty

    def _picture(self, index: int) -> Floats:
        frame = self._frames[index % len(self._frames)]
        height, width = frame.shape
        left, top, across, down, mirrored = self._crop
        box = (left * width, top * height, (left + across) * width, (top + down) * height)
        image = Image.fromarray(frame).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC, box)
        picture = np.asarray(image, np.float32)
        return picture[:, ::-1] if mirrored else picture


class DrawnRoad:
    """A simulated camera's view."""

    def __init__(self, place: Place, light: LightName, cache: Path) -> None:
        self.name, self.is_drawn = place.name, True
        site = Site("G42", "溧水", Classify.ROADSIDE, place.seed)
        scene = Scene(place.name, site, light, Letterer(find_font(None)), cache)
        self._stage = build_stage(scene, WIDTH, HEIGHT + 2 * _CAPTION)
        self._begin = 50_000.0 + 977 * place.seed
        self._stills: dict[int, Floats] = {}
        self._empty: Floats | None = None

    def still(self, index: int) -> Floats:
        index %= _STILLS
        if index not in self._stills:
            self._stills[index] = self._picture(self._begin + 31 * index)
        return self._stills[index]

    def run(self, index: int, frames: int) -> Sequence[Floats]:
        begin = self._begin + 31 * index + 7
        return [self._picture(begin + step * FRAME_SECONDS) for step in range(frames)]

    def empty(self) -> Floats:
        if self._empty is None:
            stills = [self.still(index) for index in range(_STILLS)]
            self._empty = np.median(stills, axis=0).astype(np.float32)
        return self._empty

    def _picture(self, at: float) -> Floats:
        data = np.frombuffer(self._stage.picture(0.0, at).tobytes(), np.uint8)
        luma = data[: WIDTH * (HEIGHT + 2 * _CAPTION)].reshape(-1, WIDTH)[_CAPTION : _CAPTION + HEIGHT]
        return np.asarray(np.clip((luma.astype(np.float32) - 16) * (255 / 219), 0, 255))
