"""以此用户查看: read only, logged at both ends, over after 30 minutes, never of somebody with more rights."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from time_machine import TimeMachineFixture

from access.choices import Action, Role
from access.models import BehaviourLog, Organisation, SecondFactor, StaffRole, User
from access.services.staff import create_staff
from cameras.models import Camera, CameraException
from console.viewing_as import may_view_as
from streaming.models import MediaServer
from streaming.uids import staff_uid
from tests.cast import PASSWORD
from tests.console.desk import Desk, refusal_of, text_of
from tests.console.uplink import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    return time_machine


def begin(desk: Desk, user: User) -> int:
    return desk.client.post(f"/rights/users/{user.pk}/view/").status_code


def logged() -> list[tuple[str, str, str]]:
    rows = BehaviourLog.objects.filter(verb__contains="以用户身份查看").order_by("id")
    return [(row.verb[:2], row.actor_name, row.reason) for row in rows]


def test_the_administrator_sees_what_the_user_sees(
    admin_desk: Desk, outsider: User, camera: Camera, media_server: MediaServer
) -> None:
    assert admin_desk.get("card", camera.pk).status_code == 200
    assert begin(admin_desk, outsider) == 200
    assert admin_desk.get("card", camera.pk).status_code == 404
    for name in ("wall", "online"):
        page = admin_desk.page(name)
        assert 'data-testid="view-as-banner"' in page
        assert "李工" in page
        assert "赵主任 发起" in page
    assert admin_desk.get("rights").status_code == 403
    ended = admin_desk.client.post("/rights/view/end/")
    assert ended.headers["Location"] == "/rights/"
    assert admin_desk.get("card", camera.pk).status_code == 200
    assert "view-as-banner" not in admin_desk.page("wall")
    assert logged() == [("开始", "赵主任", "至多 30 分钟，只读"), ("结束", "赵主任", "点击结束")]


def test_nothing_is_changed(
    admin_desk: Desk, operator: User, camera: Camera, media_server: MediaServer
) -> None:
    begin(admin_desk, operator)
    order = admin_desk.post("ptz", camera.pk, body={"action": 1, "step": 1})
    assert refusal_of(order, 403) == "正在以他人身份查看：只能看，不能操作"
    for path in ("/rights/users/new/", "/admin/", "/ministry/1/retry/", "/login/"):
        assert admin_desk.client.post(path).status_code in (403, 404), path
    # Watching is no change, and counted as the administrator's own.
    playing = admin_desk.post("play", camera.pk, body={"type": 0})
    assert playing.status_code == 200
    assert f"-{staff_uid(admin_desk.user.pk)}-" in text_of(playing)
    assert f"-{staff_uid(operator.pk)}-" not in text_of(playing)


def test_what_is_the_users_alone_is_not_even_looked_at(admin_desk: Desk, operator: User) -> None:
    begin(admin_desk, operator)
    for path in ("/account/", "/account/factor/", "/account/password/"):
        assert admin_desk.client.get(path).status_code == 403, path
    assert not SecondFactor.objects.filter(user=operator).exists()


def test_what_is_logged_meanwhile_names_who_sits_there(admin_desk: Desk, operator: User) -> None:
    begin(admin_desk, operator)
    admin_desk.get("online_table")
    row = BehaviourLog.objects.get(verb="导出在线统计")
    assert (row.actor_id, row.actor_name) == (admin_desk.user.pk, "赵主任（以 王工 查看）")


def test_it_ends_after_half_an_hour(
    admin_desk: Desk, outsider: User, camera: Camera, clock: TimeMachineFixture
) -> None:
    begin(admin_desk, outsider)
    clock.move_to(NOON + timedelta(minutes=29), tick=False)
    assert admin_desk.get("card", camera.pk).status_code == 404
    clock.move_to(NOON + timedelta(minutes=30, seconds=1), tick=False)
    assert admin_desk.get("card", camera.pk).status_code == 200
    assert logged()[-1] == ("结束", "赵主任", "已满 30 分钟")


def test_looking_as_a_big_screen_nobody_stays_signed_in_by_polls(
    admin_desk: Desk, operator: User, clock: TimeMachineFixture, settings: LazySettings
) -> None:
    User.objects.filter(pk=operator.pk).update(screen_networks=["10.8.1.0/24"])
    assert begin(admin_desk, operator) == 200
    clock.shift(settings.CONSOLE_IDLE_SECONDS - 60)
    assert admin_desk.get("state").status_code == 200
    clock.shift(61)
    assert admin_desk.get("state").status_code == 401


def test_it_ends_with_the_sign_out(admin_desk: Desk, outsider: User) -> None:
    begin(admin_desk, outsider)
    admin_desk.client.post("/logout/")
    assert logged()[-1] == ("结束", "赵主任", "退出登录")
    assert BehaviourLog.objects.get(verb="退出").actor_name == "赵主任"
    assert admin_desk.get("wall").status_code == 302


def test_it_ends_when_the_user_comes_to_hold_more(
    neighbour_desk: Desk, outsider: User, company: Organisation, camera: Camera
) -> None:
    assert begin(neighbour_desk, outsider) == 200
    CameraException.objects.create(
        user=outsider, camera=camera, organisation=company, action=Action.WATCH, is_denied=False
    )
    assert neighbour_desk.get("card", camera.pk).status_code == 404
    assert logged()[-1] == ("结束", "周工", "权限已变化")


def test_it_ends_with_the_right_to_oversee(admin_desk: Desk, operator: User) -> None:
    begin(admin_desk, operator)
    StaffRole.objects.filter(user=admin_desk.user).update(role=Role.MONITOR)
    assert "view-as-banner" not in admin_desk.page("wall")
    assert logged()[-1] == ("结束", "赵主任", "权限已变化")


def test_never_of_somebody_with_more_rights(
    admin_desk: Desk,
    neighbour_desk: Desk,
    operator: User,
    outsider: User,
    superuser: User,
    other_company: Organisation,
    province: Organisation,
) -> None:
    neighbour = neighbour_desk.user
    assert may_view_as(neighbour, outsider)
    assert begin(neighbour_desk, operator) == 404
    assert not may_view_as(neighbour, operator)
    assert begin(neighbour_desk, neighbour) == 403
    assert not may_view_as(neighbour, admin_desk.user)
    assert not may_view_as(admin_desk.user, superuser)
    auditor = create_staff(username="qian", password=PASSWORD, role=Role.AUDITOR, organisation=province)
    assert begin(admin_desk, auditor) == 403
    outsider.is_active = False
    outsider.save()
    assert begin(neighbour_desk, outsider) == 403
    assert logged() == []


def test_not_by_somebody_whose_cameras_are_fewer(
    neighbour_desk: Desk, outsider: User, other_company: Organisation, camera: Camera
) -> None:
    Camera.objects.update(organisation=other_company)
    CameraException.objects.create(
        user=neighbour_desk.user,
        camera=camera,
        organisation=other_company,
        action=Action.WATCH,
        is_denied=True,
    )
    assert begin(neighbour_desk, outsider) == 403


def test_what_an_exception_changes_within_ones_own_cameras_does_not_matter(
    neighbour_desk: Desk, outsider: User, other_company: Organisation, camera: Camera
) -> None:
    Camera.objects.update(organisation=other_company)
    except_ = {"camera": camera, "organisation": other_company}
    CameraException.objects.create(user=outsider, action=Action.PTZ, is_denied=False, **except_)
    assert may_view_as(neighbour_desk.user, outsider)
    CameraException.objects.create(user=neighbour_desk.user, action=Action.PTZ, is_denied=True, **except_)
    assert not may_view_as(neighbour_desk.user, outsider)
    CameraException.objects.create(user=outsider, action=Action.WATCH, is_denied=True, **except_)
    assert may_view_as(neighbour_desk.user, outsider)


def test_without_exceptions_no_camera_is_looked_at(neighbour_desk: Desk, outsider: User) -> None:
    """It is asked at every request of a look."""
    with CaptureQueriesContext(connection) as asked:
        assert may_view_as(neighbour_desk.user, outsider)
    assert not any('FROM "cameras_camera"' in query["sql"] for query in asked.captured_queries)
