"""Which cameras somebody may do what with, by roles and by exceptions from them, and who can see one."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.choices import Action, Role
from access.models import Organisation, StaffRole, User
from cameras.models import Camera, CameraException, CameraGroup, GroupMember
from cameras.selectors import cameras_of, cameras_visible_to
from cameras.visibility import actions_open_to, may_somewhere
from cameras.watchers import Watcher, watchers_of
from tests.cast import Caller
from tests.ptz.ledger import make_camera

pytestmark = pytest.mark.django_db

SOON = timedelta(minutes=5)


@pytest.fixture
def camera(office: Organisation) -> Camera:
    return make_camera(office, 1)


@pytest.fixture
def second(office: Organisation) -> Camera:
    return make_camera(office, 2)


def excepted(camera: Camera, action: Action = Action.WATCH, *, deny: bool, **more: Any) -> CameraException:
    return CameraException.objects.create(
        camera=camera, organisation=camera.organisation, action=action, is_denied=deny, **more
    )


def grouped(organisation: Organisation, *cameras: Camera) -> CameraGroup:
    group = CameraGroup.objects.create(name="重点", organisation=organisation)
    GroupMember.objects.bulk_create([GroupMember(group=group, camera=camera) for camera in cameras])
    return group


def sees(user: User, action: Action = Action.WATCH) -> set[Camera]:
    return set(cameras_visible_to(user, action))


def test_a_camera_is_denied_to_one_person(operator: User, camera: Camera, second: Camera) -> None:
    excepted(camera, Action.PTZ, deny=True, user=operator)
    assert sees(operator) == {camera, second}
    assert sees(operator, Action.PTZ) == {second}


def test_a_denial_to_watch_hides_it_altogether(operator: User, camera: Camera, second: Camera) -> None:
    excepted(camera, deny=True, user=operator)
    for action in (Action.WATCH, Action.SNAPSHOT, Action.PTZ):
        assert sees(operator, action) == {second}


def test_another_company_lets_somebody_in(outsider: User, camera: Camera, second: Camera) -> None:
    excepted(camera, Action.SNAPSHOT, deny=False, user=outsider)
    assert sees(outsider) == sees(outsider, Action.SNAPSHOT) == {camera}
    assert sees(outsider, Action.PTZ) == set()


def test_a_denial_wins(outsider: User, company: Organisation, camera: Camera, second: Camera) -> None:
    group = grouped(company, camera, second)
    CameraException.objects.create(
        group=group, organisation=company, action=Action.WATCH, is_denied=False, user=outsider
    )
    assert sees(outsider) == {camera, second}
    excepted(camera, deny=True, user=outsider)
    assert sees(outsider) == {second}


def test_an_exception_for_a_role_concerns_its_holders_there_and_below(
    operator: User, outsider: User, province: Organisation, other_company: Organisation, camera: Camera
) -> None:
    row = excepted(camera, deny=True, role=Role.PTZ_OPERATOR, role_at=other_company)
    assert sees(operator) == {camera}
    CameraException.objects.filter(pk=row.pk).update(role_at=province)
    assert sees(operator) == set()
    CameraException.objects.filter(pk=row.pk).update(role=Role.MONITOR)
    assert sees(operator) == {camera}


def test_what_ended_counts_for_nothing_at_once(operator: User, outsider: User, camera: Camera) -> None:
    now = timezone.now()
    excepted(camera, deny=False, user=outsider, valid_from=now - SOON, valid_until=now)
    excepted(camera, deny=False, user=outsider, valid_from=now + SOON)
    assert sees(outsider) == set()
    assert not may_somewhere(User.objects.create(username="new"), Action.WATCH)
    StaffRole.objects.filter(user=operator).update(valid_until=now)
    assert sees(operator) == set()
    StaffRole.objects.filter(user=operator).update(valid_until=now + SOON)
    assert sees(operator) == {camera}
    StaffRole.objects.filter(user=operator).update(valid_from=now + SOON)
    assert sees(operator) == set()


def test_a_camera_that_left_the_company_is_no_longer_allowed_by_it(
    outsider: User, province: Organisation, company: Organisation, camera: Camera, second: Camera
) -> None:
    excepted(camera, deny=False, user=outsider)
    group = grouped(company, second)
    CameraException.objects.create(
        group=group, organisation=company, action=Action.WATCH, is_denied=False, user=outsider
    )
    assert sees(outsider) == {camera, second}
    third = Organisation.objects.create(parent=province, name="鲁南公司", kind=1)
    Camera.objects.update(organisation=third)
    assert sees(outsider) == set()


def test_somebody_with_nothing_but_an_exception_gets_in(camera: Camera) -> None:
    guest = User.objects.create(username="guest")
    assert not may_somewhere(guest, Action.WATCH)
    excepted(camera, Action.PTZ, deny=False, user=guest)
    assert actions_open_to(guest) == {Action.WATCH, Action.PTZ}
    assert may_somewhere(guest, Action.PTZ)
    assert not may_somewhere(guest, Action.LEDGER)
    guest.is_active = False
    assert sees(guest) == set()
    assert actions_open_to(guest) == set()


def test_exceptions_do_not_concern_superusers(superuser: User, camera: Camera) -> None:
    excepted(camera, deny=True, user=superuser)
    assert sees(superuser) == {camera}


@pytest.mark.parametrize("count", [3, 30])
def test_the_number_of_queries_does_not_grow(
    count: int, operator: User, company: Organisation, office: Organisation
) -> None:
    cameras = [make_camera(office, number) for number in range(count)]
    group = grouped(company, *cameras[::2])
    for camera in cameras:
        excepted(camera, Action.PTZ, deny=True, user=operator)
    CameraException.objects.create(
        group=group, organisation=company, action=Action.WATCH, is_denied=False, user=operator
    )
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert len(cameras_visible_to(operator)) == count
    # Roles, exceptions, cameras.
    assert len(queries) == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"user": None},
        {"role": Role.MONITOR},
        {"camera": None},
        {"user": None, "role": Role.MONITOR},
    ],
)
def test_an_exception_names_one_subject_and_one_object(
    wrong: dict[str, object], operator: User, camera: Camera
) -> None:
    given: dict[str, Any] = {"user": operator, "camera": camera, **wrong}
    with pytest.raises(IntegrityError), transaction.atomic():
        CameraException.objects.create(
            organisation=camera.organisation, action=Action.WATCH, is_denied=True, **given
        )


# Partners -----------------------------------------------------------------------------------------


def test_a_hidden_camera_is_not_there_for_the_partner(
    ministry: Caller, camera: Camera, second: Camera, company: Organisation
) -> None:
    assert ministry.get("GetCameraPlayURL", cameraNum=second.number)["code"] != 404
    row = excepted(camera, deny=True, partner=ministry.partner)
    group = grouped(company, second)
    CameraException.objects.create(
        group=group, organisation=company, action=Action.WATCH, is_denied=True, partner=ministry.partner
    )
    assert set(cameras_of(ministry.partner)) == set()
    unknown = ministry.get("GetCameraPlayURL", cameraNum="none")
    for hidden in (camera, second):
        for verb, more in (
            ("GetCameraPlayURL", {}),
            ("SnapShot", {}),
            ("PTZControl", {"action": 1, "step": 1}),
        ):
            answer = ministry.get(verb, cameraNum=hidden.number, **more)
            assert (answer["code"], answer["msg"]) == (404, unknown["msg"].replace("none", hidden.number))
    assert ministry.get("GetCameraStatus")["total"] == 0
    CameraException.objects.filter(pk=row.pk).update(valid_until=timezone.now())
    assert set(cameras_of(ministry.partner)) == {camera}


def test_partners_can_only_be_kept_from_cameras(ministry: Caller, camera: Camera) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        excepted(camera, deny=False, partner=ministry.partner)


# Who can see it -----------------------------------------------------------------------------------


def names(rows: list[Watcher]) -> dict[str, tuple[set[str], list[str]]]:
    return {row.name: (set(map(str, row.actions)), [*row.reasons, *row.denials]) for row in rows}


def test_who_can_see_a_camera_and_why(
    operator: User,
    outsider: User,
    province_admin: User,
    ministry: Caller,
    gateway_partner: Caller,
    camera: Camera,
) -> None:
    until = datetime(2030, 1, 2, 3, 0, tzinfo=timezone.get_current_timezone())
    excepted(camera, Action.SNAPSHOT, deny=False, user=outsider, valid_until=until)
    excepted(camera, Action.PTZ, deny=True, role=Role.PTZ_OPERATOR, role_at=camera.organisation.parent)
    found = names(watchers_of(camera, timezone.now()))
    assert found == {
        "王工（wang）": (
            {"watch", "snapshot"},
            ["山东高速的云台操作员", "例外：禁止云台控制，按云台操作员"],
        ),
        "赵主任（zhao）": ({"watch", "snapshot", "ptz", "ledger"}, ["示范省的省中心管理员"]),
        "李工（li）": ({"watch", "snapshot"}, ["例外：允许查看截图，至 2030-01-02 03:00"]),
        "ministry": ({"watch", "snapshot"}, ["单位范围 示范省"]),
    }
    excepted(camera, deny=True, partner=ministry.partner)
    assert names(watchers_of(camera, timezone.now()))["ministry"][0] == set()


def test_who_could_see_it_then(operator: User, camera: Camera) -> None:
    now = timezone.now()
    StaffRole.objects.filter(user=operator).update(granted_at=now - 3 * SOON, valid_until=now - SOON)
    assert watchers_of(camera, now) == []
    assert [row.name for row in watchers_of(camera, now - 2 * SOON)] == ["王工（wang）"]
    assert watchers_of(camera, now - 4 * SOON) == []


def test_who_can_see_it_agrees_with_what_they_see(
    operator: User, outsider: User, province_admin: User, superuser: User, camera: Camera
) -> None:
    excepted(camera, Action.LEDGER, deny=False, user=outsider)
    excepted(camera, deny=True, user=province_admin)
    excepted(camera, deny=True, user=superuser)
    found = {row.name: row.actions for row in watchers_of(camera, timezone.now())}
    for user in (operator, outsider, province_admin, superuser):
        actions = found[f"{user.display_name}（{user.username}）"]
        for action in (Action.WATCH, Action.SNAPSHOT, Action.PTZ, Action.LEDGER):
            assert (action in actions) == (camera in sees(user, action)), (user, action)
