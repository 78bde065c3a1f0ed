"""Sky, hills and ground of a panorama, computed for each of its pixels."""

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from gateway.scene.canvas import Floats, vector
from gateway.scene.geometry import FOCAL, LANE_METRES, PANORAMA_HEIGHT, PANORAMA_WIDTH, Mast, Road
from gateway.scene.light import Colour, Light
from gateway.scene.noise import SIDE, cloudy, ridge, smoothstep

# JTG D80: lane lines are 6 m long with gaps of 9 m.
_DASH_METRES, _DASH_PERIOD_METRES = 6.0, 15.0
_LINE_METRES = 0.2

_CENTIMETRES = 100
_PROFILE_METRES = 48.0
_SINGLE = np.float32


@dataclass(frozen=True)
class Surface:
    """What the ground is made of, as seen at noon."""

    asphalt: Colour = (104, 106, 110)
    shoulder: Colour = (112, 113, 115)
    line: Colour = (236, 236, 230)
    inner_line: Colour = (232, 190, 70)
    kerb: Colour = (158, 156, 148)
    grass: Colour = (96, 124, 62)
    median: Colour = (88, 104, 64)
    fields: tuple[Colour, ...] = (
        (122, 146, 70),
        (98, 132, 62),
        (168, 164, 82),
        (84, 112, 58),
        (150, 128, 86),
        (112, 140, 84),
    )
    has_fields: bool = True
    verge_metres: float = 20.0


ON_WATER = Surface(grass=(158, 156, 148), median=(150, 149, 144), has_fields=False, verge_metres=1.2)


def paint_sky(rng: np.random.Generator, mast: Mast, light: Light) -> Floats:
    """Rows down to the horizon. Half the resolution is enough for clouds."""
    rows, columns = int(mast.horizon_v) // 2 + 2, PANORAMA_WIDTH // 2
    above = (mast.horizon_v / 2 - np.arange(rows, dtype=_SINGLE))[:, None].clip(0.25)
    u = np.arange(columns, dtype=_SINGLE)[None, :]
    share = (above / (mast.horizon_v / 2)) ** _SINGLE(0.7)
    sky = _mix(vector(light.sky_low), vector(light.sky_top), np.broadcast_to(share, (rows, columns)))
    sun_u = mast.vanish_u / 2 + rng.uniform(-380, 380)
    if light.sun:
        away = np.hypot((u - sun_u) / 330, (above - 14) / 95)
        sky = _mix(sky, vector(light.sun_colour), np.exp(-away * 1.7) * light.sun * 0.8)
    if light.clouds:
        depth = 30 / (above + 9)
        field = cloudy(rng, 1.75)
        down, across = depth * 260, (u - columns / 2) * depth * 0.85
        cover = smoothstep(_smooth(field, down, across), 1.5 - 2.6 * light.clouds, 2.6 - 2.2 * light.clouds)
        lit = np.clip(_smooth(field, down + 5, across) - _smooth(field, down, across), -0.6, 0.6)
        cover *= smoothstep(np.broadcast_to(above, cover.shape), 4, 40) * 0.9
        sky = _mix(sky, vector(light.cloud_colour) * (1 - 0.16 * lit[..., None]), cover)
    if light.stars:
        stars = rng.random((rows, columns), dtype=_SINGLE) > 0.9994
        sky += (stars * share * rng.uniform(30, 120, (rows, columns)))[..., None].astype(_SINGLE)
    image = Image.fromarray(np.clip(sky, 0, 255).astype(np.uint8))
    return np.asarray(image.resize((PANORAMA_WIDTH, rows * 2), Image.Resampling.BICUBIC), dtype=_SINGLE)


def paint_hills(rng: np.random.Generator, canvas: Floats, mast: Mast, light: Light) -> None:
    """Three ranges, the farther the paler."""
    horizon = round(mast.horizon_v)
    haze = vector(light.haze)
    texture = cloudy(rng, 1.35)
    for height, roughness, base, pale in ((92, 1.5, 8, 0.74), (56, 1.35, 5, 0.52), (26, 1.1, 4, 0.26)):
        line = ridge(rng, PANORAMA_WIDTH, roughness) * height * rng.uniform(0.7, 1.1) + base
        top = int(line.max()) + 2
        above = np.arange(top, -5, -1, dtype=_SINGLE)[:, None]
        cover = np.clip(line[None, :] - above + 0.5, 0, 1)
        slope = np.convolve(np.gradient(line), np.full(25, 1 / 25), mode="same").astype(_SINGLE)
        columns = np.arange(PANORAMA_WIDTH, dtype=_SINGLE)[None, :]
        shade = (
            1
            + 0.09 * _smooth(texture, above * 2.2, columns * _SINGLE(0.7))
            + np.clip(slope, -1, 1)[None, :] * 0.22
        )
        shade = shade * (0.86 + 0.3 * np.clip(above / max(height, 1), 0, 1))
        green = vector((78, 104, 70)) * vector(light.ambient) * shade[..., None]
        colour = green + (haze - green) * min(1.0, pale + 60 / light.haze_metres)
        band = canvas[horizon - top : horizon + 5]
        band[...] = _mix(band, colour.astype(_SINGLE), cover)


