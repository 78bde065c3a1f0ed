from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from access.models import Organisation, User
from access.services.organisations import place_department
from cameras.choices import OnlineStatus
from cameras.models import Camera
from console.views.tree import PAGE_ROWS
from tests.console.desk import Desk, text_of
from tests.ptz.ledger import make_camera

Asserter = Callable[[int], Any]


def fill(office: Organisation, count: int) -> None:
    for number in range(1, count + 1):
        make_camera(office, number)


def test_companies_with_their_counts(
    province_admin: User, office: Organisation, other_company: Organisation
) -> None:
    make_camera(office, 1)
    make_camera(office, 2, raw_status=OnlineStatus.OFFLINE)
    make_camera(other_company, 3)
    page = Desk(province_admin).page("tree")
    assert page.index("山东高速") < page.index("齐鲁交通")
    assert '<span data-count="online">1</span><span class="quiet">/<span data-count="total">2</span>' in page


def test_offices_then_own_cameras(desk: Desk, company: Organisation, office: Organisation) -> None:
    make_camera(office, 1)
    make_camera(company, 2)
    page = desk.page("branch", company.pk)
    assert page.index("济南管理处") < page.index('data-stake="K1100+002"')
    assert 'data-stake="K1100+001"' not in page
    own = desk.page("branch", office.pk)
    assert 'data-camera-num="BAEE05A7-166A-48F8-9A57-000000000001"' in own
    assert "上行 · 道路沿线" in own


def test_cameras_of_the_province_itself(
    province_admin: User, province: Organisation, office: Organisation
) -> None:
    make_camera(province, 1)
    make_camera(office, 2)
    desk = Desk(province_admin)
    assert province.name in desk.page("tree")
    page = desk.page("branch", province.pk)
    assert 'data-stake="K1100+001"' in page
    # Its companies stand beside it already.
    assert "山东高速" not in page


def test_filter_leaves_only_what_needs_a_hand(
    desk: Desk, company: Organisation, office: Organisation
) -> None:
    make_camera(office, 1)
    make_camera(office, 2, raw_status=OnlineStatus.OFFLINE, raw_status_at=timezone.now())
    make_camera(office, 3, raw_status=OnlineStatus.FAULT)
    make_camera(office, 4, raw_status=OnlineStatus.OFFLINE)
    page = desk.page("branch", office.pk, state=["offline", "fault"])
    assert [f'data-stake="K1100+00{number}"' in page for number in (1, 2, 3, 4)] == [False, True, True, False]
    # Nothing was heard of the fourth: neither the one nor the other, and found as that.
    page = desk.page("branch", office.pk, state="unknown")
    assert [f'data-stake="K1100+00{number}"' in page for number in (1, 2, 3, 4)] == [False, False, False, True]
    assert f"/console/tree/{office.pk}/?state=fault" in desk.page("branch", company.pk, state="fault")
    Camera.objects.update(raw_status=OnlineStatus.ONLINE)
    assert "没有符合条件的摄像机" in desk.page("tree", state="fault")


def test_long_lists_come_page_by_page(desk: Desk, office: Organisation) -> None:
    fill(office, PAGE_ROWS + 2)
    first = desk.page("branch", office.pk)
    assert first.count('data-testid="camera"') == PAGE_ROWS
    assert f"/console/tree/{office.pk}/?from={PAGE_ROWS}" in first
    second = desk.page("branch", office.pk, **{"from": PAGE_ROWS})
    assert second.count('data-testid="camera"') == 2
    assert "加载更多" not in second


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"state": "broken"}, "state 的值“broken”应为 online、offline、fault、unknown 之一"),
        ({"from": "-1"}, "from 的值“-1”应为 0 到"),
        ({"from": "x"}, "from 的值“x”应为 0 到"),
    ],
)
def test_malformed_questions_name_the_place(
    desk: Desk, camera: Camera, params: dict[str, str], words: str
) -> None:
    response = desk.get("branch", camera.organisation_id, **params)
    assert response.status_code == 400
    assert words in text_of(response)


@pytest.mark.parametrize("name", ["tree", "branch"])
@pytest.mark.parametrize("count", [3, 30])
def test_number_of_queries_does_not_grow(
    name: str, count: int, desk: Desk, company: Organisation, django_assert_num_queries: Asserter
) -> None:
    for number in range(1, count + 1):
        section = place_department(within=company, department="山东高速", road_section=f"第 {number} 管理处")
        make_camera(section, number)
    arguments = [company.pk] if name == "branch" else []
    desk.get(name, *arguments)
    # Session, user, permission (twice), nodes; a branch also: organisation, whether it is seen, its own cameras.
    with django_assert_num_queries({"tree": 7, "branch": 10}[name]):
        desk.get(name, *arguments)


@pytest.mark.parametrize("count", [3, 30])
def test_rows_of_an_office_are_one_query(
    count: int, desk: Desk, office: Organisation, django_assert_num_queries: Asserter
) -> None:
    fill(office, count)
    desk.get("branch", office.pk)
    with django_assert_num_queries(9):
        desk.get("branch", office.pk)
