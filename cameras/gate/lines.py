"""Stake numbers against coordinates, along one road of one company.

Two cameras are never further apart on earth than along the road, and hardly ever much nearer. Each is compared with
its nearest neighbours by stake; of those that do not fit together the one is named that disagrees with most.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from cameras.gate.coordinates import Position, between, metres_between, wgs_to_bd, wgs_to_gcj
from cameras.gate.findings import Finding, Kind, Point

_NEIGHBOURS: Final = 4
_NEAR_M: Final = 30_000
# Stakes are taken at the road's axis, cameras stand at ramps and plazas; roads are measured anew piece by piece.
_FURTHER, _FURTHER_M = 1.15, 600
# The sharpest mountain roads wind more than twice.
_NEARER, _NEARER_M = 0.4, 1500
_FAR_M: Final = 5000
# Between two that are further apart the road is no straight line.
_STRAIGHT_M: Final = 8000
_OFFSET_M: Final = 250
_MATCH_M, _MATCH_SHARE = 150, 0.35
_SYSTEMS: Final = (("GCJ-02（高德、腾讯地图）", wgs_to_gcj), ("BD-09（百度地图）", wgs_to_bd))

# For each point those that it does not fit together with, and with how many it was compared.
_Clashes = dict[int, set[int]]


def line_findings(points: Sequence[Point]) -> Iterator[tuple[Point, Finding]]:
    """`points` are those of one road."""
    line = sorted(points, key=lambda point: point.stake_m)
    clashes, compared = _compared(line)
    odd = _odd_ones(clashes, compared)
    _acquit(line, odd)
    for index, point in enumerate(line):
        expected = _expected(line, index, odd)
        finding = _offset(point, expected) or (_odd(line, index, odd[index], expected) if index in odd else None)
        if finding is not None:
            yield point, finding


def _compared(line: Sequence[Point]) -> tuple[_Clashes, list[int]]:
    clashes: _Clashes = defaultdict(set)
    compared = [0] * len(line)
    for index, point in enumerate(line):
        for other in range(index + 1, min(index + 1 + _NEIGHBOURS, len(line))):
            along = line[other].stake_m - point.stake_m
            if along > _NEAR_M:
                break
            compared[index] += 1
            compared[other] += 1
            apart = metres_between(point.position, line[other].position)
            if apart > along * _FURTHER + _FURTHER_M or apart < along * _NEARER - _NEARER_M:
                clashes[index].add(other)
                clashes[other].add(index)
    return clashes, compared


def _odd_ones(clashes: _Clashes, compared: Sequence[int]) -> dict[int, int]:
    """Who has to be left out so that the others fit together, with one of those it clashed with."""
    odd: dict[int, int] = {}
    queue = [_rank(index, clashes, compared) for index in clashes]
    heapq.heapify(queue)
    while queue:
        rank = heapq.heappop(queue)
        index = rank[-1]
        others = clashes[index]
        if not others or index in odd:
            continue
        if rank != _rank(index, clashes, compared):
            heapq.heappush(queue, _rank(index, clashes, compared))
            continue
        odd[index] = min(others, key=lambda other: abs(other - index))
        for other in others:
            clashes[other].discard(index)
            if len(others) == len(clashes[other]) + 1 == 1 and compared[other] == compared[index]:
                # Only these two, and nothing tells which is wrong.
                odd[other] = index
        clashes[index] = set()
    return odd


def _acquit(line: Sequence[Point], odd: dict[int, int]) -> None:
    """Of two that clash only with each other, the one that is where the others would have it is left alone."""
    for index, other in [pair for pair in odd.items() if odd.get(pair[1]) == pair[0]]:
        offs = [_off(line, each, odd) for each in (index, other)]
        if offs[0] is not None and offs[1] is not None and 2 * offs[0] < offs[1]:
            del odd[index]


def _off(line: Sequence[Point], index: int, odd: dict[int, int]) -> float | None:
    expected = _expected(line, index, odd)
    return metres_between(line[index].position, expected) if expected else None


def _rank(index: int, clashes: _Clashes, compared: Sequence[int]) -> tuple[int, float, int]:
    count = len(clashes[index])
    return -count, -count / max(1, compared[index]), index


def _expected(line: Sequence[Point], index: int, odd: dict[int, int]) -> Position | None:
    """Where it should be, between the nearest on both sides that fit."""
    stake_m = line[index].stake_m
    before = next(_fitting(line, range(index - 1, -1, -1), odd, stake_m), None)
    after = next(_fitting(line, range(index + 1, len(line)), odd, stake_m), None)
    if before is None or after is None:
        return None
    length = after.stake_m - before.stake_m
    if not 0 < length <= _STRAIGHT_M:
        return None
    return between(before.position, after.position, (stake_m - before.stake_m) / length)


def _fitting(line: Sequence[Point], indexes: range, odd: dict[int, int], stake_m: int) -> Iterator[Point]:
    for index in indexes:
        if abs(line[index].stake_m - stake_m) > _STRAIGHT_M:
            return
        # Two cameras at one mast say nothing about each other's place on the road.
        if index not in odd and line[index].stake_m != stake_m:
            yield line[index]


def _offset(point: Point, expected: Position | None) -> Finding | None:
    if expected is None:
        return None
    off = metres_between(point.position, expected)
    if not _OFFSET_M <= off <= _FAR_M:
        return None
    for name, moved in _SYSTEMS:
        rest = metres_between(point.position, moved(expected))
        if rest <= min(_MATCH_M, off * _MATCH_SHARE):
            return Finding(Kind.OFFSET, f"坐标疑似 {name}：比按前后点位推算的位置偏 {off:.0f} 米，应为 WGS-84")
    return None


def _odd(line: Sequence[Point], index: int, other: int, expected: Position | None) -> Finding:
    point, beside = line[index], line[other]
    apart = metres_between(point.position, beside.position)
    if expected is not None and (off := metres_between(point.position, expected)) > _FAR_M:
        where = f"{expected[0]:.4f}, {expected[1]:.4f}"
        return Finding(Kind.FAR, f"坐标离路线 {off / 1000:.1f} 公里：按前后点位推算应在 {where} 附近")
    along = abs(point.stake_m - beside.stake_m)
    words = f"与 {beside.stake} 桩号相差 {along / 1000:.1f} 公里，坐标却相距 {apart / 1000:.1f} 公里"
    kind = Kind.FAR if apart - along > _FAR_M else Kind.STAKE
    return Finding(kind, words)
