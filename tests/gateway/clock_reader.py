"""Reads the burnt-in clock of a decoded picture: by comparing with the characters it was written with."""

import datetime

import numpy as np

from gateway.scene.canvas import Bytes
from gateway.scene.stage import clock_layout
from gateway.scene.text import BEIJING, Letterer, find_font

_CHARACTERS = "0123456789"
_PATTERN = "dddd-dd-dd dd:dd:dd.d"


class ClockReader:
    """For pictures of one stored size. Wants the font the gateway wrote with (the default one)."""

    def __init__(self, width: int, height: int) -> None:
        self._margin, letters, squeeze = clock_layout(width, height)
        letterer = Letterer(find_font(None))
        cells = {one: letterer.cell(one, letters, squeeze) for one in _CHARACTERS}
        self._width, self._height = cells["0"].width, cells["0"].height
        self._shapes = {one: cell.luma.astype(np.float32) for one, cell in cells.items()}

    def read(self, luma: Bytes) -> datetime.datetime:
        """The moment in the picture, to the tenth of a second. ValueError when there is none."""
        text = "".join(
            self._character(luma, index) if kind == "d" else kind for index, kind in enumerate(_PATTERN)
        )
        return datetime.datetime.strptime(f"{text}00000", "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=BEIJING)

    def _character(self, luma: Bytes, index: int) -> str:
        left = self._margin + index * self._width
        cell = luma[self._margin : self._margin + self._height, left : left + self._width].astype(np.float32)
        cell -= cell.mean()

        def likeness(one: str) -> float:
            shape = self._shapes[one] - self._shapes[one].mean()
            return float((cell * shape).sum() / np.sqrt((cell**2).sum() * (shape**2).sum() + 1))

        return max(_CHARACTERS, key=likeness)
