"""Draws things that stand on the ground into a panorama: polygons in metres, and cut-out pictures."""

from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image, ImageDraw

from gateway.scene.canvas import Floats, vector
from gateway.scene.geometry import FOCAL, Mast
from gateway.scene.light import Colour, Light

Point = tuple[float, float, float]
Polygon = Sequence[tuple[float, float]]

_FINE = 3
_NEAREST_METRES = 4.0


class Brush:
    """Knows where a point of the world lies in the canvas, and how light and air change its colour.

    `cover` collects how much of each pixel was painted, for things that hide what drives behind them.
    """

    def __init__(self, canvas: Floats, mast: Mast, light: Light, cover: Floats | None = None) -> None:
        self.canvas, self.mast, self.light = canvas, mast, light
        self._cover = cover

    def seen(self, colour: Colour | Floats, z: float, *, shine: float = 0.0) -> Floats:
        """A thing's colour at this distance; `shine` 1 is a lamp, that needs no daylight."""
        light = self.light
        ambient = vector(light.ambient)
        lit = vector(colour) * (ambient + (1 - ambient) * np.float32(shine))
        left = np.exp(-z / light.haze_metres)
        return np.asarray(vector(light.haze) + (lit - vector(light.haze)) * left, dtype=np.float32)

    def polygon(
        self, points: Iterable[Point], colour: Colour, *, shine: float = 0.0, alpha: float = 1.0
    ) -> None:
        """A flat thing given by its corners (x, y, z); its distance is the mean of theirs."""
        points = list(points)
        z = sum(point[2] for point in points) / len(points)
        self.flat([self.place(point) for point in points], self.seen(colour, z, shine=shine), alpha)

    def place(self, point: Point) -> tuple[float, float]:
        x, y, z = point
        return self.mast.project(x, y, max(z, _NEAREST_METRES))

    def box(self, low: Point, high: Point, colour: Colour, *, shine: float = 0.0) -> None:
        """Front, top and the side that is turned to the camera; a little darker each."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        eye_x = self.mast.x - self.mast.road.shift((z0 + z1) / 2)
        dark = _times(colour, 0.72)
        if eye_x > x1:
            self.polygon([(x1, y0, z0), (x1, y1, z0), (x1, y1, z1), (x1, y0, z1)], dark, shine=shine)
        elif eye_x < x0:
            self.polygon([(x0, y0, z0), (x0, y1, z0), (x0, y1, z1), (x0, y0, z1)], dark, shine=shine)
        if self.mast.height > y1:
            top = [(x0, y1, z0), (x1, y1, z0), (x1, y1, z1), (x0, y1, z1)]
            self.polygon(top, _times(colour, 1.12), shine=shine)
        elif self.mast.height < y0:
            under = [(x0, y0, z0), (x1, y0, z0), (x1, y0, z1), (x0, y0, z1)]
            self.polygon(under, _times(colour, 0.5), shine=shine)
        front = [(x0, y0, z0), (x1, y0, z0), (x1, y1, z0), (x0, y1, z0)]
        self.polygon(front, _times(colour, 0.9), shine=shine)

    def flat(self, corners: Polygon, colour: Floats, alpha: float = 1.0) -> None:
        """A polygon in canvas pixels, with smooth edges."""
        height, width = self.canvas.shape[:2]
        us, vs = [corner[0] for corner in corners], [corner[1] for corner in corners]
        left, top = max(int(min(us)) - 1, 0), max(int(min(vs)) - 1, 0)
        right, bottom = min(int(max(us)) + 2, width), min(int(max(vs)) + 2, height)
        if left >= right or top >= bottom:
            return
        mask = Image.new("L", ((right - left) * _FINE, (bottom - top) * _FINE), 0)
        shifted = [((u - left) * _FINE, (v - top) * _FINE) for u, v in corners]
        ImageDraw.Draw(mask).polygon(shifted, fill=255)
        share = np.asarray(mask.reduce(_FINE), dtype=np.float32) * np.float32(alpha / 255)
        self._lay(left, top, share, colour)

    def strip(self, edge: Sequence[Point], other: Sequence[Point], colour: Colour) -> None:
        """A band along the road, in pieces so that the air changes its colour on the way."""
        for index in range(len(edge) - 1):
            corners = [edge[index], edge[index + 1], other[index + 1], other[index]]
            self.polygon(corners, colour)

    def cut_out(
        self, picture: Image.Image, x: float, z: float, height: float, *, y: float = 0.0, shine: float = 0.0
    ) -> None:
        """An upright picture (RGBa, colours times alpha) of this height in metres, standing at (x, y, z)."""
        u, v = self.mast.project(x, y, z)
        rows = round(FOCAL * height / z)
        columns = round(rows * picture.width / picture.height)
        if rows < 1 or columns < 1:
            return
        small = np.asarray(picture.resize((columns, rows), Image.Resampling.BILINEAR), dtype=np.float32)
        left, top = round(u - columns / 2), round(v) - rows
        window = _window((left, top, columns, rows), self.canvas.shape)
        if window is None:
            return
        (x0, y0, x1, y1) = window
        piece = small[y0 - top : y1 - top, x0 - left : x1 - left]
        self._lay_cut_out(x0, y0, piece, z, shine)

    def glow(self, point: Point, radius: float, colour: Colour, strength: float) -> None:
        """Light around a lamp, `radius` in metres."""
        u, v = self.place(point)
        size = FOCAL * radius / point[2]
        window = _window(
            (round(u - size), round(v - size), round(2 * size), round(2 * size)), self.canvas.shape
        )
        if window is None:
            return
        x0, y0, x1, y1 = window
        away = np.hypot(
            (np.arange(x0, x1, dtype=np.float32) - u)[None, :],
            (np.arange(y0, y1, dtype=np.float32) - v)[:, None],
        )
        share = np.clip(1 - away / size, 0, 1) ** 2 * strength
        self.canvas[y0:y1, x0:x1] += share[..., None] * vector(colour)

    def _lay_cut_out(self, left: int, top: int, piece: Floats, z: float, shine: float) -> None:
        """Like `seen` and `_lay`, for colours that are already multiplied by their cover."""
        ambient, haze = vector(self.light.ambient), vector(self.light.haze)
        clear = np.float32(np.exp(-z / self.light.haze_metres))
        share = piece[..., 3] * np.float32(1 / 255)
        colour = piece[..., :3] * ((ambient + (1 - ambient) * np.float32(shine)) * clear)
        colour += (haze * (1 - clear)) * share[..., None]
        rows, columns = slice(top, top + piece.shape[0]), slice(left, left + piece.shape[1])
        area = self.canvas[rows, columns]
        area *= (1 - share)[..., None]
        area += colour
        self._add_cover(rows, columns, share)

    def _add_cover(self, rows: slice, columns: slice, share: Floats) -> None:
        if self._cover is not None:
            area = self._cover[rows, columns]
            area += (1 - area) * share

    def _lay(self, left: int, top: int, share: Floats, colour: Floats) -> None:
        rows, columns = slice(top, top + share.shape[0]), slice(left, left + share.shape[1])
        area = self.canvas[rows, columns]
        area += (colour - area) * share[..., None]
        self._add_cover(rows, columns, share)


def _times(colour: Colour, factor: float) -> Colour:
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


def _window(box: tuple[int, int, int, int], shape: tuple[int, ...]) -> tuple[int, int, int, int] | None:
    left, top, width, height = box
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + width, shape[1]), min(top + height, shape[0])
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None
