"""用户与权限: the matrix, who may give what to whom, accounts, groups, exceptions and partners."""

import csv
import io
import re
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponseBase, StreamingHttpResponse
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from access.actors import SYSTEM
from access.choices import Action, Role
from access.models import BehaviourLog, Organisation, StaffRole, User
from access.services.rights import end_role, grant_role
from access.services.staff import create_staff
from cameras.models import Camera, CameraException, CameraGroup, PtzGrant
from cameras.selectors import cameras_visible_to
from cameras.services.rights import Subject, make_exception
from protocol.errors import ForbiddenError
from tests.cast import PASSWORD, Caller
from tests.console.desk import Desk, text_of
from tests.ptz.ledger import make_camera

pytestmark = pytest.mark.django_db


def send(desk: Desk, view: str, *args: object, **form: Any) -> HttpResponseBase:
    return desk.client.post(reverse(f"console:{view}", args=args), form)


def said(response: HttpResponseBase) -> str:
    """What the page that follows, or the panel, says came of it."""
    if response.status_code == 302:
        response = response.client.get(response.headers["Location"])  # type: ignore[attr-defined]
    found = re.findall(r'data-testid="(?:panel-)?said"[^>]*>([^<]*)<', text_of(response))
    assert len(found) == 1, text_of(response)
    return str(found[0])


# The matrix ---------------------------------------------------------------------------------------


def test_people_by_organisations(
    admin_desk: Desk, operator: User, outsider: User, company: Organisation, office: Organisation
) -> None:
    operator.roles.create(role=Role.MONITOR, organisation=office)
    page = admin_desk.page("rights")
    assert page.count('data-testid="person"') == 3
    cell = page.split(f'id="cell-{operator.pk}-{company.pk}"')[1].split("</button>")[0]
    chips = [" ".join(re.sub(r"<[^>]*>", " ", chip).split()) for chip in cell.split("<span")[1:]]
    assert [chip.split(">")[-1].strip() for chip in chips] == ["云台操作员", "值班监控员 济南管理处"]
    below = admin_desk.page("rights", org=company.pk)
    assert "李工" not in below
    assert admin_desk.page("rights", q="li").count('data-testid="person"') == 1


def test_another_company_is_not_in_it(
    company_desk: Desk, operator: User, outsider: User, other_company: Organisation
) -> None:
    page = company_desk.page("rights")
    assert "王工" in page
    assert "李工" not in page
    assert "齐鲁交通" not in page
    assert company_desk.get("rights", org=other_company.pk).status_code == 404
    assert company_desk.get("rights_person", outsider.pk).status_code == 404
    assert company_desk.get("rights_cell", operator.pk, other_company.pk).status_code == 404


@pytest.mark.parametrize("count", [3, 30])
def test_the_number_of_queries_does_not_grow(count: int, admin_desk: Desk, company: Organisation) -> None:
    for number in range(count):
        user = User.objects.create(username=f"u{number}", organisation=company)
        user.roles.create(role=Role.MONITOR, organisation=company)
        Organisation.objects.create(parent=company.parent, name=f"公司 {number}", kind=1)
    admin_desk.page("rights")
    with CaptureQueriesContext(connection) as queries:
        admin_desk.page("rights")
    assert len(queries) <= 16


