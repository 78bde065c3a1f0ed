"""Who may still watch, asked of many pairs at once, is what `cameras_visible_to` and `cameras_of` say one by one."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.choices import DUTIES, Action, PartnerKind, Role, Scope
from access.models import Organisation, Partner, StaffRole, User
from access.services.organisations import place_department
from cameras.entitlement import partners_entitled, staff_entitled
from cameras.models import Camera, CameraException, CameraGroup, GroupMember
from cameras.selectors import cameras_of, cameras_visible_to
from tests.cast import make_caller
from tests.ptz.ledger import make_camera

pytestmark = pytest.mark.django_db

WORK_ROLES = [role for role in Role if role not in DUTIES]
HOUR = timedelta(hours=1)


class World:
    """Rights of every kind, drawn at random: three levels of organisations, people, partners, groups, exceptions."""

    def __init__(self, seed: int, province: Organisation) -> None:
        self.dice = random.Random(seed)
        self.nodes = [province]
        for department in ("山东高速", "齐鲁交通"):
            self.nodes.append(place_department(within=province, department=department, road_section=""))
            for section in ("济南管理处", "泰安管理处"):
                self.nodes.append(
                    place_department(within=province, department=department, road_section=section)
                )
        self.cameras = [make_camera(self.dice.choice(self.nodes), number) for number in range(12)]
        Camera.objects.filter(pk=self.cameras[0].pk).update(deleted_at=timezone.now())
        Camera.objects.filter(pk=self.cameras[1].pk).update(is_pending=True)
        self.people = [self._person(n) for n in range(8)]
        self.partners = [self._partner(n) for n in range(3)]
        self.groups = [self._group(n) for n in range(3)]
        for _ in range(14):
            self._exception()

    def _span(self) -> dict[str, datetime]:
        now = timezone.now()
        return self.dice.choice(
            [{}, {}, {"valid_until": now + HOUR}, {"valid_from": now + HOUR}, {"valid_until": now - HOUR}]
        )

    def _person(self, n: int) -> User:
        person = User.objects.create(username=f"p-{n}", is_superuser=n == 0, is_active=n != 1)
        for role in self.dice.sample(WORK_ROLES, self.dice.randrange(3)):
            StaffRole.objects.create(
                user=person, role=role, organisation=self.dice.choice(self.nodes), **self._span()
            )
        return person

    def _partner(self, n: int) -> Partner:
        return make_caller(PartnerKind.MINISTRY, f"BJ-{n}", f"m-{n}", self.dice.choice(self.nodes)).partner

    def _group(self, n: int) -> CameraGroup:
        group = CameraGroup.objects.create(name=f"组 {n}", organisation=self.dice.choice(self.nodes))
        for camera in self.dice.sample(self.cameras, 3):
            GroupMember.objects.create(group=group, camera=camera)
        return group

    def _exception(self) -> None:
        subject: dict[str, Any] = self.dice.choice(
            [
                {"user": self.dice.choice(self.people)},
                {"role": self.dice.choice(WORK_ROLES), "role_at": self.dice.choice(self.nodes)},
                {"partner": self.dice.choice(self.partners)},
            ]
        )
        target: dict[str, Any] = self.dice.choice(
            [{"camera": self.dice.choice(self.cameras)}, {"group": self.dice.choice(self.groups)}]
        )
        is_hiding = "partner" in subject
        CameraException.objects.create(
            **subject,
            **target,
            organisation=self.dice.choice(self.nodes),
            action=Action.WATCH if is_hiding else self.dice.choice([Action.WATCH, Action.PTZ, Action.LEDGER]),
            is_denied=is_hiding or self.dice.random() < 0.4,
            **self._span(),
        )


@pytest.mark.parametrize("seed", range(6))
def test_it_says_the_same_as_the_lists_of_cameras(seed: int, province: Organisation) -> None:
    world = World(seed, province)
    pairs = {(person.pk, camera.pk) for person in world.people for camera in world.cameras}
    shown = {
        (person.pk, pk)
        for person in world.people
        for pk in cameras_visible_to(person).values_list("pk", flat=True)
    }
    assert staff_entitled(pairs) == shown
    offered = {(partner.pk, camera.pk) for partner in world.partners for camera in world.cameras}
    given = {
        (partner.pk, pk)
        for partner in world.partners
        for pk in cameras_of(partner).values_list("pk", flat=True)
    }
    assert partners_entitled(offered) == given
    # A world in which nobody, or everybody, may watch would prove nothing.
    assert 0 < len(shown) < len(pairs)


def test_a_partner_needs_to_be_active_and_let_play(province: Organisation) -> None:
    camera = make_camera(province, 1)
    partner = make_caller(PartnerKind.MINISTRY, "BJ-1", "m-1", province).partner
    pair = {(partner.pk, camera.pk)}
    assert partners_entitled(pair) == pair
    Partner.objects.update(scopes=[Scope.SNAPSHOT])
    assert partners_entitled(pair) == set()
    Partner.objects.update(scopes=[Scope.PLAY], is_active=False)
    assert partners_entitled(pair) == set()


def test_nobody_is_nobody(province: Organisation) -> None:
    assert staff_entitled([(7, make_camera(province, 1).pk)]) == set()
    assert partners_entitled([(7, 7)]) == set()
    assert (staff_entitled([]), partners_entitled([])) == (set(), set())


def test_superusers_are_out_when_the_three_are_there(
    superuser: User, province: Organisation, settings: LazySettings
) -> None:
    pair = {(superuser.pk, make_camera(province, 1).pk)}
    assert staff_entitled(pair) == pair
    settings.SEPARATE_DUTIES = True
    assert staff_entitled(pair) == pair
    for role in DUTIES:
        StaffRole.objects.create(user=User.objects.create(username=role), role=role, organisation=province)
    assert staff_entitled(pair) == set()


def test_the_number_of_reads_does_not_grow(province: Organisation) -> None:
    world = World(3, province)
    few = [(world.people[3].pk, world.cameras[3].pk)]
    many = [(person.pk, camera.pk) for person in world.people for camera in world.cameras]
    with CaptureQueriesContext(connection) as small:
        staff_entitled(few)
    with CaptureQueriesContext(connection) as large:
        staff_entitled(many)
    # One more: whether superusers count at all.
    assert len(large) <= len(small) + 1 <= 6
