"""What stands along every motorway: rails, hedges, trees, posts."""

from collections.abc import Iterator

import numpy as np

from gateway.scene.brush import Brush, Point
from gateway.scene.plants import Plant, any_plant

_STEEL = (176, 180, 182)
_STEEL_DARK = (112, 116, 120)
_FAR_METRES = 900.0


def distances(first: float, last: float, step: float, growth: float) -> Iterator[float]:
    """Distances that lie farther apart the farther they are, as far as the eye can tell them apart."""
    at = first
    while at < last:
        yield at
        at += step + at * growth


def plant_trees(rng: np.random.Generator, brush: Brush, nearest: float) -> None:
    """Rows behind the ditch on both sides, woods and single trees in the fields; the far ones first."""
    edge = brush.mast.road.outer_edge
    trees: list[tuple[float, float, float, Plant]] = []
    for side in (-1, 1):
        kind = [Plant.POPLAR, Plant.ROUND, Plant.PINE][int(rng.integers(3))]
        dense = rng.uniform(0.45, 0.95)
        for z in distances(nearest, 700, 8, 0.022):
            if rng.random() < dense:
                x = side * (edge + rng.uniform(7, 11))
                trees.append((z + rng.uniform(-3, 3), x, rng.uniform(5.5, 9.5), kind))
        for _ in range(46):
            z = float(np.exp(rng.uniform(np.log(90), np.log(1500))))
            trees.append(
                (
                    z,
                    side * (edge + rng.uniform(22, 60) + z * rng.uniform(0, 0.7)),
                    rng.uniform(6, 12),
                    Plant.ROUND,
                )
            )
    for z, x, height, kind in sorted(trees, key=lambda tree: -tree[0]):
        if z > nearest:
            brush.cut_out(any_plant(rng, kind), x, z, height)


def raise_hedge(rng: np.random.Generator, brush: Brush, nearest: float, farthest: float) -> None:
    """Bushes between the carriageways, against dazzling."""
    for z in reversed(list(distances(nearest, min(500, farthest), 1.6, 0.012))):
        brush.cut_out(any_plant(rng, Plant.BUSH), rng.uniform(-0.15, 0.15), z, rng.uniform(1.25, 1.6))


def rail(brush: Brush, x: float, nearest: float, farthest: float = _FAR_METRES) -> None:
    """A W-beam on posts every 4 m."""
    for z in reversed(list(distances(nearest, min(150, farthest), 4, 0.0))):
        brush.polygon(
            [(x - 0.06, 0, z), (x + 0.06, 0, z), (x + 0.06, 0.72, z), (x - 0.06, 0.72, z)], _STEEL_DARK
        )
    stations = list(distances(nearest, farthest, 4, 0.1))
    for low, high, colour in ((0.45, 0.55, _STEEL_DARK), (0.55, 0.66, _STEEL), (0.66, 0.76, (206, 209, 210))):
        brush.strip(_line(x, low, stations), _line(x, high, stations), colour)


def raise_posts(brush: Brush, nearest: float, farthest: float) -> None:
    """Delineators with their reflectors, every 24 m."""
    edge = brush.mast.road.outer_edge + 0.55
    for z in reversed(list(distances(nearest + 3, min(500, farthest), 24, 0.0))):
        for x in (-edge, edge):
            corners = [(x - 0.07, 0, z), (x + 0.07, 0, z), (x + 0.07, 1.0, z), (x - 0.07, 1.0, z)]
            brush.polygon(corners, (232, 232, 228))
            light = [(x - 0.07, 0.7, z), (x + 0.07, 0.7, z), (x + 0.07, 0.88, z), (x - 0.07, 0.88, z)]
            brush.polygon(light, (214, 120, 40), shine=0.5)


def raise_lamps(brush: Brush, nearest: float, *, spacing: float = 35.0) -> None:
    """Street lamps on the outer edges, with their light by night."""
    edge = brush.mast.road.outer_edge + 1.0
    shine = brush.light.lamps
    for z in reversed(list(distances(nearest + 8, 420, spacing, 0.0))):
        for side in (-1, 1):
            x = side * edge
            mast = [(x - 0.09, 0, z), (x + 0.09, 0, z), (x + 0.06, 10.5, z), (x - 0.06, 10.5, z)]
            brush.polygon(mast, _STEEL)
            arm = x - side * 2.4
            brush.polygon([(x, 10.45, z), (x, 10.6, z), (arm, 10.95, z), (arm, 10.82, z)], _STEEL)
            head = [
                (arm - 0.5, 10.75, z),
                (arm + 0.5, 10.75, z),
                (arm + 0.5, 10.92, z),
                (arm - 0.5, 10.92, z),
            ]
            brush.polygon(head, (255, 236, 190), shine=shine)
            if shine > 0.3:
                brush.glow((arm, 10.8, z), 2.2, (255, 214, 150), 0.55 * shine)


def _line(x: float, y: float, stations: list[float]) -> list[Point]:
    return [(x, y, z) for z in stations]