def test_a_role_is_given_limited_and_taken(
    admin_desk: Desk, operator: User, company: Organisation, office: Organisation, camera: Camera
) -> None:
    StaffRole.objects.filter(user=operator).delete()
    cell = (operator.pk, company.pk)
    given = send(admin_desk, "rights_grant", *cell, role="monitor", organisation=office.pk)
    assert said(given) == "已授予 值班监控员（济南管理处）"
    assert 'hx-swap-oob="true"' in text_of(given)
    assert set(cameras_visible_to(operator)) == {camera}
    row = StaffRole.objects.get(user=operator)
    limits = {"role": "monitor", "organisation": office.pk, "until": "2099-12-01T08:00"}
    send(admin_desk, "rights_grant", *cell, **limits)
    assert StaffRole.objects.get(user=operator).pk == row.pk
    assert "至 2099-12-01 08:00" in admin_desk.page("rights_cell", *cell)
    assert said(send(admin_desk, "rights_end", *cell, id=row.pk)) == "已收回，下一次请求即失效"
    assert set(cameras_visible_to(operator)) == set()
    # It stays, so that it can be told who could see what.
    assert StaffRole.objects.filter(pk=row.pk).exists()
    logged = BehaviourLog.objects.filter(object_kind="user", object_id=operator.pk).order_by("id")
    assert [(row.verb, row.detail["之前"], row.detail["之后"]) for row in logged if "之前" in row.detail] == [
        ("授予角色", [], ["值班监控员（济南管理处）"]),
        ("修改角色期限", ["值班监控员（济南管理处）"], ["值班监控员（济南管理处，至 2099-12-01 08:00）"]),
        ("收回角色", ["值班监控员（济南管理处，至 2099-12-01 08:00）"], []),
    ]
    assert {row.actor_name for row in logged.exclude(verb="建立用户")} == {"赵主任"}


def test_it_can_be_given_again_after_it_ended(
    admin_desk: Desk, operator: User, company: Organisation, camera: Camera
) -> None:
    row = StaffRole.objects.get(user=operator)
    send(admin_desk, "rights_end", operator.pk, company.pk, id=row.pk)
    send(admin_desk, "rights_grant", operator.pk, company.pk, role="ptz")
    assert StaffRole.objects.filter(user=operator).count() == 2
    assert set(cameras_visible_to(operator, Action.PTZ)) == {camera}


def test_an_exception_of_a_role_opens_nothing_to_the_three_and_reaches_no_higher(
    company_desk: Desk, camera: Camera, province: Organisation, company: Organisation
) -> None:
    def make(role: Role, at: Organisation, *, is_denied: bool) -> None:
        make_exception(
            by=company_desk.user,
            subject=Subject(role=role, role_at=at),
            target=camera,
            action=Action.WATCH,
            is_denied=is_denied,
            actor=SYSTEM,
        )

    with pytest.raises(ForbiddenError, match="三员"):
        make(Role.SECURITY, company, is_denied=False)
    with pytest.raises(ForbiddenError, match="自己单位的角色"):
        make(Role.MONITOR, province, is_denied=True)
    make(Role.MONITOR, company, is_denied=True)
    assert CameraException.objects.get().role == Role.MONITOR


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"role": "king"}, "没有这种角色"),
        ({"role": "monitor", "until": "2020-01-01T00:00"}, "失效时间须晚于现在，也晚于生效时间"),
        ({"role": "monitor", "from": "2099-01-02T00:00", "until": "2099-01-01T00:00"}, "失效时间须晚于"),
        ({"role": "monitor", "until": "soon"}, "应形如"),
        ({"role": "monitor", "organisation": "x"}, "organisation 的值"),
    ],
)
def test_odd_input_is_said(
    form: dict[str, str], words: str, admin_desk: Desk, operator: User, office: Organisation
) -> None:
    response = send(admin_desk, "rights_grant", operator.pk, office.pk, **form)
    assert words in said(response)
    assert StaffRole.objects.filter(user=operator).count() == 1


def test_nobody_grants_more_than_they_hold(
    company_desk: Desk, operator: User, company: Organisation, province: Organisation
) -> None:
    for role in ("auditor", "system", "security", "audit"):
        assert send(company_desk, "rights_grant", operator.pk, company.pk, role=role).status_code == 403
    assert send(company_desk, "rights_grant", operator.pk, province.pk, role="monitor").status_code == 404
    assert send(company_desk, "rights_grant", operator.pk, company.pk, role="section").status_code == 200


