"""A small road of its own for each test, and a platform that watches it: no codec, no clips, no waiting."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from protocol.codes import QualityFlag
from quality.diagnosis import Look, Memory, Sight, Trace, look

HEIGHT, WIDTH = 288, 352
PERIOD = timedelta(minutes=5)
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)

Light = npt.NDArray[np.float32]
Luma = npt.NDArray[np.uint8]
Change = Callable[[Light], Light]


@lru_cache(maxsize=8)
def road(seed: int = 1) -> Light:
    """Sky, fields of many tones, a road with marks."""
    rng = np.random.default_rng(seed)
    down, across = np.mgrid[0 : 1 : HEIGHT * 1j, 0 : 1 : WIDTH * 1j]
    light = 150 - 60 * down
    for _ in range(160):
        left, top = rng.uniform(0, 1, 2)
        wide, high = rng.uniform(0.01, 0.12, 2)
        inside = (np.abs(across - left) < wide) & (np.abs(down - top) < high)
        light[inside] += rng.uniform(-40, 40)
    light[np.abs(across - 0.5) < 0.05 + 0.12 * down] = 90
    light[(np.abs(across - 0.5) < 0.01) & (np.sin(40 * down) > 0)] = 220
    return np.asarray(np.clip(light, 10, 245), np.float32)


def sized(light: Light, height: int, width: int) -> Light:
    """The same view from a stream of another size."""
    rows = np.linspace(0, light.shape[0] - 1, height).round().astype(int)
    columns = np.linspace(0, light.shape[1] - 1, width).round().astype(int)
    return np.asarray(light[np.ix_(rows, columns)])


class Camera:
    """Takes pictures of a road, one every five minutes, and remembers what it is told to."""

    def __init__(self, view: Light | None = None, *, begin: datetime = NOON, noise: float = 2.0) -> None:
        self.view = road() if view is None else view
        self.at, self.noise = begin, noise
        self.rng = np.random.default_rng(7)
        self.memory, self.trace = Memory(), Trace()

    def picture(self, change: Change = np.copy, *, sensor: Change = np.copy) -> Luma:
        """`change` is before the lens or in it, `sensor` behind it."""
        light = self.view.copy()
        # A car somewhere on the road.
        at = int(self.rng.integers(0, light.shape[0] - 24))
        light[at : at + 24, 164:190] = self.rng.uniform(20, 230)
        # Exposure is never twice the same.
        light = change(light) * np.float32(np.exp(self.rng.normal(0, 0.05)))
        light += self.noise * self.rng.standard_normal(light.shape, np.float32)
        return np.clip(np.round(sensor(light)), 0, 255).astype(np.uint8)

    def see(self, luma: Luma, *, is_moving: bool = False, sensitivity: tuple[float, ...] = ()) -> Look:
        self.at += PERIOD
        sight = Sight(luma, self.at, self.memory, self.trace, sensitivity, is_moving)
        (seen,) = look([sight])
        self.memory, self.trace = seen.memory, seen.trace
        return seen

    def learn(self, pictures: int = 24) -> "Camera":
        for _ in range(pictures):
            self.see(self.picture())
            # The same hour of another day, so that the band stays the same.
            self.at += timedelta(days=1) - PERIOD
        return self


def flags(seen: Look) -> set[QualityFlag]:
    """What its verdict calls abnormal."""
    return {flag for flag in QualityFlag if seen.verdicts[flag] == "1"}


def blurred(light: Light, sigma: float = 2.0) -> Light:
    reach = int(3 * sigma) + 1
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    weights /= weights.sum()
    for axis in (0, 1):
        light = sum_of(
            np.float32(weight) * np.roll(light, place - reach, axis) for place, weight in enumerate(weights)
        )
    return light


def sum_of(parts: Iterable[Light]) -> Light:
    total, *rest = parts
    for part in rest:
        total = total + part
    return total


def covered(share: float, luma: float) -> Change:
    """From the right, behind a sheet."""

    def cover(light: Light) -> Light:
        light = light.copy()
        light[:, round(light.shape[1] * (1 - share)) :] = luma
        return light

    return cover


def foggy(light: Light) -> Light:
    through = np.linspace(0.2, 0.6, light.shape[0], dtype=np.float32)[:, None]
    return light * through + 190 * (1 - through)
