"""What makes a place: gantries, toll stations, bridges, tunnels, service areas."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw

from gateway.scene.brush import Brush, Point
from gateway.scene.canvas import Floats
from gateway.scene.geometry import Mast
from gateway.scene.light import Colour, Light
from gateway.scene.plants import Plant, any_plant
from gateway.scene.text import Letterer

_GREEN: Colour = (0, 106, 70)
_STEEL: Colour = (182, 186, 188)
_CONCRETE: Colour = (172, 170, 164)
_WHITE: Colour = (240, 241, 240)
_DARKNESS: Colour = (16, 17, 20)
_PLACES = (
    ("溧水", "高淳"),
    ("南京", "宜兴"),
    ("句容", "溧阳"),
    ("白马", "东屏"),
    ("和凤", "洪蓝"),
    ("湖熟", "禄口"),
)


@dataclass(frozen=True)
class Foreground:
    """What hides the vehicles behind it: `cover` (0-1) of the whole panorama, at this distance."""

    z: float
    cover: Floats


@dataclass
class Builder:
    """The canvas with all that is needed to build on it, and the foregrounds built so far."""

    canvas: Floats
    mast: Mast
    light: Light
    rng: np.random.Generator
    letterer: Letterer
    road_name: str
    foregrounds: list[Foreground] = field(default_factory=list)
    farthest: float = 1e6

    @contextmanager
    def standing(self, z: float) -> Iterator[Brush]:
        """A brush whose strokes hide what drives farther away than z."""
        cover = np.zeros(self.canvas.shape[:2], np.float32)
        yield Brush(self.canvas, self.mast, self.light, cover)
        self.foregrounds.append(Foreground(z, cover))

    @property
    def brush(self) -> Brush:
        return Brush(self.canvas, self.mast, self.light)

    @property
    def edge(self) -> float:
        return self.mast.road.outer_edge


def sign_gantry(builder: Builder, z: float) -> None:
    """A portal over the carriageway that leads away, with two direction signs."""
    edge, road = builder.edge, builder.mast.road
    near, far = _PLACES[int(builder.rng.integers(len(_PLACES)))]
    kilometres = int(builder.rng.integers(1, 9))
    with builder.standing(z) as brush:
        for x in (0.0, edge + 1.2):
            brush.box((x - 0.22, 0, z), (x + 0.22, 8.4, z + 0.5), _STEEL)
        _truss(brush, -0.4, edge + 1.6, 7.0, 8.2, z)
        middle = road.inner_edge + (road.outer_line - road.inner_edge) / 2
        wide = min(5.6, (road.outer_line - road.inner_edge) / 2 + 1.2)
        _panel(
            builder, brush, (f"{near}  {far}", f"{builder.road_name}  ↑"), middle - wide / 2 - 0.3, z, wide
        )
        _panel(builder, brush, (f"{near}出口", f"{kilometres} km  ↗"), middle + wide / 2 + 0.3, z, wide)


def etc_gantry(builder: Builder, z: float) -> None:
    """A white frame over both carriageways with antennas and cameras."""
    edge = builder.edge
    with builder.standing(z) as brush:
        for x in (-edge - 1.2, 0.0, edge + 1.2):
            brush.box((x - 0.25, 0, z), (x + 0.25, 7.4, z + 1.6), _WHITE)
        for depth in (1.6, 0.0):
            _truss(brush, -edge - 1.5, edge + 1.5, 6.4, 7.5, z + depth, colour=_WHITE)
        road = builder.mast.road
        for lane in (*range(-road.lanes, 0), *range(road.lanes)):
            x = road.lane_centre(lane)
            brush.box((x - 0.55, 5.9, z), (x + 0.55, 6.4, z + 0.3), (206, 209, 212))
            brush.box((x + 0.9, 6.0, z), (x + 1.2, 6.35, z + 0.4), (70, 74, 80))
        _lettered(builder, brush, f"{builder.road_name} ETC", (0.0, 7.6, z), (5.2, 1.1), _GREEN)


def overpass(builder: Builder, z: float) -> None:
    """A country road on its bridge."""
    with builder.standing(z) as brush:
        edge = builder.edge
        for x in (-edge - 3, 0.0, edge + 3):
            brush.box((x - 0.6, 0, z), (x + 0.6, 6.2, z + 6), _CONCRETE)
        brush.box((-140, 6.0, z), (140, 7.5, z + 8), _CONCRETE)
        brush.box((-140, 7.5, z), (140, 8.3, z + 0.2), (196, 195, 190))
        for x in (-140.0, 140.0):
            brush.polygon([(x, 0, z), (x * 0.72, 0, z), (x * 0.86, 6.6, z), (x, 6.6, z)], (92, 118, 62))


def toll_plaza(builder: Builder, z: float, name: str) -> None:
    """Islands with booths under a wide roof."""
    road, edge = builder.mast.road, builder.edge
    half = edge + 3.5
    with builder.standing(z) as brush:
        borders = [road.inner_edge + 3.75 * lane for lane in range(road.lanes + 1)]
        for x in sorted({-x for x in borders} | set(borders) | {0.0}, key=lambda x: -abs(x)):
            brush.box((x - 0.45, 0, z - 6), (x + 0.45, 0.3, z + 14), (224, 190, 60))
            if abs(x) < road.outer_line:
                brush.box(
                    (x - 0.5, 0.3, z + 2),
                    (x + 0.5, 2.7, z + 5),
                    (86, 122, 140),
                    shine=0.35 * builder.light.lamps,
                )
            brush.box((x - 0.16, 0.3, z), (x + 0.16, 6.2, z + 0.4), _WHITE)
        brush.box((-half, 6.2, z - 3), (half, 7.0, z + 13), (60, 66, 72), shine=0.2 * builder.light.lamps)
        brush.box((-half, 6.9, z - 3.2), (half, 8.3, z - 3), (176, 36, 34), shine=0.3 * builder.light.lamps)
        _lettered(
            builder,
            brush,
            name,
            (0.0, 7.05, z - 3.3),
            (min(len(name) * 1.9, half * 1.6), 1.15),
            (176, 36, 34),
        )
        for lane in (*range(-road.lanes, 0), *range(road.lanes)):
            x = road.lane_centre(lane)
            colour = (40, 220, 90) if lane % 2 else (240, 60, 50)
            _lamp_cross(brush, (x, 5.5, z - 3.3), colour)


def service_area(builder: Builder, z: float, name: str) -> None:
    """Buildings, a filling station and parked cars to the right of the road."""
    brush, edge, shine = builder.brush, builder.edge, 0.55 * builder.light.lamps
    left = edge + 16
    brush.polygon(
        [(edge + 8, 0, 24), (left + 90, 0, 24), (left + 120, 0, 150), (edge + 8, 0, 150)], (122, 124, 126)
    )
    brush.box((left + 4, 0, 118), (left + 64, 8.5, 136), (206, 198, 184))
    brush.box((left + 2, 8.5, 116), (left + 66, 9.6, 137), (150, 70, 52))
    for column in range(12):
        x = left + 7 + column * 4.7
        for low in (1.0, 4.6):
            window = [
                (x, low, 117.9),
                (x + 3.3, low, 117.9),
                (x + 3.3, low + 2.4, 117.9),
                (x, low + 2.4, 117.9),
            ]
            brush.polygon(window, (96, 124, 142) if shine < 0.3 else (255, 222, 160), shine=shine)
    _lettered(
        builder, brush, name, (left + 34, 9.7, 117.5), (len(name) * 3.4, 3.0), (176, 36, 34), see_through=True
    )
    brush.box((left + 8, 4.8, 70), (left + 34, 6.0, 84), (224, 60, 44), shine=shine * 0.5)
    for x in (left + 12, left + 30):
        brush.box((x - 0.3, 0, 76), (x + 0.3, 4.8, 76.6), _WHITE)
        brush.box((x - 0.8, 0, 74), (x + 0.8, 1.7, 75), (214, 216, 216))
    for row, z_row in enumerate((102.0, 58.0, 44.0)):
        for place in range(11):
            if builder.rng.random() < 0.62:
                _parked(brush, left + 4 + place * 4.2 + row, z_row, builder.rng)
    with builder.standing(52.0) as front:
        x = edge + 5.0
        front.box((x - 0.2, 0, 52), (x + 0.2, 9.5, 52.4), _STEEL)
        _lettered(builder, front, "P 服务区", (x, 6.3, 51.9), (4.4, 2.9), (20, 84, 168))


def cable_bridge(builder: Builder) -> None:
    """Pylons and cables of a cable-stayed bridge, with its parapets."""
    edge, shine = builder.edge + 0.9, 0.25 * builder.light.lamps
    for z in (430.0, 150.0):
        with builder.standing(z) as brush:
            _stays(brush, edge, z)
            for side in (-1, 1):
                x = side * (edge + 1.0)
                lean = side * 2.5
                shaft = [(x - 1.4, -6, z), (x + 1.4, -6, z), (x - lean + 1.0, 64, z), (x - lean - 1.0, 64, z)]
                brush.polygon(shaft, (196, 197, 196), shine=shine)
                flank = [(x + 1.4, -6, z), (x + 2.2, -6, z), (x - lean + 1.6, 64, z), (x - lean + 1.0, 64, z)]
                brush.polygon(flank, (150, 152, 152), shine=shine)
            for y in (15.0, 44.0):
                brush.box((-edge + 0.5, y, z), (edge - 0.5, y + 2.4, z + 1), (186, 188, 188), shine=shine)
    brush = builder.brush
    for side in (-1, 1):
        x = side * (edge + 0.1)
        stations = [12.0, 16, 22, 30, 42, 60, 90, 140, 220, 400, 800]
        low: list[Point] = [(x, 0, z) for z in stations]
        top: list[Point] = [(x, 1.0, z) for z in stations]
        brush.strip(low, top, (178, 178, 174))


def tunnel(builder: Builder, z: float, name: str) -> None:
    """A wooded hill with a portal for each carriageway; vehicles fade into the dark."""
    road = builder.mast.road
    middle = (road.inner_edge + road.outer_edge) / 2 - 0.4
    half = (road.outer_edge - road.inner_edge) / 2 + 1.6
    with builder.standing(z) as brush:
        _hill(builder, brush, z)
        _portal_wall(brush, builder.edge, z)
        at = (0.0, 9.6, z - 0.2)
        _lettered(builder, brush, name, at, (len(name) * 2.3, 1.7), (150, 34, 30), see_through=True)
    wall = builder.foregrounds[-1].cover
    brush = builder.brush
    for side in (-1, 1):
        brush.polygon(_arch(side * middle, half + 0.5, z), (120, 117, 110))
        brush.polygon(_arch(side * middle, half, z), _DARKNESS)
        for at_z in range(1, 6):
            _tunnel_lamp(brush, side * middle, half, z + at_z * 9, 0.9 - at_z * 0.12)
    arches = [_arch(side * middle, half, z) for side in (-1, 1)]
    wall *= 1 - _covered(brush, arches, 1.0)
    for depth, share in ((7.0, 0.42), (15.0, 0.55), (26.0, 1.0)):
        builder.foregrounds.append(Foreground(z + depth, _covered(brush, arches, share)))
    builder.farthest = z + 30
    if builder.light.lamps > 0.5:
        for side in (-1, 1):
            brush.glow((side * middle, 4.5, z), 9, (255, 206, 130), 0.25)


def _portal_wall(brush: Brush, edge: float, z: float) -> None:
    low, top = edge + 9, edge + 5
    brush.polygon([(-low, 0, z), (low, 0, z), (top, 11.5, z), (-top, 11.5, z)], (186, 182, 172))
    brush.polygon([(-top, 11.5, z), (top, 11.5, z), (top, 12.4, z), (-top, 12.4, z)], (150, 146, 138))


def _hill(builder: Builder, brush: Brush, z: float) -> None:
    rng = builder.rng
    xs = np.linspace(-150, 150, 41)
    tops = 34 * np.exp(-((xs / 75) ** 2)) + 9 + 3 * np.cumsum(rng.normal(0, 0.5, 41)) / 3
    outline: list[Point] = [(float(x), float(max(y, 5)), z + 30) for x, y in zip(xs, tops, strict=True)]
    brush.polygon([(-150, -1, z + 30), *outline, (150, -1, z + 30)], (74, 100, 58))
    for _ in range(330):
        x, share = float(rng.uniform(-145, 145)), float(rng.uniform(0.12, 1.0)) ** 0.8
        y = float(np.interp(x, xs, tops)) * share - 2
        brush.cut_out(
            any_plant(rng, Plant.BUSH, Plant.ROUND), x, z + 8 + 20 * share, rng.uniform(5, 8.5), y=y
        )
    for x in np.linspace(builder.edge + 11, 150, 45):
        for side in (-1, 1):
            brush.cut_out(any_plant(rng, Plant.BUSH), side * float(x), z + 4, rng.uniform(2.5, 5.5))


def _arch(x: float, half: float, z: float) -> list[Point]:
    turns = np.linspace(0, np.pi, 17)
    return [(x + half * float(np.cos(a)), 3.2 + 4.3 * float(np.sin(a)), z) for a in turns] + [
        (x - half, 0, z),
        (x + half, 0, z),
    ]


def _tunnel_lamp(brush: Brush, x: float, half: float, z: float, shine: float) -> None:
    for side in (-1, 1):
        at = x + side * half * 0.62
        lamp = [(at - 0.5, 5.7, z), (at + 0.5, 5.7, z), (at + 0.5, 5.95, z), (at - 0.5, 5.95, z)]
        brush.polygon(lamp, (255, 214, 150), shine=max(shine, 0.2))


def _covered(brush: Brush, shapes: Sequence[Sequence[Point]], share: float) -> Floats:
    height, width = brush.canvas.shape[:2]
    image = Image.new("L", (width, height), 0)
    for corners in shapes:
        ImageDraw.Draw(image).polygon([brush.place(point) for point in corners], fill=int(255 * share))
    return np.asarray(image, dtype=np.float32) / 255


def _stays(brush: Brush, edge: float, z: float) -> None:
    for side in (-1, 1):
        for at in range(1, 11):
            for way in (-1, 1):
                foot_z = z + way * at * 12.5
                if foot_z < 10:
                    continue
                top: Point = (side * (edge - 1.4), 36 + at * 2.6, z)
                foot: Point = (side * (edge + 0.3), 1.0, foot_z)
                (u0, v0), (u1, v1) = brush.place(top), brush.place(foot)
                thick = max(0.5, 60 / z)
                line = [(u0 - thick, v0), (u0 + thick, v0), (u1 + thick, v1), (u1 - thick, v1)]
                brush.flat(line, brush.seen((214, 214, 210), z), 0.75)


def _truss(
    brush: Brush, left: float, right: float, low: float, high: float, z: float, colour: Colour = _STEEL
) -> None:
    thick = 0.14
    for y in (low, high):
        brush.polygon(
            [(left, y - thick, z), (right, y - thick, z), (right, y + thick, z), (left, y + thick, z)], colour
        )
    count = max(2, round((right - left) / 1.5))
    step = (right - left) / count
    for index in range(count):
        x0, x1 = left + index * step, left + (index + 1) * step
        y0, y1 = (low, high) if index % 2 else (high, low)
        brush.polygon([(x0, y0, z), (x0 + 0.16, y0, z), (x1 + 0.16, y1, z), (x1, y1, z)], colour)


def _panel(builder: Builder, brush: Brush, lines: Sequence[str], x: float, z: float, wide: float) -> None:
    """A green direction sign of two lines; retroreflective, so bright by night too."""
    high = wide * 0.52
    picture = Image.new("RGBA", (420, 218), (*_whole(_GREEN), 255))
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((7, 7, 412, 210), 16, outline=(240, 242, 240, 255), width=6)
    font = builder.letterer.font(74)
    for row, text in enumerate(lines):
        draw.text(
            (210, 66 + row * 90),
            builder.letterer.readable(text),
            fill=(246, 248, 246, 255),
            font=font,
            anchor="mm",
        )
    _mount(builder, brush, picture, (x, 6.2, z - 0.1), high)


def _lettered(
    builder: Builder,
    brush: Brush,
    text: str,
    foot: Point,
    size: tuple[float, float],
    colour: Colour,
    *,
    see_through: bool = False,
) -> None:
    """White letters on a board, or coloured ones without."""
    wide, high = size
    rows = 120
    columns = max(round(rows * wide / high), 8)
    ground = (*_whole(colour), 0 if see_through else 255)
    ink = (*_whole(colour), 255) if see_through else (250, 250, 246, 255)
    picture = Image.new("RGBA", (columns, rows), ground)
    words = builder.letterer.readable(text)
    font = builder.letterer.font(92)
    too_wide = font.getlength(words) / (columns - 16)
    if too_wide > 1:
        font = builder.letterer.font(int(92 / too_wide))
    draw = ImageDraw.Draw(picture)
    draw.text((columns / 2, rows / 2), words, fill=ink, font=font, anchor="mm", stroke_width=2)
    _mount(builder, brush, picture, foot, high)


def _mount(builder: Builder, brush: Brush, picture: Image.Image, foot: Point, high: float) -> None:
    x, y, z = foot
    # Lit by lamps or headlights.
    brush.cut_out(picture.convert("RGBa"), x, z, high, y=y, shine=0.5 * builder.light.lamps)


def _lamp_cross(brush: Brush, at: Point, colour: Colour) -> None:
    x, y, z = at
    brush.polygon(
        [(x - 0.4, y, z), (x + 0.4, y, z), (x + 0.4, y + 0.6, z), (x - 0.4, y + 0.6, z)], (28, 30, 32)
    )
    inner = [
        (x - 0.25, y + 0.12, z),
        (x + 0.25, y + 0.12, z),
        (x + 0.25, y + 0.48, z),
        (x - 0.25, y + 0.48, z),
    ]
    brush.polygon(inner, colour, shine=0.9)


def _parked(brush: Brush, x: float, z: float, rng: np.random.Generator) -> None:
    tones: tuple[Colour, ...] = ((226, 228, 228), (52, 54, 58), (150, 36, 34), (62, 92, 142), (168, 170, 172))
    colour = tones[int(rng.integers(len(tones)))]
    brush.box((x - 0.9, 0.25, z), (x + 0.9, 0.95, z + 4.4), colour)
    brush.box((x - 0.75, 0.95, z + 1.0), (x + 0.75, 1.45, z + 3.4), (44, 54, 64))


def _whole(colour: Colour) -> tuple[int, int, int]:
    return int(colour[0]), int(colour[1]), int(colour[2])
