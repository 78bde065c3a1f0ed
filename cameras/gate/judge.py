"""The gate: findings of each camera, and a score for each company (docs/ledger.md)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cameras.choices import Classify
from cameras.gate.areas import area_name, province_name
from cameras.gate.findings import WEIGHTS, Finding, Kind, Point
from cameras.gate.lines import line_findings
from cameras.gate.names import name_findings


def judge_points(points: Sequence[Point]) -> dict[object, list[Finding]]:
    """By key; a camera without findings is missing. Companies are judged apart from each other."""
    found: dict[object, list[Finding]] = defaultdict(list)
    by_company: dict[str, list[Point]] = defaultdict(list)
    for point in points:
        by_company[point.company].append(point)
    for members in by_company.values():
        for point, finding in _of_company(members):
            found[point.key].append(finding)
    return dict(found)


def _of_company(points: Sequence[Point]) -> Iterable[tuple[Point, Finding]]:
    lines: dict[str, list[Point]] = defaultdict(list)
    for point in points:
        # A vehicle is where it is, and called what it is called.
        if point.classify != Classify.MOBILE:
            lines[point.road.split("&")[0]].append(point)
    for line in lines.values():
        yield from line_findings(line)
    for point in points:
        if point.classify != Classify.MOBILE:
            yield from ((point, finding) for finding in name_findings(point))
    names = Counter(point.name for point in points)
    yield from (
        (point, Finding(Kind.SAME_NAME, f"本单位有 {names[point.name]} 路摄像机都叫这个名称"))
        for point in points
        if names[point.name] > 1
    )
    yield from _of_areas(points)


def _of_areas(points: Sequence[Point]) -> Iterable[tuple[Point, Finding]]:
    provinces = Counter(point.area[:2] for point in points)
    usual = provinces.most_common(1)[0][0] if provinces else ""
    for point in points:
        if not area_name(point.area):
            yield point, Finding(Kind.AREA, f"行政区划 {point.area} 不是现行 GB/T 2260 的代码")
        elif point.area[:2] != usual:
            place = province_name(point.area)
            yield point, Finding(Kind.AREA, f"行政区划 {point.area} 属于{place}，本单位其余点位多在{province_name(usual)}")


@dataclass(frozen=True, slots=True)
class Score:
    """Of one company: 100 when nothing is found."""

    cameras: int
    with_findings: int
    score: float
    by_kind: Mapping[Kind, int]


def score_of(cameras: int, findings: Iterable[Sequence[Finding]]) -> Score:
    """`findings`: those of each camera that has some."""
    lost, count = 0.0, 0
    by_kind: Counter[Kind] = Counter()
    for each in findings:
        count += 1
        kinds = {finding.kind for finding in each}
        lost += max(WEIGHTS[kind] for kind in kinds)
        by_kind.update(kinds)
    score = 100 * (1 - lost / cameras) if cameras else 100.0
    return Score(cameras, count, score, by_kind)
