"""Trees and bushes as cut-out pictures."""

import enum
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

_SIDE = 160
_VARIANTS = 5


class Plant(enum.Enum):
    """Width and height of the crown in parts of the picture, its foot above the ground, leaf colour."""

    ROUND = (0.42, 0.40, 0.20, (74, 108, 52))
    POPLAR = (0.17, 0.46, 0.10, (84, 114, 56))
    PINE = (0.24, 0.46, 0.10, (52, 86, 58))
    BUSH = (0.46, 0.46, 0.0, (70, 100, 50))


@lru_cache(maxsize=64)
def plant(kind: Plant, variant: int) -> Image.Image:
    """160 x 160 pixels RGBa (times alpha), at noon with the sun at the upper left."""
    rng = np.random.default_rng([ord(kind.name[0]), variant % _VARIANTS])
    wide, high, foot, leaf = kind.value
    image = Image.new("RGBA", (_SIDE * 2, _SIDE * 2), (*leaf, 0))
    draw = ImageDraw.Draw(image)
    side = _SIDE * 2
    middle, base = side / 2, side * (1 - foot)
    if foot:
        draw.rectangle(
            (middle - side * 0.018, base - side * 0.15, middle + side * 0.018, side), fill=(78, 66, 52, 255)
        )
    centre = base - high * side
    clumps = []
    for _ in range(190):
        angle, away = rng.uniform(0, 2 * np.pi), rng.uniform(0, 1) ** 0.5
        across, up = np.cos(angle) * away, np.sin(angle) * away
        taper = 1.0 - (0.75 * max(up, 0) if kind in (Plant.PINE, Plant.POPLAR) else 0.15 * max(up, 0))
        clumps.append((up, across * taper))
    # From the back and below to the front and above, the way light falls on them.
    for up, across in sorted(clumps, key=lambda clump: clump[0] - rng.uniform(0, 0.5)):
        x, y = middle + across * wide * side, centre - up * high * side
        size = side * rng.uniform(0.022, 0.05) * (0.75 if kind is Plant.POPLAR else 1)
        lit = 0.74 + 0.30 * up - 0.20 * across + rng.uniform(-0.10, 0.10)
        shade = tuple(int(min(max(value * lit, 0), 255)) for value in leaf)
        draw.ellipse((x - size, y - size, x + size, y + size * 0.85), fill=(*shade, 255))
    small = image.filter(ImageFilter.GaussianBlur(0.8)).resize((_SIDE, _SIDE), Image.Resampling.BOX)
    return small.convert("RGBa")


def any_plant(rng: np.random.Generator, *kinds: Plant) -> Image.Image:
    return plant(kinds[int(rng.integers(len(kinds)))], int(rng.integers(_VARIANTS)))