class GroundPainter:
    """Everything below the horizon, each pixel from the metres it covers.

    Row by row: a row has one distance, and its arrays stay in the processor's cache.
    """

    def __init__(self, rng: np.random.Generator, mast: Mast, light: Light, surface: Surface) -> None:
        self._mast, self._light, self._surface = mast, light, surface
        self._profile = _Profile(mast, _reflecting(surface, light))
        self._u = np.arange(PANORAMA_WIDTH, dtype=_SINGLE) - _SINGLE(mast.vanish_u)
        self._ambient, self._haze = vector(light.ambient), vector(light.haze)
        self._fine, self._coarse, self._bent = cloudy(rng, 0.6), cloudy(rng, 1.5), cloudy(rng, 1.8)
        self._colours = vector(surface.fields)[rng.integers(0, len(surface.fields), (64, 64))]

    def paint(self, canvas: Floats) -> None:
        for row in range(int(self._mast.horizon_v) + 1, PANORAMA_HEIGHT):
            canvas[row] = self._row(row)

    def _row(self, row: int) -> Floats:
        mast, light = self._mast, self._light
        z = min(mast.distance(row + 0.5), 6000.0)
        deep = z * z / (FOCAL * mast.height)
        x = self._u * _SINGLE(z / FOCAL) + _SINGLE(mast.x - mast.road.shift(min(z, 1800.0)))
        road, cover = self._profile.seen(x, z / FOCAL, _dash_share(z, deep))
        far = self._fields(x, z) if self._surface.has_fields else self._water(x, z)
        ground = _mix(far, road, cover) * self._grain(x, z, deep)[:, None]
        ground *= self._ambient
        if light.wet:
            self._wet(ground, x, z)
        left = np.exp(-z / light.haze_metres)
        return np.asarray(self._haze + (ground - self._haze) * _SINGLE(left), dtype=_SINGLE)

    def _grain(self, x: Floats, z: float, deep: float) -> Floats:
        """Roughness near by, wear and damp farther off; what is finer than a pixel is not seen."""
        grain = 1 + _SINGLE(0.035 * min(0.35 / deep, 1)) * _along(self._fine, z * 7, x * 9)
        return grain + _SINGLE(0.045 * min(8 / deep, 1)) * _along(self._coarse, z * 0.9, x * _SINGLE(1.6))

    def _fields(self, x: Floats, z: float) -> Floats:
        """A patchwork with furrows that run along the road."""
        off = _along(self._bent, z * 0.25, x * _SINGLE(0.25))
        across = np.floor((x + 6 * off) / 85).astype(np.int32) % 64
        along = np.floor(np.log(z + 10 + 9 * off.clip(-1, 1)) * _SINGLE(5.2)).astype(np.int32) % 64
        furrows = 1 + _SINGLE(0.07 * min(max(1.3 - z / 160, 0), 1)) * np.sin(x * _SINGLE(2.618))
        return np.asarray(self._colours[along, across] * furrows[:, None], dtype=_SINGLE)

    def _water(self, x: Floats, z: float) -> Floats:
        """A river under a bridge: the sky, rippled."""
        light = self._light
        low, top = vector(light.sky_low), vector(light.sky_top)
        tone = low + (top - low) * min(14 / z**0.5, 1.0) * 0.9
        # Undone by the ambient light that is applied to the whole ground.
        tone = np.minimum(tone * vector((0.72, 0.8, 0.84)) / np.maximum(self._ambient, 0.08), 235)
        ripples = 1 + _SINGLE(0.08 * min(60 / z, 1)) * _along(self._coarse, z * 2.2, x * _SINGLE(0.5))
        return np.asarray(tone * ripples[:, None], dtype=_SINGLE)

    def _wet(self, ground: Floats, x: Floats, z: float) -> None:
        """Water on the road mirrors the sky, the more the flatter it is looked at."""
        road, light = self._mast.road, self._light
        side = np.abs(x)
        on_road = np.clip((road.outer_edge - side) * 2, 0, 1) * np.clip((side - road.median / 2) * 3, 0, 1)
        on_road *= _SINGLE(light.wet)
        ground *= 1 - _SINGLE(0.16) * on_road[:, None]
        share = on_road * _SINGLE(min(max(z / 130, 0.08), 0.55))
        ground += (vector(light.sky_low) * _SINGLE(0.9) - ground) * share[:, None]


