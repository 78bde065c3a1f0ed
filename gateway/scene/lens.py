"""What orders to the lens do to a picture: out of focus, iris, lamp."""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageFilter

from gateway.scene.canvas import Bytes, Frame
from gateway.scene.view import Look

_LEAST_BLUR = 0.12
_LEAST_IRIS = 0.02


class Lens:
    def __init__(self, height: int) -> None:
        self._blur = height / 288

    def apply(self, frame: Frame, look: Look) -> None:
        if abs(look.focus) > _LEAST_BLUR:
            radius = abs(look.focus) * 1.1 * self._blur
            frame.luma[...] = _blurred(frame.luma, radius)
            for plane in frame.chroma:
                plane[...] = _blurred(plane, radius / 2)
        if abs(look.iris) > _LEAST_IRIS:
            frame.luma[...] = _exposure(round(look.iris, 2))[frame.luma]

    @staticmethod
    def light_up(frame: Frame) -> None:
        """The lamp on the mast shines on the near ground."""
        height, width = frame.luma.shape
        rows = (np.arange(height, dtype=np.float32)[:, None] - height * 1.02) / (height * 0.62)
        columns = (np.arange(width, dtype=np.float32)[None, :] - width / 2) / (width * 0.46)
        glow = np.exp(-1.6 * (rows * rows + columns * columns)) * 78
        frame.luma[...] = np.minimum(frame.luma + glow, 235).astype(np.uint8)


def _blurred(plane: Bytes, radius: float) -> Bytes:
    return np.asarray(Image.fromarray(plane).filter(ImageFilter.GaussianBlur(radius)))


@lru_cache(maxsize=256)
def _exposure(iris: float) -> Bytes:
    """A table for luma: doubled and more with the iris open, nearly black with it closed."""
    values = (np.arange(256) - 16) * 2.0 ** (iris * 1.6) + 16
    return np.asarray(np.clip(np.rint(values), 16, 235), dtype=np.uint8)
