from collections.abc import Callable
from typing import Any

import pytest

from access.models import Organisation
from cameras.choices import OnlineStatus
from cameras.models import Camera
from tests.console.desk import Desk, text_of
from tests.ptz.ledger import make_camera

CUT = "前 60 个结果"
Asserter = Callable[[int], Any]


def at(office: Organisation, number: int, road: str, stake_m: int, **fields: Any) -> Camera:
    stake = f"K{stake_m // 1000}+{stake_m % 1000:03d}"
    return make_camera(office, number, road=road, stake=stake, stake_m=stake_m, **fields)


@pytest.fixture
def roads(office: Organisation) -> None:
    at(office, 1, "G25", 1_120_350, name="溧水枢纽北")
    at(office, 2, "G25", 1_119_500)
    at(office, 3, "G42", 1_120_300)


def stakes(page: str) -> list[str]:
    return [part.split('"')[0] for part in page.split('data-stake="')[1:]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("G25 K1120+3", ["K1120+350", "K1119+500"]),
        ("K1120+3", ["K1120+300", "K1120+350", "K1119+500"]),
        ("g42", ["K1120+300"]),
        ("溧水", ["K1120+350"]),
        ("BAEE05A7-166A-48F8-9A57-000000000002", ["K1119+500"]),
        ("K9+1", []),
    ],
)
def test_search_by_stake_road_name_and_number(desk: Desk, roads: None, text: str, found: list[str]) -> None:
    assert stakes(desk.page("search", q=text)) == found


def test_the_nearest_is_chosen_for_enter(desk: Desk, roads: None) -> None:
    page = desk.page("search", q="G25 K1120+3")
    chosen = page.split('aria-selected="true"')
    assert len(chosen) == 2
    assert stakes(chosen[1])[0] == "K1120+350"
    assert 'data-query="G25 K1120+3"' in page


def test_filter_holds_for_results_too(desk: Desk, roads: None) -> None:
    Camera.objects.filter(road="G42").update(raw_status=OnlineStatus.FAULT)
    assert stakes(desk.page("search", q="K1120+3", state="fault")) == ["K1120+300"]


def test_filter_finds_what_stands_behind_many_others(desk: Desk, office: Organisation) -> None:
    for number in range(1, 62):
        at(office, number, "G25", 1_120_000 + number)
    Camera.objects.filter(stake_m=1_120_061).update(raw_status=OnlineStatus.FAULT)
    page = desk.page("search", q="G25 K1120", state="fault")
    assert stakes(page) == ["K1120+061"]
    assert CUT not in page
    page = desk.page("search", q="G25 K1120")
    assert len(stakes(page)) == 60
    assert CUT in page
    Camera.objects.filter(stake_m=1_120_061).delete()
    assert CUT not in desk.page("search", q="G25 K1120")


def test_nothing_found_says_how_to_ask(desk: Desk, roads: None) -> None:
    assert "没有匹配的摄像机" in desk.page("search", q="不存在的地方")


@pytest.mark.parametrize(
    "text", ["", "  ", "\x00", "%", "_", "'; --", "K", "＋", "\u202e", "K1120+9999", "K99999"]
)
def test_odd_questions_find_nothing_and_break_nothing(desk: Desk, roads: None, text: str) -> None:
    assert stakes(desk.page("search", q=text)) == []


def test_endless_question_is_refused(desk: Desk, roads: None) -> None:
    response = desk.get("search", q="长" * 101)
    assert (response.status_code, text_of(response)) == (400, "q 超过 100 个字符")


@pytest.mark.parametrize("count", [3, 30])
def test_number_of_queries_does_not_grow(
    count: int, desk: Desk, office: Organisation, django_assert_num_queries: Asserter
) -> None:
    for number in range(1, count + 1):
        make_camera(office, number)
    desk.get("search", q="G2")
    with django_assert_num_queries(6):
        desk.get("search", q="G2")


def names_of(page: str) -> list[str]:
    return [part.split(">", 1)[1].split("</span>")[0] for part in page.split('data-testid="row-name"')[1:]]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("溧水", ["<mark>溧水</mark>枢纽北"]),
        ("G25 枢纽 K1120", ["溧水<mark>枢纽</mark>北"]),
        ("G25 K1120+3", []),
        ("济南管理处", ["<mark>济南管理处</mark>"] * 3),
    ],
)
def test_results_say_what_was_met_where_the_stake_does_not(
    desk: Desk, roads: None, text: str, names: list[str]
) -> None:
    Camera.objects.filter(name__contains="济南").update(name="无名")
    assert names_of(desk.page("search", q=text)) == names


def test_a_name_stays_text_in_results(desk: Desk, office: Organisation) -> None:
    at(office, 1, "G25", 1_120_350, name="<b>溧水</b>(")
    assert names_of(desk.page("search", q="溧水")) == ["&lt;b&gt;<mark>溧水</mark>&lt;/b&gt;("]
    assert len(names_of(desk.page("search", q="溧水</b>("))) == 1
