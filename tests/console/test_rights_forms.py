"""用户与权限: what its forms take for a camera or a person, and what they keep of what was entered."""

from typing import Any

import pytest
from django.http import HttpResponseBase
from django.urls import reverse

from access.choices import Action
from access.models import Organisation, User
from cameras.models import Camera, CameraException
from cameras.selectors import cameras_visible_to
from tests.cast import PASSWORD, Caller
from tests.console.desk import Desk, text_of
from tests.ptz.ledger import make_camera

pytestmark = pytest.mark.django_db

ALLOW = {
    "username": "王工",
    "camera": "惠山",
    "action": "ptz",
    "effect": "allow",
    "reason": "抢修",
    "until": "2026-12-31T08:00",
}


def send(desk: Desk, **form: Any) -> HttpResponseBase:
    return desk.client.post(reverse("console:rights_exceptions"), form)


@pytest.fixture
def huishan(office: Organisation) -> Camera:
    return make_camera(
        office, 1, name="惠山枢纽北", road="G42", stake="K1120+350", stake_m=1_120_350, initials="hssnb"
    )


def test_a_refused_exception_keeps_what_was_entered(
    admin_desk: Desk, operator: User, huishan: Camera
) -> None:
    response = send(admin_desk, **ALLOW | {"username": "张伟"})
    assert response.status_code == 400
    page = text_of(response)
    assert "没有用户名为“张伟”的启用用户" in page
    for value in ("张伟", "惠山", "抢修", "2026-12-31T08:00"):
        assert f'value="{value}"' in page
    assert 'value="allow" required checked' in page
    assert 'value="ptz" selected' in page
    assert not CameraException.objects.exists()


def test_neither_allow_nor_deny_comes_of_nothing(admin_desk: Desk, operator: User, huishan: Camera) -> None:
    assert " checked" not in admin_desk.page("rights_exceptions").split('data-testid="new-exception"')[1]
    response = send(admin_desk, **ALLOW | {"effect": ""})
    assert "请选择禁止或允许" in text_of(response)
    assert not CameraException.objects.exists()


def test_names_are_taken_where_one_alone_is_called_so(
    admin_desk: Desk, operator: User, huishan: Camera, office: Organisation
) -> None:
    assert send(admin_desk, **ALLOW).status_code == 302
    assert set(cameras_visible_to(operator, Action.PTZ)) == {huishan}
    make_camera(office, 2, name="惠山枢纽南")
    operator.pk, operator.username = None, "wang2"
    operator.save()
    assert "不止一人叫“王工”" in text_of(send(admin_desk, **ALLOW))
    response = send(admin_desk, **ALLOW | {"username": "wang"})
    assert "“惠山”对应2 路摄像机" in text_of(response)


@pytest.mark.parametrize("text", ["惠山", "K1120+350", "G42 K1120+350", "hss", "惠山枢纽北"])
def test_who_can_see_it_is_asked_by_what_people_call_it(admin_desk: Desk, huishan: Camera, text: str) -> None:
    page = admin_desk.page("rights_watchers", camera=text)
    assert 'data-testid="export"' in page and "惠山枢纽北" in page
    assert huishan.number in admin_desk.page("rights_camera_choices", camera=text)


def test_several_that_are_meant_are_listed_to_choose_from(
    admin_desk: Desk, huishan: Camera, office: Organisation
) -> None:
    for number in range(2, 20):
        make_camera(office, number, name=f"惠山 {number}")
    page = admin_desk.page("rights_watchers", camera="惠山")
    assert page.count('data-testid="meant"') == 12
    assert "找到不止 12 路" in page
    assert admin_desk.page("rights_camera_choices", camera="惠山").count('data-testid="choice"') == 12


def test_what_is_not_there_is_said_inside_the_page(
    company_desk: Desk, huishan: Camera, other_company: Organisation
) -> None:
    make_camera(other_company, 9, name="望亭")
    for text in ("望亭", "没有的地方", "%", "\x00'"):
        response = company_desk.get("rights_watchers", camera=text)
        assert response.status_code == 404
        assert 'data-testid="not-found"' in text_of(response) and 'name="camera"' in text_of(response)
        assert 'data-testid="choice"' not in company_desk.page("rights_camera_choices", camera=text)