def test_nobody_changes_their_own_rights(company_desk: Desk, company: Organisation) -> None:
    own = (company_desk.user.pk, company.pk)
    assert send(company_desk, "rights_grant", *own, role="monitor").status_code == 403
    row = StaffRole.objects.get(user=company_desk.user)
    assert send(company_desk, "rights_end", *own, id=row.pk).status_code == 403
    assert "不能修改自己的权限" in company_desk.page("rights_cell", *own)


def test_operators_do_not_get_in(desk: Desk, operator: User) -> None:
    assert desk.get("rights").status_code == 403
    assert "nav-rights" not in desk.page("wall")


# Accounts -----------------------------------------------------------------------------------------


def test_an_account_is_made_and_switched_off(company_desk: Desk, company: Organisation) -> None:
    form = {"username": "sun", "full_name": "孙工", "organisation": company.pk}
    weak = send(company_desk, "rights_new_user", **form, password="123", again="123")
    assert "密码" in said(weak)
    odd = send(company_desk, "rights_new_user", **form, password=PASSWORD, again="other")
    assert said(odd) == "两次输入的密码不一致"
    made = send(company_desk, "rights_new_user", **form, password=PASSWORD, again=PASSWORD)
    assert made.headers["HX-Redirect"] == "/rights/?q=sun"
    user = User.objects.get(username="sun")
    assert (user.organisation, user.check_password(PASSWORD), user.roles.count()) == (company, True, 0)
    theirs = Desk(user)
    assert said(send(company_desk, "rights_switch", user.pk, active="0")).startswith("已停用")
    assert theirs.get("wall").status_code == 302
    assert said(send(company_desk, "rights_switch", user.pk, active="1")) == "已启用"
    verbs = BehaviourLog.objects.filter(object_id=user.pk, object_kind="user").order_by("id")
    assert list(verbs.values_list("verb", flat=True)) == ["建立用户", "停用用户", "启用用户"]


def test_accounts_of_others_are_left_alone(
    company_desk: Desk,
    outsider: User,
    company: Organisation,
    other_company: Organisation,
    province: Organisation,
) -> None:
    form = {"username": "sun", "full_name": "孙工", "password": PASSWORD, "again": PASSWORD}
    for place in (other_company, province):
        response = send(company_desk, "rights_new_user", **form, organisation=place.pk)
        assert said(response) == "请选择所属单位"
    # Somebody of another company with a role here: the role is ours to take, the account is not.
    outsider.roles.create(role=Role.MONITOR, organisation=company)
    assert send(company_desk, "rights_switch", outsider.pk, active="0").status_code == 403
    assert send(company_desk, "rights_switch", company_desk.user.pk, active="0").status_code == 403
    # Of our company, but with a role beyond it: for those above.
    chief = create_staff(username="qin", password=PASSWORD, role=Role.PROVINCE_ADMIN, home=company)
    assert send(company_desk, "rights_switch", chief.pk, active="0").status_code == 403
    assert User.objects.filter(is_active=False).count() == 0


def test_who_worked_elsewhere_for_a_while_is_looked_after_at_home_again(
    company_desk: Desk, admin_desk: Desk, operator: User, other_company: Organisation
) -> None:
    lent: dict[str, Any] = {"granter": admin_desk.user, "user": operator, "actor": SYSTEM}
    role = grant_role(role=Role.MONITOR, organisation=other_company, **lent)
    assert send(company_desk, "rights_switch", operator.pk, active="0").status_code == 403
    assert "王工" not in company_desk.page("sign_ins")
    end_role(role_id=role.pk, **lent)
    assert "王工" in company_desk.page("sign_ins")
    assert send(company_desk, "rights_switch", operator.pk, active="0").status_code == 200


# Groups and exceptions ----------------------------------------------------------------------------


