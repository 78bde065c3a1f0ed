"""Names against road, direction and stake."""

import re
from collections.abc import Iterator
from typing import Final

from cameras.choices import Orientation
from cameras.gate.findings import Finding, Kind, Point

_ROAD: Final = re.compile(r"(?<![A-Za-z0-9])([GSXYZ][0-9]{1,4})(?![0-9])")
_STAKE: Final = re.compile(r"[Kk]([0-9]{1,4})(?:\s*\+\s*([0-9]{1,3}))?")
# Directions by their words; `济南方向` tells one too, though not which.
_UP: Final = ("上行", "（上）", "(上)")
_DOWN: Final = ("下行", "（下）", "(下)")
_BOTH: Final = ("双向", "上下行")
_SOME: Final = (*_UP, *_DOWN, *_BOTH, "方向", "左幅", "右幅", "左线", "右线", "左洞", "右洞")
# Stakes in names are often rounded.
_SAME_STAKE_M: Final = 1000


def name_findings(point: Point) -> Iterator[Finding]:
    lacking, wrong = [], []
    roads = point.road.split("&")
    named = _ROAD.findall(point.name)
    if not named:
        lacking.append("路线")
    elif not set(named) & set(roads):
        wrong.append(f"路线（名称 {named[0]}，字段 {point.road}）")
    stakes = list(_STAKE.finditer(point.name))
    if not stakes:
        lacking.append("桩号")
    elif not any(_is_same(_metres(stake), point.stake_m) for stake in stakes):
        wrong.append(f"桩号（名称 {stakes[0][0]}，字段 {point.stake}）")
    if not any(word in point.name for word in _SOME):
        # Where both directions are seen there is none to be named.
        if point.orientation != Orientation.BOTH:
            lacking.append("方向")
    elif (said := _direction(point.name)) is not None and said != point.orientation:
        wrong.append(f"方向（名称 {said.label}，字段 {Orientation(point.orientation).label}）")
    if wrong:
        yield Finding(Kind.CONTRADICTION, f"名称与字段矛盾：{'、'.join(wrong)}")
    if lacking:
        yield Finding(Kind.INCOMPLETE, f"名称里没有{'、'.join(lacking)}")


def _metres(match: re.Match[str]) -> tuple[int, bool]:
    return int(match[1]) * 1000 + int(match[2] or 0), match[2] is None


def _is_same(stake: tuple[int, bool], stake_m: int) -> bool:
    metres, is_rounded = stake
    return 0 <= stake_m - metres < 1000 if is_rounded else abs(metres - stake_m) < _SAME_STAKE_M


def _direction(name: str) -> Orientation | None:
    if any(word in name for word in _BOTH):
        return Orientation.BOTH
    said = {
        direction
        for direction, words in ((Orientation.UP, _UP), (Orientation.DOWN, _DOWN))
        if any(word in name for word in words)
    }
    return said.pop() if len(said) == 1 else None
