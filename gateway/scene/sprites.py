"""Vehicles as patches: drawn once for each size and angle, then kept."""

import time
from collections import OrderedDict
from functools import lru_cache

from gateway.scene.bodywork import Sprite, draw_vehicle
from gateway.scene.light import LIGHTS, LightName
from gateway.scene.optics import PIXELWISE, Optics
from gateway.scene.vehicles import FAR_MODELS as _FAR_MODELS

# One step of angle changes the side of a vehicle that is seen.
_ANGLE_STEP = 0.12
# What may stand in for a sprite that cannot be drawn yet: (sizes, angles) off.
_ALIKE = tuple((size, turn) for turn in (0, -1, 1) for size in (0, -1, 1, -2, 2, -3, 3))
_CACHE_BYTES = 72 << 20
# Share of a core that may go into drawing sprites nobody has drawn before.
_SHARE, _MOST_CREDIT_SECONDS = 0.025, 0.3


class SpriteShop:
    """Draws sprites and keeps the last ones used, for all stages of one size; the drawing thread's own."""

    def __init__(self, share: float = _SHARE, most_credit_seconds: float = _MOST_CREDIT_SECONDS) -> None:
        self._share, self._most_credit = share, most_credit_seconds
        self._kept: OrderedDict[_Key, Sprite | None] = OrderedDict()
        self._bytes = 0
        self._credit = self._most_credit
        self._credited_at = time.monotonic()

    def sprite(
        self, model: int, toward: bool, x: float, z: float, optics: Optics, light: LightName
    ) -> Sprite | None:
        """`x` right of the camera and `z` ahead, both of the nearest edge. None when too small to be seen."""
        step = optics.step(z)
        if not optics.serves(step, z):
            step -= 1
        if 0 <= step < PIXELWISE - 3:
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
                alike = model, toward, step + size, angle + turn, optics, light
                if alike in kept and optics.serves(step + size, z):
                    return kept[alike]
        return self._drawn(key)

    def _drawn(self, key: "_Key") -> Sprite | None:
        model, toward, step, angle, optics, light = key
        began_at = time.thread_time()
        near = optics.distance(step)
        x = angle * _ANGLE_STEP * (max(near, 0.0) + 6)
        sprite = draw_vehicle(model, toward, x, near, optics, LIGHTS[light])
        self._kept[key] = sprite
        self._bytes += sprite.patch.size_bytes if sprite else 0
        while self._bytes > _CACHE_BYTES:
            _, old = self._kept.popitem(last=False)
            self._bytes -= old.patch.size_bytes if old else 0
        self._credit -= time.thread_time() - began_at
        return sprite

    def _may_draw(self) -> bool:
        now = time.monotonic()
        self._credit = min(self._credit + (now - self._credited_at) * self._share, self._most_credit)
        self._credited_at = now
        return self._credit > 0


_Key = tuple[int, bool, int, int, Optics, LightName]


@lru_cache(maxsize=8)
def shop_for(width: int, height: int) -> SpriteShop:
    """One shop for each size, so that a large stream does not use up what the small ones have drawn."""
    return SpriteShop()
