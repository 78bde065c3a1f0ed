"""Distances on earth, and the two offset systems in which Chinese maps hand out coordinates."""

import math
from typing import Final

# Longitude and latitude in degrees.
Position = tuple[float, float]

_EARTH_M: Final = 6_371_000.0
# The ellipsoid that GCJ-02 is computed on (Krasovsky 1940).
_AXIS_M: Final = 6_378_245.0
_ECCENTRICITY: Final = 0.006693421622965943
_BD_PI: Final = math.pi * 3000 / 180


def metres_between(a: Position, b: Position) -> float:
    """Along the great circle."""
    (lon_a, lat_a), (lon_b, lat_b) = a, b
    phi_a, phi_b = math.radians(lat_a), math.radians(lat_b)
    half = (
        math.sin((phi_b - phi_a) / 2) ** 2
        + math.cos(phi_a) * math.cos(phi_b) * math.sin(math.radians(lon_b - lon_a) / 2) ** 2
    )
    return 2 * _EARTH_M * math.asin(min(1.0, math.sqrt(half)))


def between(a: Position, b: Position, share: float) -> Position:
    """On the straight line from `a` (share 0) to `b` (share 1); also beyond."""
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def wgs_to_gcj(position: Position) -> Position:
    """GCJ-02, as of Amap and Tencent maps: some hundred metres off WGS-84."""
    longitude, latitude = position
    x, y = longitude - 105.0, latitude - 35.0
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + _waves(x, x, 150, 300, 12, 30)
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x))
    north += _waves(x, y, 160, 320, 12, 30)
    phi = math.radians(latitude)
    flattening = 1 - _ECCENTRICITY * math.sin(phi) ** 2
    root = math.sqrt(flattening)
    return (
        longitude + math.degrees(east / (_AXIS_M / root * math.cos(phi))),
        latitude + math.degrees(north / (_AXIS_M * (1 - _ECCENTRICITY) / (flattening * root))),
    )


def _waves(short: float, long: float, first: float, second: float, near: float, far: float) -> float:
    total = (20 * math.sin(6 * short * math.pi) + 20 * math.sin(2 * short * math.pi)) * 2 / 3
    total += (20 * math.sin(long * math.pi) + 40 * math.sin(long / 3 * math.pi)) * 2 / 3
    return total + (first * math.sin(long / near * math.pi) + second * math.sin(long * math.pi / far)) * 2 / 3


def wgs_to_bd(position: Position) -> Position:
    """BD-09, as of Baidu maps: GCJ-02 moved once more."""
    x, y = wgs_to_gcj(position)
    radius = math.sqrt(x * x + y * y) + 0.00002 * math.sin(y * _BD_PI)
    angle = math.atan2(y, x) + 0.000003 * math.cos(x * _BD_PI)
    return radius * math.cos(angle) + 0.0065, radius * math.sin(angle) + 0.006
