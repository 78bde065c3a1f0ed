"""What an inspector asks of one camera: who could see it then, and what changed of the rights on it since."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from time_machine import TimeMachineFixture

from access.actors import Actor
from access.choices import Action, ActorKind, Role
from access.models import Organisation, StaffRole, User
from access.services.rights import end_role, grant_role
from cameras.choices import ChangeAct, ChangeSource
from cameras.models import Camera, CameraException, CameraGroup
from cameras.rights_changes import rights_changes
from cameras.services.history import Change, keep_changes
from cameras.services.rights import (
    Subject,
    add_members,
    create_group,
    drop_members,
    end_exception,
    make_exception,
    remove_group,
)
from cameras.watchers import watchers_of
from tests.console.uplink import NOON
from tests.ptz.ledger import make_camera

pytestmark = pytest.mark.django_db

HOUR = 3600


@pytest.fixture
def camera(office: Organisation) -> Camera:
    return make_camera(office, 1)


@pytest.fixture
def actor(superuser: User) -> Actor:
    return Actor(ActorKind.STAFF, superuser.pk, "赵主任", None)


@pytest.fixture
def clock(time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    return time_machine


@pytest.fixture
def group(superuser: User, company: Organisation, actor: Actor) -> CameraGroup:
    return create_group(by=superuser, name="重点", organisation=company, actor=actor)


def told(camera: Camera) -> list[tuple[str, str, str]]:
    """Kind, words and author, the oldest first."""
    found = rights_changes(camera, timezone.now() - timedelta(days=180))
    return [(row.kind, row.words, row.by) for row in reversed(found)]


def test_by_a_group_those_could_see_it_while_it_was_in(
    superuser: User, outsider: User, group: CameraGroup, camera: Camera, actor: Actor, clock: TimeMachineFixture
) -> None:
    CameraException.objects.create(
        group=group, organisation=group.organisation, action=Action.WATCH, is_denied=False, user=outsider
    )
    moments = []
    for comes in (True, False, True):
        clock.shift(HOUR)
        if comes:
            add_members(by=superuser, group=group, cameras=Camera.objects.all(), actor=actor)
        else:
            drop_members(by=superuser, group=group, camera_ids=[camera.pk], actor=actor)
        clock.shift(HOUR)
        moments.append(timezone.now())
    seen = [{row.name for row in watchers_of(camera, at)} & {"李工（li）"} for at in (moments[0] - 2 * timedelta(hours=1), *moments)]
    assert list(map(bool, seen)) == [False, True, False, True]


def test_each_change_with_who_made_it(
    superuser: User,
    outsider: User,
    camera: Camera,
    company: Organisation,
    other_company: Organisation,
    actor: Actor,
    clock: TimeMachineFixture,
) -> None:
    given: dict[str, Any] = {"granter": superuser, "user": outsider, "role": Role.MONITOR, "actor": actor}
    role = grant_role(organisation=company, **given)
    # Neither on cameras of others, nor what opens none.
    grant_role(organisation=other_company, **{**given, "role": Role.PTZ_OPERATOR})
    grant_role(organisation=company, **{**given, "role": Role.AUDITOR})
    clock.shift(HOUR)
    grant_role(organisation=company, valid_until=NOON + timedelta(days=9), **given)
    clock.shift(HOUR)
    group = create_group(by=superuser, name="重点", organisation=company, actor=actor)
    add_members(by=superuser, group=group, cameras=Camera.objects.all(), actor=actor)
    clock.shift(HOUR)
    subject, action = Subject(user=outsider), Action.PTZ
    made = make_exception(
        by=superuser, subject=subject, target=group, action=action, is_denied=False, reason="检修", actor=actor
    )
    clock.shift(HOUR)
    end_exception(by=superuser, exception_id=made.pk, actor=actor)
    clock.shift(HOUR)
    end_role(granter=superuser, role_id=role.pk, user=outsider, actor=actor)
    clock.shift(HOUR)
    drop_members(by=superuser, group=group, camera_ids=[camera.pk], actor=actor)
    clock.shift(HOUR)
    moved = Change(camera.pk, ChangeAct.MODIFIED, (("organisation_id", camera.organisation_id, company.pk),))
    keep_changes([moved], actor=actor, source=ChangeSource.ADMIN, now=timezone.now())
    found = told(camera)
    assert {by for _, _, by in found} == {"赵主任"}
    assert [(kind, words) for kind, words, _ in found] == [
        ("角色", "授予李工：山东高速的值班监控员"),
        ("角色", "修改李工（li）的期限：值班监控员 · 山东高速"),
        ("摄像机组", "加入组“重点”"),
        ("例外", "新增例外：允许李工云台控制（组“重点”），检修"),
        ("例外", "例外结束：允许李工云台控制（组“重点”）"),
        ("角色", "李工不再是山东高速的值班监控员"),
        ("摄像机组", "移出组“重点”"),
        ("所属单位", "单位由“山东高速 / 济南管理处”改为“山东高速”"),
    ]


def test_what_ran_out_by_itself_has_no_author(operator: User, camera: Camera, clock: TimeMachineFixture) -> None:
    long_ago = NOON - timedelta(days=200)
    StaffRole.objects.filter(user=operator).update(granted_at=long_ago, valid_until=NOON)
    clock.shift(HOUR)
    assert told(camera) == [("角色", "王工不再是山东高速的云台操作员", "")]
    clock.shift(timedelta(days=181))
    assert told(camera) == []


def test_a_group_that_is_gone_is_remembered(
    superuser: User, group: CameraGroup, camera: Camera, actor: Actor, clock: TimeMachineFixture
) -> None:
    add_members(by=superuser, group=group, cameras=Camera.objects.all(), actor=actor)
    remove_group(by=superuser, group=group, actor=actor)
    rows = [row for row in told(camera) if row[0] == "摄像机组"]
    assert rows == [("摄像机组", "加入组“重点”", "赵主任"), ("摄像机组", "移出组“重点”", "赵主任")]


def test_queries_do_not_grow(superuser: User, outsider: User, camera: Camera, actor: Actor, company: Organisation) -> None:
    def happen(number: int) -> None:
        group = create_group(by=superuser, name=f"组 {number}", organisation=company, actor=actor)
        add_members(by=superuser, group=group, cameras=Camera.objects.all(), actor=actor)
        CameraException.objects.create(
            camera=camera, organisation=company, action=Action.PTZ, is_denied=True, user=outsider
        )

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            told(camera)
        return len(queries)

    happen(0)
    before = count()
    for number in range(1, 10):
        happen(number)
    assert count() == before
