"""Presets of the wall, tours of roads and organisations, the tree by road."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from access.models import Organisation, User
from cameras.choices import OnlineStatus
from cameras.models import Camera, WallPreset
from cameras.services.walls import MOST_PRESETS
from console.views.tree import PAGE_ROWS
from tests.console.desk import Desk, content_of, refusal_of
from tests.ptz.ledger import make_camera

pytestmark = pytest.mark.django_db


def keep(desk: Desk, *cameras: Camera, **changes: object) -> dict[str, object]:
    body = {"name": "早班", "layout": 4, "cameras": [camera.pk for camera in cameras], **changes}
    answer = desk.post("presets", body=body)
    assert answer.status_code == 200, answer
    return dict(content_of(answer)["preset"])


def names(desk: Desk) -> list[tuple[str, str]]:
    return [(one["name"], one["owner"]) for one in desk.json("presets")["presets"]]


def test_a_wall_is_kept_under_a_name_and_replaced_by_it(desk: Desk, camera: Camera, gantry: Camera) -> None:
    first = keep(desk, camera, name="  早  班 ")
    assert (first["name"], first["layout"], first["cameras"]) == ("早 班", 4, [camera.pk])
    again = keep(desk, gantry, name="早 班", layout=9, cameras=[0, gantry.pk, None])
    assert again["id"] == first["id"]
    (kept,) = desk.json("presets")["presets"]
    assert (kept["layout"], kept["cameras"], kept["owner"]) == (9, [0, gantry.pk, 0], "")


def test_what_is_shared_stands_behind_ones_own(desk: Desk, monitor_desk: Desk, camera: Camera) -> None:
    keep(desk, camera, name="甲", is_shared=True)
    keep(desk, camera, name="乙")
    keep(monitor_desk, camera, name="丙")
    assert names(monitor_desk) == [("丙", ""), ("甲", desk.user.display_name)]
    shared = WallPreset.objects.get(name="甲")
    assert refusal_of(monitor_desk.post("forget_preset", shared.pk, body={}), 404) == "预案不存在"
    assert desk.post("forget_preset", shared.pk, body={}).status_code == 200
    assert names(monitor_desk) == [("丙", "")]


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"name": " "}, 400, "预案名称"),
        ({"name": "名" * 33}, 400, "预案名称"),
        ({"layout": 5}, 400, "画面数应为 1、4、9、16、25 之一"),
        ({"layout": "many"}, 400, "layout"),
        ({"cameras": [1, 2, 3, 4, 5]}, 400, "不多于画面数"),
        ({"cameras": [0, 0]}, 400, "没有摄像机"),
        ({"cameras": "1"}, 400, "cameras 应为"),
        ({"cameras": ["x"]}, 400, "cameras 的值“x”"),
        ({"cameras": [2**62]}, 404, "有摄像机不存在"),
    ],
)
def test_nothing_wrong_is_kept(
    desk: Desk, camera: Camera, changes: dict[str, object], status: int, words: str
) -> None:
    body = {"name": "早班", "layout": 4, "cameras": [camera.pk], **changes}
    assert words in refusal_of(desk.post("presets", body=body), status)
    assert not WallPreset.objects.exists()


def test_a_camera_out_of_sight_is_as_if_unknown(other_desk: Desk, camera: Camera) -> None:
    answer = other_desk.post("presets", body={"name": "x", "layout": 1, "cameras": [camera.pk]})
    assert refusal_of(answer, 404) == "有摄像机不存在或已删除"


def test_there_is_an_end_to_how_many(desk: Desk, camera: Camera) -> None:
    shape = {"user": desk.user, "layout": 1, "cameras": [camera.pk]}
    WallPreset.objects.bulk_create(WallPreset(name=f"预案 {n}", **shape) for n in range(MOST_PRESETS))
    answer = desk.post("presets", body={"name": "又一个", "layout": 1, "cameras": [camera.pk]})
    assert "最多 100 个" in refusal_of(answer, 403)
    # One of them may still be replaced.
    assert keep(desk, camera, name="预案 7")["name"] == "预案 7"


def test_a_tour_goes_along_the_road_past_what_is_online(desk: Desk, office: Organisation) -> None:
    far, near = make_camera(office, 300), make_camera(office, 20)
    make_camera(office, 100, raw_status=OnlineStatus.OFFLINE)
    other = make_camera(office, 5, road="S38")
    both = make_camera(office, 400, road="S38&G2")
    assert desk.json("tour", road="G2") == {"name": "G2 京沪高速", "ids": [near.pk, far.pk, both.pk]}
    assert desk.json("tour", road="S38")["ids"] == [other.pk, both.pk]
    assert desk.json("tour")["ids"] == [near.pk, far.pk, other.pk, both.pk]


def test_a_tour_of_an_organisation(
    province_admin: User, company: Organisation, office: Organisation, other_company: Organisation
) -> None:
    ours = make_camera(office, 1)
    make_camera(other_company, 2)
    desk = Desk(province_admin)
    assert desk.json("tour", organisation=company.pk) == {"name": company.name, "ids": [ours.pk]}


def test_nobody_tours_what_is_out_of_sight(desk: Desk, camera: Camera, other_company: Organisation) -> None:
    make_camera(other_company, 2, road="S1")
    assert refusal_of(desk.get("tour", organisation=other_company.pk), 404) == "该单位没有可查看的摄像机"
    assert refusal_of(desk.get("tour", organisation=10**9), 404) == "单位不存在"
    assert "S1" in refusal_of(desk.get("tour", road="S1"), 404)
    assert "不符合编号格式" in refusal_of(desk.get("tour", road="x(y"), 400)


def test_places_to_tour_with_their_cameras(
    desk: Desk, company: Organisation, office: Organisation, other_company: Organisation
) -> None:
    for number, road in ((1, "G2"), (2, "G4"), (3, "G2&S38"), (4, "G15")):
        make_camera(office, number, road=road)
    make_camera(company, 5, road="县道")
    make_camera(other_company, 6, road="G60")
    places = desk.json("places")
    # By number, not by letters.
    assert [(road, total) for road, _, total in places["roads"]] == [
        ("G2", 2),
        ("G4", 1),
        ("G15", 1),
        ("S38", 1),
    ]
    shown = [(name, depth, total) for _, name, depth, total in places["organisations"]]
    assert shown[1:] == [(company.name, 1, 5), (office.name, 2, 4)]


def test_the_tree_by_road(desk: Desk, office: Organisation) -> None:
    make_camera(office, 2)
    make_camera(office, 1, raw_status=OnlineStatus.OFFLINE)
    make_camera(office, 3, road="S38")
    page = desk.page("tree", by="road")
    assert page.index('data-node="G2"') < page.index('data-node="S38"')
    assert '<span data-count="online">1</span><span class="quiet">/<span data-count="total">2</span>' in page
    branch = desk.page("road_branch", "G2")
    assert branch.index('data-stake="K1100+001"') < branch.index('data-stake="K1100+002"')
    assert 'data-stake="K1100+003"' not in branch
    assert 'data-stake="K1100+002"' not in desk.page("road_branch", "G2", state="offline")
    assert desk.get("road_branch", "G1").status_code == 404
    state = desk.json("state", roads=1)
    assert state["nodes"] == {"G2": [1, 2], "S38": [1, 1]}


def test_a_long_road_comes_page_by_page(desk: Desk, office: Organisation) -> None:
    for number in range(1, PAGE_ROWS + 2):
        make_camera(office, number)
    page = desk.page("road_branch", "G2")
    assert page.count('data-testid="camera"') == PAGE_ROWS
    assert f"from={PAGE_ROWS}" in page
    assert desk.page("road_branch", "G2", **{"from": PAGE_ROWS}).count('data-testid="camera"') == 1


@pytest.mark.parametrize("name", ["places", "tour", "tree", "presets"])
def test_queries_do_not_grow(desk: Desk, office: Organisation, name: str) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            desk.get(name, by="road")
        return len(queries)

    keep(desk, make_camera(office, 1, road="S38"), name="第一个")
    count()
    before = count()
    for number in range(2, 12):
        keep(desk, make_camera(office, number, road=f"G{number}"), name=f"预案 {number}")
    assert count() == before
