"""The still part of a scene, drawn once."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from gateway.scene.canvas import Floats, halve, to_yuv


@dataclass(frozen=True)
class Panorama:
    luma: Image.Image
    chroma: tuple[Image.Image, Image.Image]


def paint(mast, site, light) -> Panorama:
    from gateway.scene.geometry import PANORAMA_HEIGHT, PANORAMA_WIDTH

    rgb = np.zeros((PANORAMA_HEIGHT, PANORAMA_WIDTH, 3), np.float32) + 90
    rgb[:260] = light.sky_low
    return store(rgb)


def store(rgb: Floats) -> Panorama:
    yuv = to_yuv(rgb)
    small = halve(yuv[..., 1:])
    return Panorama(_image(yuv[..., 0]), (_image(small[..., 0]), _image(small[..., 1])))


def _image(plane: Floats) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(plane), 0, 255).astype(np.uint8))