def test_a_group_is_filled_and_emptied(
    admin_desk: Desk, company: Organisation, office: Organisation, other_company: Organisation
) -> None:
    cameras = [make_camera(office, number) for number in (1, 2000, 5000)]
    foreign = make_camera(other_company, 9)
    response = send(admin_desk, "rights_groups", name="隧道", organisation=company.pk)
    group = CameraGroup.objects.get()
    assert response.headers["Location"] == f"/rights/groups/{group.pk}/"
    road, first = cameras[0].road, cameras[0].stake_m // 1000
    page = admin_desk.page("rights_group", group.pk, q=f"{road} K{first}-K{first + 3}")
    assert page.count('data-testid="candidate"') == 2
    numbers = f"{cameras[0].number.upper()}\n {foreign.number}"
    assert said(send(admin_desk, "rights_members", group.pk, how="numbers", numbers=numbers)) == "1 路已入组"
    assert said(send(admin_desk, "rights_members", group.pk, how="all", q=road)) == "2 路已入组"
    assert group.members.count() == 3
    ticked = [camera.pk for camera in cameras[:2]]
    assert said(send(admin_desk, "rights_members", group.pk, how="drop", camera=ticked)) == "2 路已移出"
    bad = send(admin_desk, "rights_members", group.pk, how="numbers", numbers="nowhere")
    assert said(bad) == "1 个编号不存在：nowhere"
    send(admin_desk, "rights_remove_group", group.pk)
    verbs = BehaviourLog.objects.filter(object_kind="camera_group").order_by("id")
    assert list(verbs.values_list("verb", flat=True)) == [
        *("建立摄像机组", "摄像机入组", "摄像机入组", "摄像机出组", "删除摄像机组")
    ]


def test_an_exception_is_set_and_withdrawn(company_desk: Desk, operator: User, camera: Camera) -> None:
    form = {
        "username": "wang",
        "camera": camera.number,
        "action": "watch",
        "effect": "deny",
        "reason": "检查",
    }
    response = send(company_desk, "rights_exceptions", **form)
    assert said(response) == f"已设置：禁止 王工 查看视频 {camera.name}"
    assert set(cameras_visible_to(operator)) == set()
    row = CameraException.objects.get()
    assert said(send(company_desk, "rights_end_exception", row.pk)).startswith("已撤销")
    assert set(cameras_visible_to(operator)) == {camera}
    logged = BehaviourLog.objects.filter(verb__endswith="权限例外").order_by("id")
    assert [(row.object_name, row.detail["之前"] is None) for row in logged] == [
        ("王工", True),
        ("王工", False),
    ]


def test_exceptions_give_no_more_than_one_holds(
    company_desk: Desk,
    admin_desk: Desk,
    outsider: User,
    camera: Camera,
    other_company: Organisation,
) -> None:
    allow = {"username": "li", "action": "ptz", "effect": "allow"}
    send(company_desk, "rights_exceptions", **allow, camera=camera.number)
    assert set(cameras_visible_to(outsider, Action.PTZ)) == {camera}
    foreign = make_camera(other_company, 9)
    response = send(company_desk, "rights_exceptions", **allow, camera=foreign.number)
    assert response.status_code == 404
    CameraException.objects.create(
        user=company_desk.user,
        camera=camera,
        organisation=camera.organisation,
        action=Action.PTZ,
        is_denied=True,
    )
    assert send(company_desk, "rights_exceptions", **allow, camera=camera.number).status_code == 403
    # Not of one's own, nor of those above.
    for username in ("feng", "zhao"):
        deny = {"username": username, "action": "watch", "effect": "deny", "camera": camera.number}
        assert send(company_desk, "rights_exceptions", **deny).status_code == 403


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "没有用户名为“”的启用用户"),
        ({"username": "nobody"}, "没有用户名为“nobody”的启用用户"),
        ({"username": "wang"}, "请选择摄像机组，或填写摄像机"),
        ({"role": "monitor"}, "请选择角色及其所在单位"),
        ({"username": "wang", "camera": "{number}", "action": "users"}, "请选择操作"),
    ],
)
def test_odd_exceptions_are_said(
    form: dict[str, str], words: str, admin_desk: Desk, operator: User, camera: Camera
) -> None:
    filled = {name: value.format(number=camera.number) for name, value in form.items()}
    assert said(send(admin_desk, "rights_exceptions", **filled)) == words


