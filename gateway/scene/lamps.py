"""The light of vehicles by night and in bad weather: halos around their lamps, pools on the road."""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from gateway.scene.canvas import Floats, Frame, Patch, difference_to_yuv, lay, make_light, vector
from gateway.scene.light import LIGHTS, LightName
from gateway.scene.optics import Optics
from gateway.scene.vehicles import VEHICLES, Lamp

LEAST_LAMPS = 0.2
_COLOURS = {
    Lamp.FRONT: difference_to_yuv(vector((230, 222, 198))),
    Lamp.REAR: difference_to_yuv(vector((165, 28, 20))),
    Lamp.NONE: difference_to_yuv(vector((118, 110, 92))),
}
_METRES = {Lamp.FRONT: 0.42, Lamp.REAR: 0.24}
_LEAST_PIXELS = 0.9
_SIZE_STEP = math.log(1.15)
# A wet road draws lamps out into streaks.
_WET = 0.5
# The pool: how far from the bumper, half its width, half its length in metres; nearer than this it is cut.
_REACH_METRES, _POOL_HALF_WIDTH, _POOL_SHARE = 5.5, 1.5, 0.75
_POOL_FARTHEST_METRES = 140.0
_POOL_NEAREST_METRES = 13.0


class Lamps(NamedTuple):
    """Of one model at one end: how far from its middle, and how high, in metres."""

    kind: Lamp
    aside: float
    high: float


@lru_cache(maxsize=64)
def lamps_of(model: int, toward: bool) -> Lamps:
    kind = Lamp.FRONT if toward else Lamp.REAR
    corners = [
        corner
        for part in VEHICLES[model].parts
        for face in part.faces
        if face.lamp is kind
        for corner in face.corners
    ]
    aside = sum(abs(corner[0]) for corner in corners) / len(corners)
    return Lamps(kind, aside, sum(corner[1] for corner in corners) / len(corners))


def light_pool(
    frame: Frame,
    origin: tuple[float, float],
    x: float,
    z: float,
    ahead: float,
    optics: Optics,
    light: LightName,
) -> None:
    """What the headlamps show of the road, `ahead` metres beyond the nearest edge (negative: before it)."""
    middle = z + (ahead + _REACH_METRES if ahead > 0 else -min(_REACH_METRES, z * 0.14))
    if not _POOL_NEAREST_METRES < middle < _POOL_FARTHEST_METRES:
        return
    reach = abs(middle - z - max(ahead, 0.0))
    u, v = optics.across * x / middle, optics.down * optics.eye / middle
    wide = optics.across * _POOL_HALF_WIDTH / middle
    high = v - optics.down * optics.eye / (middle + reach * _POOL_SHARE)
    patch = _spot(_step(wide), _step(high), _clear(light, z), light)
    lay(frame, patch, round(origin[0] + u) - patch.width // 2, round(origin[1] + v) - patch.height // 2)


def light_lamps(
    frame: Frame,
    origin: tuple[float, float],
    x: float,
    z: float,
    lamps: Lamps,
    optics: Optics,
    light: LightName,
) -> None:
    """A halo around each of the two lamps of the nearest end."""
    scale = optics.down / z
    size = max(_METRES[lamps.kind] * scale, _LEAST_PIXELS)
    # A tiny lamp far away must not outshine the picture.
    strength = round(min(1.0, scale * 0.4) * 8) / 8
    aside = round(optics.across * lamps.aside / z)
    squeeze = optics.across / optics.down
    patch, middle = _halos(lamps.kind, _step(size), aside, squeeze, strength * _clear(light, z), light)
    u = origin[0] + optics.across * x / z
    v = origin[1] + optics.down * (optics.eye - lamps.high) / z
    lay(frame, patch, round(u) - patch.width // 2, round(v) - middle)


def _step(size: float) -> int:
    return round(math.log(max(size, 0.5)) / _SIZE_STEP)


def _clear(light: LightName, z: float) -> float:
    """What the air lets through, in eighths."""
    return round(max(math.exp(-z / LIGHTS[light].haze_metres), 0.25) * 8) / 8


@lru_cache(maxsize=2048)
def _halos(
    kind: Lamp, step: int, aside: int, squeeze: float, strength: float, light: LightName
) -> tuple[Patch, int]:
    """The patch with both, `aside` pixels from its middle, and the row in it where they are."""
    is_wet = LIGHTS[light].wet > _WET
    size = math.exp(step * _SIZE_STEP)
    above, below = math.ceil(size * 2.4), math.ceil(size * (6 if is_wet else 2.4))
    half = math.ceil(size * squeeze * 2.4) + aside
    width, height = 2 * half, (above + below + 1) // 2 * 2
    columns = np.abs(np.arange(width, dtype=np.float32)[None, :] + 0.5 - half)
    across = (columns - aside) / (size * squeeze)
    down = (np.arange(height, dtype=np.float32)[:, None] + 0.5 - above) / size
    share = 0.9 * np.exp(-1.4 * down * down) * np.exp(-1.4 * across * across)
    share = share + 0.2 * np.exp(-0.4 * down * down) * np.exp(-0.4 * across * across)
    if is_wet:
        share = share + 0.4 * np.exp(-0.45 * np.abs(down)) * (down > 0) * np.exp(-1.2 * across * across)
    return _light(np.minimum(share, 1.0) * (LIGHTS[light].lamps * strength), kind), above


@lru_cache(maxsize=1024)
def _spot(wide: int, high: int, clear: float, light: LightName) -> Patch:
    half_width, half_height = math.exp(wide * _SIZE_STEP), math.exp(high * _SIZE_STEP)
    width, height = 2 * math.ceil(half_width * 2.2), 2 * math.ceil(half_height * 2.2)
    across = (np.arange(width, dtype=np.float32)[None, :] + 0.5 - width / 2) / half_width
    down = (np.arange(height, dtype=np.float32)[:, None] + 0.5 - height / 2) / half_height
    share = np.exp(-across * across) * np.exp(-down * down)
    return _light(share * (LIGHTS[light].lamps * clear), Lamp.NONE)


def _light(share: Floats, kind: Lamp) -> Patch:
    return make_light(share, _COLOURS[kind], is_coloured=kind is Lamp.REAR)
