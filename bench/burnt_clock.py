"""Reads the clock in a simulated camera's picture by comparing it with the clocks of the last seconds."""

from typing import Final

import numpy as np
import numpy.typing as npt

from gateway.scene.stage import clock_layout
from gateway.scene.text import Letterer, clock_for, find_font

# In tenths, as the clock shows them.
MOST_SECONDS: Final = 8
_STEP_SECONDS: Final = 0.1
# Of 0 to 255: how much a point must differ between the clocks.
_TELLING: Final = 10
# Of 0 to 1. The clock of a low stream was seen at 0.8 and above.
_LEAST_LIKENESS: Final = 0.6

Box = tuple[int, int, int, int]


class BurntClock:
    """Of pictures of this size."""

    def __init__(self, width: int, height: int) -> None:
        self._margin, letters, squeeze = clock_layout(width, height)
        self._clock = clock_for(Letterer(find_font(None)), letters, squeeze)

    @property
    def box(self) -> Box:
        """Where it stands: x, y, width, height."""
        patch = self._clock.patch(0)
        return self._margin, self._margin, patch.width, patch.height

    def lag_seconds(self, now: float, grey: list[int]) -> float:
        """How far the clock in these grey values is behind `now` (unix time); it may be up to 0.1 s less."""
        lags = np.arange(0, MOST_SECONDS, _STEP_SECONDS)
        clocks = np.array([self._clock.patch(now - lag).luma for lag in lags], dtype=np.float64)
        # Where all of them agree the picture says nothing of the time, or shows the road behind.
        telling = clocks.std(axis=0) > _TELLING
        seen = _flat(np.array(grey, dtype=np.float64).reshape(telling.shape)[telling])
        likeness = [float(seen @ _flat(clock[telling])) for clock in clocks]
        best = int(np.argmax(likeness))
        if likeness[best] < _LEAST_LIKENESS:
            raise RuntimeError(f"no clock of the last {MOST_SECONDS} s in the picture: {likeness[best]:.2f}")
        # The clock shows whole tenths: the picture was drawn at or after what it shows.
        return now - int((now - float(lags[best])) * 10) / 10


def _flat(picture: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Around 0 and of length 1, whatever the brightness."""
    centred: npt.NDArray[np.float64] = picture - picture.mean()
    length = float(np.sqrt((centred**2).sum()))
    flat: npt.NDArray[np.float64] = centred / (length or 1.0)
    return flat
