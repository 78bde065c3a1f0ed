"""The shapes of vehicles: flat faces in metres, measured from the front bumper."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.scene.light import Colour

Corner = tuple[float, float, float]
"""Right of the middle, above the road, behind the front bumper."""

_GLASS: Colour = (38, 48, 58)
_DARK: Colour = (30, 31, 33)
_TYRE: Colour = (24, 24, 25)
_PLATE: Colour = (40, 78, 168)


class Lamp(enum.Enum):
    NONE = 0
    FRONT = 1
    REAR = 2


@dataclass(frozen=True)
class Face:
    corners: tuple[Corner, ...]
    colour: Colour
    lamp: Lamp = Lamp.NONE


@dataclass(frozen=True)
class Part:
    """Faces that hide each other only in the order they are given in."""

    middle: float  # metres behind the front bumper
    faces: tuple[Face, ...]


@dataclass(frozen=True)
class Vehicle:
    length: float
    width: float
    height: float
    parts: tuple[Part, ...]


Outline = Sequence[tuple[float, float, float]]
"""Corners of a side view: behind the bumper, above the road, half the width there."""


def _hull(outline: Outline, colours: Sequence[Colour | None], side: Colour) -> list[Face]:
    """A side view drawn out to both sides; `colours[i]` is the face from corner i to the next, None is open."""
    faces = []
    for index, colour in enumerate(colours):
        if colour is None:
            continue
        s0, y0, w0 = outline[index]
        s1, y1, w1 = outline[(index + 1) % len(outline)]
        faces.append(Face(((-w0, y0, s0), (w0, y0, s0), (w1, y1, s1), (-w1, y1, s1)), colour))
    faces.append(Face(tuple((w, y, s) for s, y, w in reversed(outline)), side))
    faces.append(Face(tuple((-w, y, s) for s, y, w in outline), side))
    return faces


def _block(front: float, back: float, low: float, high: float, half: float, colour: Colour) -> list[Face]:
    outline = [(front, low, half), (front, high, half), (back, high, half), (back, low, half)]
    return _hull(outline, [colour, colour, colour, None], colour)


def _across(
    s: float, low: float, high: float, left: float, right: float, colour: Colour, lamp: Lamp = Lamp.NONE
) -> Face:
    """An upright patch on the front (lamp FRONT or s = 0) or the back."""
    corners = ((left, low, s), (right, low, s), (right, high, s), (left, high, s))
    return Face(corners if s <= 0 else corners[::-1], colour, lamp)


def _pair(
    s: float, low: float, high: float, inner: float, outer: float, colour: Colour, lamp: Lamp
) -> list[Face]:
    return [
        _across(s, low, high, inner, outer, colour, lamp),
        _across(s, low, high, -outer, -inner, colour, lamp),
    ]


def _lamps(length: float | None, y: float, inner: float, outer: float, high: float = 0.16) -> list[Face]:
    """Headlamps, and rear lamps for a vehicle of this length."""
    front = _pair(-0.02, y - 0.02, y + high - 0.02, inner, outer, (236, 238, 240), Lamp.FRONT)
    if length is None:
        return front
    return front + _pair(length + 0.02, y + 0.08, y + high + 0.1, inner, outer, (176, 26, 24), Lamp.REAR)


def _wheels(axles: Sequence[float], half: float, radius: float) -> list[Face]:
    faces = []
    for s in axles:
        tread = (half - 0.24, half)
        for left, right in (tread, (-tread[1], -tread[0])):
            low = (
                (left, 0, s - radius),
                (right, 0, s - radius),
                (right, radius, s - radius),
                (left, radius, s - radius),
            )
            faces.append(Face(low, _TYRE))
            faces.append(Face(tuple((x, y, s + radius) for x, y, _ in reversed(low)), _TYRE))
        ring = [(0, 1), (-0.71, 0.71), (-1, 0), (-0.71, -0.71), (0, -1), (0.71, -0.71), (1, 0), (0.71, 0.71)]
        right_side = tuple((half + 0.01, radius * (1 + v), s + radius * h) for h, v in ring)
        faces.append(Face(right_side, _TYRE))
        faces.append(Face(tuple((-x, y, z) for x, y, z in reversed(right_side)), _TYRE))
    return faces


def _windows(
    front: float, back: float, low: float, high: float, half: float, colour: Colour = _GLASS
) -> list[Face]:
    """A band on both flanks."""
    right = ((half, low, front), (half, low, back), (half, high, back), (half, high, front))
    return [Face(right, colour), Face(tuple((-x, y, s) for x, y, s in reversed(right)), colour)]


def car(body: Colour, *, tall: bool = False) -> Vehicle:
    """A saloon, or a taller off-roader."""
    length, up = (4.75, 0.26) if tall else (4.65, 0.0)
    belt, roof = 0.95 + up, 1.46 + up
    boot, rear, top = (4.6, 4.55, 4.1) if tall else (4.2, 4.0, 3.35)
    lower = [
        (0.0, 0.30, 0.80),
        (0.0, 0.66 + up, 0.84),
        (0.25, 0.80 + up, 0.87),
        (1.3, belt, 0.88),
        (boot, belt, 0.88),
        (length, 0.86 + up, 0.85),
        (length, 0.34, 0.82),
    ]
    cabin = [(1.15, belt, 0.80), (1.95, roof, 0.64), (top, roof + 0.02, 0.64), (rear, belt, 0.78)]
    faces = (
        *_wheels((0.85, length - 0.95), 0.86, 0.33),
        *_hull(lower, [body, body, body, body, body, body, _DARK], body),
        *_hull(cabin, [_GLASS, body, _GLASS, None], _GLASS),
        _across(-0.01, 0.32, 0.46, -0.6, 0.6, _DARK),
        _across(length + 0.01, 0.34, 0.44, -0.7, 0.7, _DARK),
        _across(length + 0.01, 0.52, 0.66, -0.24, 0.24, _PLATE),
        _across(-0.01, 0.48, 0.60, -0.24, 0.24, _PLATE),
        *_lamps(length, 0.62 + up, 0.52, 0.80),
    )
    return Vehicle(length, 1.82, roof, (Part(length / 2, faces),))


def van(body: Colour) -> Vehicle:
    """A minibus or a parcel van."""
    outline = [
        (0.0, 0.35, 0.88),
        (0.0, 0.95, 0.92),
        (0.35, 1.12, 0.92),
        (1.0, 1.95, 0.84),
        (5.1, 2.05, 0.84),
        (5.2, 0.35, 0.9),
    ]
    faces = (
        *_wheels((0.95, 4.1), 0.92, 0.35),
        *_hull(outline, [body, body, _GLASS, body, body, _DARK], body),
        _across(5.21, 1.25, 1.85, -0.68, 0.68, _GLASS),
        _across(5.21, 0.7, 0.84, -0.24, 0.24, _PLATE),
        *_windows(1.2, 4.6, 1.25, 1.78, 0.93),
        *_lamps(5.2, 0.78, 0.6, 0.86),
    )
    return Vehicle(5.2, 1.9, 2.05, (Part(2.6, faces),))


def coach(body: Colour, stripe: Colour) -> Vehicle:
    length, half, roof = 11.4, 1.25, 3.3
    faces = (
        *_wheels((2.3, 8.6), half, 0.5),
        *_block(0, length, 0.38, roof, half, body),
        *_block(4.2, 7.0, roof, roof + 0.22, 0.8, (188, 190, 192)),
        *_windows(0.7, length - 0.6, 1.55, 2.75, half * 1.002),
        *_windows(0.1, length - 0.1, 0.75, 1.15, half * 1.002, stripe),
        _across(-0.01, 1.25, 2.95, -1.12, 1.12, _GLASS),
        _across(length + 0.01, 1.85, 2.85, -1.0, 1.0, _GLASS),
        _across(length + 0.01, 0.75, 1.2, -1.25, 1.25, stripe),
        _across(length + 0.012, 1.25, 1.7, -0.7, 0.7, _shade(stripe, 0.8)),
        *_lamps(length, 0.72, 0.85, 1.15, 0.2),
    )
    return Vehicle(length, 2.5, roof + 0.22, (Part(length / 2, faces),))


def lorry(cab: Colour, box: Colour) -> Vehicle:
    length, half, roof = 9.2, 1.23, 3.7
    front = (
        *_wheels((1.3,), 1.16, 0.5),
        *_block(0, 2.0, 0.5, 2.75, 1.16, cab),
        _across(-0.01, 1.55, 2.5, -1.02, 1.02, _GLASS),
        _across(-0.01, 0.62, 1.1, -0.7, 0.7, _DARK),
        *_windows(0.35, 1.4, 1.6, 2.4, 1.165),
        *_lamps(None, 0.72, 0.75, 1.08, 0.2),
    )
    back = (
        *_wheels((6.9,), half - 0.05, 0.5),
        *_block(2.25, length, 1.05, roof, half, box),
        *_tail(length, 1.05, roof, half),
    )
    return _articulated(length, roof, front, back)


def trailer(cab: Colour, box: Colour) -> Vehicle:
    length, half, roof = 15.2, 1.24, 3.95
    front = (
        *_wheels((1.4, 4.4), 1.2, 0.52),
        *_block(2.4, 5.6, 0.7, 1.2, 0.5, _DARK),
        *_block(0, 2.3, 0.55, 3.3, 1.2, cab),
        _across(-0.01, 1.75, 2.75, -1.05, 1.05, _GLASS),
        _across(-0.01, 0.7, 1.4, -0.75, 0.75, _DARK),
        *_windows(0.4, 1.6, 1.8, 2.6, 1.205),
        *_lamps(None, 0.8, 0.78, 1.12, 0.2),
    )
    rib = _shade(box, 0.86)
    ribs = [
        face
        for at in range(1, 10)
        for face in _windows(2.9 + at * 1.22, 2.98 + at * 1.22, 1.4, roof - 0.12, half * 1.002, rib)
    ]
    back = (
        *_wheels((11.2, 12.5, 13.8), half - 0.04, 0.52),
        *_block(2.9, length, 1.25, roof, half, box),
        *ribs,
        *_tail(length, 1.25, roof, half),
    )
    return _articulated(length, roof, front, back)


def tanker(cab: Colour) -> Vehicle:
    length = 13.0
    front = (
        *_wheels((1.4, 4.4), 1.2, 0.52),
        *_block(0, 2.3, 0.55, 2.95, 1.2, cab),
        _across(-0.01, 1.7, 2.6, -1.05, 1.05, _GLASS),
        *_lamps(None, 0.75, 0.75, 1.1, 0.2),
    )
    shell = (206, 210, 213)
    bow = ((1.22, 1.5), (1.22, 2.3), (0.95, 2.8), (0.45, 3.02), (0.0, 3.08))
    drum = []
    for (x0, y0), (x1, y1) in zip(bow, bow[1:], strict=False):
        right = ((x0, y0, 3.1), (x0, y0, length), (x1, y1, length), (x1, y1, 3.1))
        drum += [Face(right, shell), Face(tuple((-x, y, s) for x, y, s in reversed(right)), shell)]
    end = [(x, y, length) for x, y in bow] + [(-x, y, length) for x, y in reversed(bow[:-1])]
    back = (
        *_wheels((10.0, 11.3), 1.18, 0.52),
        *_block(3.1, length, 1.1, 1.5, 1.1, _DARK),
        *drum,
        Face(tuple(reversed(end)), shell),
        _across(length + 0.02, 1.75, 2.15, -0.7, 0.7, (224, 126, 30)),
        *_pair(length + 0.02, 0.95, 1.2, 0.7, 1.05, (176, 26, 24), Lamp.REAR),
    )
    return _articulated(length, 3.1, front, back)


def _articulated(length: float, height: float, front: Sequence[Face], back: Sequence[Face]) -> Vehicle:
    return Vehicle(length, 2.48, height, (Part(1.0, tuple(front)), Part(length * 0.6, tuple(back))))


def _tail(length: float, low: float, high: float, half: float) -> list[Face]:
    """Door seam, bumper, lamps, and the red and white marks that lorries carry."""
    return [
        _across(length + 0.01, low + 0.05, high - 0.05, -0.03, 0.03, (60, 62, 64)),
        _across(length + 0.01, low + 0.05, high - 0.05, half - 0.1, half - 0.04, (90, 92, 94)),
        _across(length + 0.01, low + 0.05, high - 0.05, -half + 0.04, -half + 0.1, (90, 92, 94)),
        *_pair(length + 0.015, low + 0.06, low + 0.2, 0.1, half - 0.1, (206, 70, 58), Lamp.NONE),
        _across(length, 0.5, 0.72, -half + 0.1, half - 0.1, _DARK),
        *_pair(length + 0.02, low - 0.3, low - 0.08, half - 0.45, half - 0.08, (176, 26, 24), Lamp.REAR),
    ]


def _shade(colour: Colour, factor: float) -> Colour:
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


# Each kind costs memory and time, as every kind is drawn in every size: no more than make a crowd.
CARS: tuple[Vehicle, ...] = (
    car((232, 234, 236)),
    car((38, 40, 44)),
    car((164, 168, 172)),
    car((150, 30, 32)),
    car((40, 66, 122)),
    car((228, 230, 230), tall=True),
    car((58, 58, 60), tall=True),
    van((226, 228, 228)),
)
HEAVY: tuple[Vehicle, ...] = (
    coach((232, 234, 234), (30, 110, 176)),
    lorry((44, 92, 170), (208, 210, 208)),
    trailer((176, 38, 36), (178, 92, 52)),
    trailer((226, 228, 228), (52, 96, 140)),
    tanker((226, 228, 228)),
)
VEHICLES: tuple[Vehicle, ...] = (*CARS, *HEAVY)
# All that carry goods: the first of the heavy ones is a coach.
LORRIES = range(len(CARS) + 1, len(VEHICLES))

# From afar only the colour of a car is told apart.
FAR_MODELS: tuple[int, ...] = (0, 1, 2, 3, 4, 0, 1, 0, *range(len(CARS), len(VEHICLES)))