class _Profile:
    """The road across, centimetre by centimetre, summed up so that any width of it has its mean."""

    def __init__(self, mast: Mast, surface: Surface) -> None:
        count = round(2 * _PROFILE_METRES * _CENTIMETRES)
        x = (np.arange(count, dtype=_SINGLE) + 0.5) / _CENTIMETRES - _PROFILE_METRES
        self._line = vector(surface.line)
        self._sums = np.zeros((count + 1, 5), np.float64)
        np.cumsum(_materials(np.abs(x), mast.road, surface), axis=0, out=self._sums[1:])
        self._width = 0
        self._means: Floats = np.zeros((1, 5), _SINGLE)

    def seen(self, x: Floats, wide: float, dash: float) -> tuple[Floats, Floats]:
        """Colour and cover of pixels `wide` metres across around `x`; `dash` is the share of dashes."""
        width = max(round(wide * _CENTIMETRES), 1)
        if width != self._width:
            # Kept for the next row: near by, many rows share a width.
            self._width = width
            self._means = ((self._sums[width:] - self._sums[:-width]) / width).astype(_SINGLE)
        means = self._means
        first = ((x + _SINGLE(_PROFILE_METRES)) * _CENTIMETRES).astype(np.int32) - width // 2
        mean = means.take(np.clip(first, 0, len(means) - 1), axis=0)
        cover = mean[:, 3]
        colour = mean[:, :3] / np.maximum(cover, _SINGLE(1e-3))[:, None]
        return _mix(colour, self._line, mean[:, 4] * _SINGLE(dash)), cover


def _materials(side: Floats, road: Road, surface: Surface) -> Floats:
    """By metres from the middle: red, green, blue (times cover), cover, share of a lane line."""
    strip = np.zeros((len(side), 5), _SINGLE)
    for edge, colour in (
        (np.inf, surface.grass),
        (road.outer_edge + 0.7, surface.kerb),
        (road.outer_edge, surface.shoulder),
        (road.outer_line, surface.asphalt),
        (road.median / 2 + 0.25, surface.kerb),
        (road.median / 2, surface.median),
    ):
        strip[side < edge, :3] = colour
    for lane in range(road.lanes):
        off = side - road.lane_centre(lane)
        worn = 9 * np.exp(-(((np.abs(off) - 0.85) / 0.35) ** 2)) + 5 * np.exp(-((off / 0.4) ** 2))
        strip[:, :3] -= worn[:, None]
    strip[np.abs(side - road.outer_line) < _LINE_METRES / 2, :3] = surface.line
    strip[np.abs(side - road.inner_edge) < _LINE_METRES / 2, :3] = surface.inner_line
    strip[:, 3] = np.clip(
        (road.outer_edge + surface.verge_metres - side) / (surface.verge_metres * 0.3), 0, 1
    )
    strip[:, :3] *= strip[:, 3:4]
    for lane in range(1, road.lanes):
        strip[np.abs(side - road.inner_edge - lane * LANE_METRES) < _LINE_METRES / 2, 4] = 1
    return strip


def _reflecting(surface: Surface, light: Light) -> Surface:
    """Paint with glass beads sends lamp light back: by night the lines are what is seen of a road."""
    share = 0.3 * light.lamps

    def lifted(colour: Colour) -> Colour:
        red, green, blue = (
            value * (1 + share * (1 / ambient - 1) * 0.75)
            for value, ambient in zip(colour, light.ambient, strict=True)
        )
        return red, green, blue

    return replace(surface, line=lifted(surface.line), inner_line=lifted(surface.inner_line))


def _dash_share(z: float, deep: float) -> float:
    """Share of a row's depth that lies on a dash."""

    def total(at: float) -> float:
        whole, rest = divmod(at, _DASH_PERIOD_METRES)
        return whole * _DASH_METRES + min(rest, _DASH_METRES)

    return (total(z + deep / 2) - total(z - deep / 2)) / deep


def _along(field: Floats, row: float, columns: Floats) -> Floats:
    return np.asarray(field[int(row) % SIDE].take(columns.astype(np.int32) % SIDE))


def _smooth(field: Floats, rows: Floats, columns: Floats) -> Floats:
    """Interpolated values of a tileable field."""
    rows, columns = np.broadcast_arrays(rows, columns)
    row, column = np.floor(rows), np.floor(columns)
    down, right = rows - row, columns - column
    first, left = row.astype(np.int32) % SIDE, column.astype(np.int32) % SIDE
    second, beside = (first + 1) % SIDE, (left + 1) % SIDE
    upper = field[first, left] * (1 - right) + field[first, beside] * right
    lower = field[second, left] * (1 - right) + field[second, beside] * right
    return np.asarray(upper * (1 - down) + lower * down, dtype=_SINGLE)


def _mix(ground: Floats, over: Floats, share: Floats) -> Floats:
    return np.asarray(ground + (over - ground) * share[..., None], dtype=_SINGLE)