# Partners and who can see it ----------------------------------------------------------------------


def test_partners_turn_what_is_opened_to_them(
    admin_desk: Desk, company_desk: Desk, ministry: Caller, camera: Camera, gantry: Camera
) -> None:
    numbers = f"{camera.number},{gantry.number}"
    response = send(admin_desk, "rights_ptz", ministry.partner.pk, how="open", numbers=numbers)
    assert said(response).startswith("2 路云台已开放给ministry")
    again = send(admin_desk, "rights_ptz", ministry.partner.pk, how="open", numbers=camera.number)
    assert said(again).startswith("0 路")
    closed = send(admin_desk, "rights_ptz", ministry.partner.pk, how="close", numbers=gantry.number)
    assert said(closed) == "1 路云台已对ministry收回"
    assert set(PtzGrant.objects.values_list("camera", flat=True)) == {camera.pk}
    details = BehaviourLog.objects.filter(object_kind="partner", detail__has_key="之前").order_by("id")
    assert [(row.verb, row.detail["之前"], row.detail["之后"]) for row in details] == [
        ("开放云台", {"路数": 0}, {"路数": 2}),
        ("收回云台", {"路数": 2}, {"路数": 1}),
    ]
    # A company alone neither opens to the ministry nor hides from it.
    assert send(company_desk, "rights_ptz", ministry.partner.pk, numbers=camera.number).status_code == 404
    hide: dict[str, Any] = {"partner": ministry.partner.pk, "camera": camera.number, "action": "watch"}
    assert send(company_desk, "rights_exceptions", **hide).status_code == 404
    assert said(send(admin_desk, "rights_exceptions", **hide)).startswith("已设置：禁止 ministry")
    page = admin_desk.page("rights_partners", partner=ministry.partner.pk)
    assert page.count('data-testid="opened"') == 1
    assert page.count('data-testid="exception"') == 1


def test_who_can_see_it_as_page_and_table(
    admin_desk: Desk,
    company_desk: Desk,
    operator: User,
    outsider: User,
    camera: Camera,
    other_company: Organisation,
) -> None:
    page = admin_desk.page("rights_watchers", camera=camera.number)
    assert [name in page for name in ("王工", "赵主任", "李工")] == [True, True, False]
    table = admin_desk.get("rights_watchers_table", camera=camera.number)
    assert isinstance(table, StreamingHttpResponse)
    rows = list(csv.reader(io.StringIO(b"".join(table).decode("utf-8-sig"))))
    assert rows[2][0] == "冯工（feng）"
    assert BehaviourLog.objects.filter(verb="导出可查看人员", object_id=camera.pk).exists()
    foreign = make_camera(other_company, 9)
    for name in ("rights_watchers", "rights_watchers_table"):
        assert company_desk.get(name, camera=foreign.number).status_code == 404


def test_what_changed_is_told_below_who_can_see_it(
    admin_desk: Desk, operator: User, camera: Camera, company: Organisation
) -> None:
    group = CameraGroup.objects.create(name="重点", organisation=company)
    send(admin_desk, "rights_members", group.pk, how="numbers", numbers=camera.number)
    page = admin_desk.page("rights_group", group.pk)
    assert page.count('data-testid="group-change"') == 1
    assert f"加入 1 路 {camera.name}" in page and "赵主任" in page
    page = admin_desk.page("rights_watchers", camera=camera.number)
    assert "加入组“重点”" in page and "授予王工：山东高速的云台操作员" in page
