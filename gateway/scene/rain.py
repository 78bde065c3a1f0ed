"""Falling rain: a few prepared pictures of streaks, shown in turn."""

import numpy as np

from gateway.scene.canvas import Frame

_PICTURES = 9
_STREAKS_PER_PIXEL = 0.0009
_BRIGHTER = 22
_PER_SECOND = 17


class Rain:
    def __init__(self, width: int, height: int) -> None:
        rng = np.random.default_rng(width)
        length = max(4, height // 40)
        count = int(width * height * _STREAKS_PER_PIXEL)
        self._pictures = []
        for _ in range(_PICTURES):
            column, row = rng.integers(0, width - length, count), rng.integers(0, height - length, count)
            steps = np.arange(length)
            # Wind from the left: a pixel aside for every four down.
            at = (row[:, None] + steps) * width + column[:, None] + steps // 4
            self._pictures.append(np.unique(at))

    def fall(self, frame: Frame, at: float) -> None:
        where = self._pictures[int(at * _PER_SECOND) % _PICTURES]
        frame.data[where] = np.minimum(frame.data[where], 235 - _BRIGHTER) + _BRIGHTER
