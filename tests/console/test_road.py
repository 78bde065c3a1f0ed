from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from access.models import Organisation
from access.services.organisations import place_department
from cameras.choices import Classify, OnlineStatus, Orientation
from cameras.models import Camera
from console.road_names import road_names
from tests.console.desk import Desk, refusal_of
from tests.ptz.ledger import make_camera

Asserter = Callable[[int], Any]


def test_cameras_stand_in_the_order_of_their_stakes(desk: Desk, office: Organisation) -> None:
    far = make_camera(office, 300, orientation=Orientation.DOWN, raw_status=OnlineStatus.FAULT)
    near = make_camera(office, 100)
    road = desk.json("road", "G2")
    assert (road["road"], road["name"]) == ("G2", "京沪高速")
    assert [row[:5] for row in road["cameras"]] == [
        [near.pk, 1_100_100, 0, "unknown", "K1100+100"],
        [far.pk, 1_100_300, 1, "unknown", "K1100+300"],
    ]


def test_shared_stretches_belong_to_each_of_their_roads(desk: Desk, office: Organisation) -> None:
    shared = make_camera(office, 1, road="G2&S38")
    make_camera(office, 2, road="G25")
    assert [row[0] for row in desk.json("road", "G2")["cameras"]] == [shared.pk]
    assert [row[0] for row in desk.json("road", "S38")["cameras"]] == [shared.pk]


def test_sections_are_the_stretches_of_offices(
    desk: Desk, company: Organisation, office: Organisation
) -> None:
    second = place_department(within=company, department="山东高速", road_section="泰安管理处")
    for number, section in ((900, second), (500, second), (100, office), (300, office)):
        make_camera(section, number)
    assert desk.json("road", "G2")["sections"] == [
        {"name": "济南管理处", "from_m": 1_100_100, "to_m": 1_100_300},
        {"name": "泰安管理处", "from_m": 1_100_500, "to_m": 1_100_900},
    ]


def test_places_are_named_by_their_cameras(desk: Desk, office: Organisation) -> None:
    for number in (200, 700):
        make_camera(office, number, classify=Classify.SERVICE_AREA, poi_name="东庐山服务区")
    make_camera(office, 400, classify=Classify.TOLL_STATION, poi_name="溧水收费站")
    make_camera(office, 500, classify=Classify.TUNNEL)
    assert desk.json("road", "G2")["places"] == [
        {"kind": "service", "name": "东庐山服务区", "from_m": 1_100_200, "to_m": 1_100_700},
        {"kind": "toll", "name": "溧水收费站", "from_m": 1_100_400, "to_m": 1_100_400},
    ]


def test_a_road_out_of_sight_is_not_there(other_desk: Desk, office: Organisation) -> None:
    make_camera(office, 1)
    assert refusal_of(other_desk.get("road", "G2"), 404) == "路线 G2 没有可查看的摄像机"


@pytest.mark.parametrize("name", ["g2", "G", "G2)|(.*", "G2.*", "京沪", "G" * 40, "G2\n"])
def test_malformed_road_is_named(desk: Desk, office: Organisation, name: str) -> None:
    make_camera(office, 1)
    assert "不符合编号格式" in refusal_of(desk.get("road", name), 400)


@pytest.mark.parametrize("count", [3, 30])
def test_number_of_queries_does_not_grow(
    count: int, desk: Desk, office: Organisation, django_assert_num_queries: Asserter
) -> None:
    for number in range(1, count + 1):
        make_camera(office, number)
    desk.json("road", "G2")
    with django_assert_num_queries(6):
        assert len(desk.json("road", "G2")["cameras"]) == count


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["S38 (常合高速) 句容枢纽 K30+200"], "常合高速"),
        (["S38 常合高速公路 K30+200 上行", "S38 常合高速 K31+200 上行"], "常合高速"),
        (["S38（常合高速）K30+200"], "常合高速"),
        # Most of them decide, not the place that one of them stands at.
        (["S38 宁杭高速 K1+000", "S38 常合高速 K2+000", "S38常合高速K3+000"], "常合高速"),
        (["S38 句容 K30+200", "句容高速入口", "S380 镇丹高速"], ""),
        (["G42 沪蓉高速 K30+200"], ""),
    ],
)
def test_a_road_without_a_list_is_called_as_its_cameras_tell(
    desk: Desk, company: Organisation, names: list[str], told: str
) -> None:
    for n, name in enumerate(names, 60):
        made = make_camera(company, n, road="S38")
        Camera.objects.filter(pk=made.pk).update(name=name)
    assert desk.json("road", "S38")["name"] == told
    choices = {choice["road"]: choice["name"] for choice in desk.json("film_roads")["roads"]}
    assert choices == {"S38": told}
    assert ["S38", told, len(names)] in desk.json("places")["roads"]
    assert told in desk.page("tree", by="road")


def test_a_national_road_is_called_by_the_list_and_needs_no_query(desk: Desk, company: Organisation) -> None:
    make_camera(company, 61, road="G25&S38")
    Camera.objects.update(name="S38 常合高速 K30+200")
    assert road_names(Camera.objects.all(), ["G25", "S38"]) == {"G25": "长深高速", "S38": "常合高速"}
    with CaptureQueriesContext(connection) as queries:
        assert road_names(Camera.objects.all(), ["G25"]) == {"G25": "长深高速"}
    assert len(queries) == 0