def test_people_are_suggested_to_those_who_oversee_them(
    company_desk: Desk, operator: User, outsider: User
) -> None:
    assert 'data-value="wang"' in company_desk.page("rights_person_choices", username="王")
    assert "data-value" not in company_desk.page("rights_person_choices", username="李")
    assert "没有用户名为“李工”" in text_of(send(company_desk, **ALLOW | {"username": "李工"}))


def test_the_ledger_leads_to_a_cameras_rights(admin_desk: Desk, huishan: Camera) -> None:
    page = admin_desk.page("ledger_camera", huishan.pk)
    for name in ("rights_watchers", "rights_exceptions"):
        assert f"{reverse(f'console:{name}')}?camera={huishan.number}" in page
    assert "惠山枢纽北" in admin_desk.page("rights_exceptions", camera=huishan.number)


# Accounts ------------------------------------------------------------------------------------------


def test_the_panel_of_a_person_tells_how_long_an_exception_counts(
    admin_desk: Desk, operator: User, huishan: Camera
) -> None:
    send(admin_desk, **ALLOW)
    panel = admin_desk.page("rights_person", operator.pk)
    assert "<b>允许</b> 云台控制 · 惠山枢纽北" in panel
    assert "至 2026-12-31 08:00" in panel


def test_an_account_for_a_big_screen_is_marked_in_the_matrix(admin_desk: Desk, operator: User) -> None:
    assert 'data-testid="screen"' not in admin_desk.page("rights")
    User.objects.filter(pk=operator.pk).update(screen_networks=["10.8.1.20"])
    assert admin_desk.page("rights").count('data-testid="screen"') == 1


def test_a_new_user_is_told_the_rules_before_and_that_it_is_there_after(
    admin_desk: Desk, company: Organisation
) -> None:
    form = admin_desk.page("rights_new_user")
    assert "密码至少 " in form and "不能是常见的密码" in form
    filled = {"organisation": company.pk, "username": "zhang", "full_name": "张伟"}
    passwords = {"password": PASSWORD, "again": PASSWORD}
    made = admin_desk.client.post(reverse("console:rights_new_user"), filled | passwords)
    page = text_of(admin_desk.client.get(made.headers["HX-Redirect"]))
    assert "已新建用户 张伟（zhang）" in page


def test_who_reports_a_camera_is_said_before_it_is_corrected(
    admin_desk: Desk, huishan: Camera, ministry: Caller
) -> None:
    assert 'data-testid="reporter"' not in admin_desk.page("ledger_camera", huishan.pk)
    Camera.objects.filter(pk=huishan.pk).update(owner=ministry.partner)
    assert "它再次上报时以上报的为准" in admin_desk.page("ledger_camera", huishan.pk)


# Refusals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/ledger/999/", 404),
        ("/rights/groups/999/", 404),
        ("/rights/exceptions/?group=x", 400),
        ("/no-such-page/", 404),
    ],
)
def test_refusals_stand_inside_the_frame(admin_desk: Desk, url: str, status: int) -> None:
    response = admin_desk.client.get(url)
    assert response.status_code == status
    assert 'data-testid="notice"' in text_of(response)
    assert 'data-testid="nav-rights"' in text_of(response)


def test_who_may_not_is_told_inside_the_frame(desk: Desk, db: None) -> None:
    response = desk.get("rights")
    assert response.status_code == 403
    assert 'data-testid="nav-wall"' in text_of(response)
    assert 'data-testid="nav-rights"' not in text_of(response)


def test_nobody_gets_a_frame_without_signing_in(client: Any) -> None:
    response = client.get("/no-such-page/")
    assert 'data-testid="notice"' in text_of(response)
    assert "top-nav" not in text_of(response)
