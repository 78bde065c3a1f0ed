"""The gate: who is named when stakes and coordinates do not fit, names, divisions, scores."""

from dataclasses import replace

import pytest

from cameras.choices import Classify, Orientation
from cameras.gate.areas import area_name
from cameras.gate.coordinates import Position, metres_between, wgs_to_bd, wgs_to_gcj
from cameras.gate.findings import Finding, Kind, Point
from cameras.gate.judge import judge_points, score_of
from protocol.fields import format_stake


def point(n: int, **changes: object) -> Point:
    """Camera `n` of a straight road to the east, one a kilometre."""
    stake_m = 400_000 + n * 1000
    values: dict[str, object] = {
        "company": "山东高速",
        "name": f"G2 京沪高速 {format_stake(stake_m)} 上行",
        "road": "G2",
        "stake": format_stake(stake_m),
        "stake_m": stake_m,
        "orientation": Orientation.UP,
        "classify": Classify.ROADSIDE,
        "longitude": 117.0 + n * 0.0112,
        "latitude": 36.6,
        "area": "370112",
        **changes,
    }
    return Point(key=n, **values)  # type: ignore[arg-type]  # each as its field


ROAD = [point(n) for n in range(20)]


def moved(n: int, position: Position) -> list[Point]:
    return [replace(each, longitude=position[0], latitude=position[1]) if each.key == n else each for each in ROAD]


def kinds(points: list[Point]) -> dict[object, list[Kind]]:
    return {key: [finding.kind for finding in found] for key, found in judge_points(points).items()}


def test_a_sound_road() -> None:
    assert judge_points(ROAD) == {}
    assert judge_points([]) == {}


def test_known_places_in_other_systems() -> None:
    # Tiananmen, as the converters of maps have it.
    assert wgs_to_gcj((116.404, 39.915)) == pytest.approx((116.4102445, 39.9164043), abs=1e-6)
    assert wgs_to_bd((116.404, 39.915)) == pytest.approx((116.4166272, 39.9226996), abs=1e-6)
    assert metres_between((117.0, 36.0), (117.0, 37.0)) == pytest.approx(111_195, rel=1e-3)


def test_only_the_odd_one_is_named() -> None:
    assert kinds(moved(9, (117.6, 36.6))) == {9: [Kind.FAR]}
    assert kinds(moved(0, (117.6, 36.6))) == {0: [Kind.FAR]}
    assert kinds(moved(9, (ROAD[9].longitude, 36.63))) == {9: [Kind.STAKE]}
    swapped = [replace(each, stake_m=425_000, stake="K425+000") if each.key == 3 else each for each in ROAD]
    assert Kind.FAR in kinds(swapped)[3] or Kind.STAKE in kinds(swapped)[3]


def test_where_it_should_be_is_said() -> None:
    (finding,) = judge_points(moved(9, (117.6, 36.6)))[9]
    assert finding.words == "坐标离路线 44.6 公里：按前后点位推算应在 117.1008, 36.6000 附近"


@pytest.mark.parametrize(("system", "words"), [(wgs_to_gcj, "GCJ-02"), (wgs_to_bd, "BD-09")])
def test_offset_systems(system: object, words: str) -> None:
    assert callable(system)
    found = judge_points(moved(9, system(ROAD[9].position)))
    assert list(found) == [9]
    assert found[9][0].kind == Kind.OFFSET and words in found[9][0].words


def test_of_two_nobody_knows_which() -> None:
    assert kinds([point(1), replace(point(2), latitude=37.0)]) == {1: [Kind.FAR], 2: [Kind.FAR]}


def test_cameras_of_one_place() -> None:
    assert judge_points([replace(each, stake_m=400_000, name=f"G2 K400+000 上行 {each.key}", longitude=117.0) for each in ROAD]) == {}  # fmt: skip


def test_a_vehicle_is_where_it_is() -> None:
    assert judge_points([*ROAD, point(30, classify=Classify.MOBILE, latitude=40.0, name="巡逻车")]) == {}


def test_other_companies_and_roads_do_not_count() -> None:
    assert judge_points([*ROAD, point(30, stake_m=409_000, company="齐鲁交通", latitude=40.0, name="G2 K409+000 上行")]) == {}
    assert judge_points([*ROAD, point(30, stake_m=409_000, road="S11", latitude=40.0, name="S11 K409+000 上行")]) == {}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("京沪高速 一号", "名称里没有路线、桩号、方向"),
        ("G2 K400 济南方向", ""),
        ("G2（京沪高速）K400+300 左幅", ""),
        ("G20 K400+000 上行", "名称与字段矛盾：路线（名称 G20，字段 G2）"),
        ("G2 K410+000 上行", "名称与字段矛盾：桩号（名称 K410+000，字段 K400+000）"),
        ("G2 K401 上行", "名称与字段矛盾：桩号（名称 K401，字段 K400+000）"),
        ("G2 K400+000 下行", "名称与字段矛盾：方向（名称 下行，字段 上行）"),
        ("G2 K400+000 上行入口下行出口", ""),
        ("", "名称里没有路线、桩号、方向"),
    ],
)
def test_names(name: str, words: str) -> None:
    found = judge_points([point(0, name=name)]).get(0, [])
    assert [finding.words for finding in found] == ([words] if words else [])


def test_both_directions_need_not_be_named() -> None:
    assert judge_points([point(0, name="G2 K400+000 收费广场", orientation=Orientation.BOTH)]) == {}


def test_divisions() -> None:
    assert [area_name(code) for code in ("370000", "370100", "370112", "110101", "379999")] == [
        *("山东省", "济南市", "历城区", "东城区", "")
    ]
    found = judge_points([*ROAD, point(20, area="370199"), point(21, area="320100")])
    assert [found[n][0].words for n in (20, 21)] == [
        "行政区划 370199 不是现行 GB/T 2260 的代码",
        "行政区划 320100 属于江苏省，本单位其余点位多在山东省",
    ]


def test_scores() -> None:
    incomplete, wrong = Finding(Kind.INCOMPLETE, ""), Finding(Kind.AREA, "")
    score = score_of(10, [[incomplete], [incomplete, wrong]])
    assert (score.score, score.with_findings, score.by_kind) == (87, 2, {Kind.INCOMPLETE: 2, Kind.AREA: 1})
    assert score_of(0, []).score == 100
