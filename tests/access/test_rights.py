"""Which role may do what where."""

import pytest

from access.choices import ROLE_ACTIONS, Action, Role
from access.models import Organisation, User
from access.selectors import actions_allowed, is_allowed, organisations_visible_to, paths_allowed
from access.services.staff import create_staff
from tests.cast import PASSWORD

pytestmark = pytest.mark.django_db

# Rows as the control room knows them; the columns are watch, snapshot, ptz, ledger, alarm, users, ministry, audit,
# oversee, grant, operator_log.
MATRIX = {
    Role.MONITOR: "xx..x......",
    Role.PTZ_OPERATOR: "xxx.x......",
    Role.SECTION_ADMIN: "xxxxx......",
    Role.PROVINCE_ADMIN: "xxxxxxx.xx.",
    Role.AUDITOR: ".......x...",
    Role.SYSTEM: ".....x..x..",
    Role.SECURITY: "........xxx",
    Role.AUDIT: ".......x...",
}


@pytest.mark.parametrize("role", Role)
def test_role_by_action_by_place(
    role: Role,
    province: Organisation,
    company: Organisation,
    office: Organisation,
    other_company: Organisation,
) -> None:
    user = create_staff(username="somebody", password=PASSWORD, role=role, organisation=company)
    for action, mark in zip(Action, MATRIX[role], strict=True):
        allowed = [is_allowed(user, action, place) for place in (company, office, province, other_company)]
        expected = mark == "x"
        assert allowed == [expected, expected, False, False], action
        visible = {company, office} if expected else set()
        assert set(organisations_visible_to(user, action)) == visible, action
    assert actions_allowed(user) == {action for action in Action if is_allowed(user, action, company)}


def test_every_role_is_in_the_matrix() -> None:
    assert set(MATRIX) == set(ROLE_ACTIONS) == set(Role)


def test_roles_add_up(operator: User, other_company: Organisation) -> None:
    operator.roles.create(role=Role.MONITOR, organisation=other_company)
    assert len(paths_allowed(operator, Action.WATCH)) == 2
    assert not is_allowed(operator, Action.PTZ, other_company)


def test_a_name_that_begins_alike_is_not_below(province: Organisation, operator: User) -> None:
    """Path /1/7/ is no prefix of /1/70/."""
    (path,) = paths_allowed(operator, Action.WATCH)
    lookalike = Organisation.objects.create(parent=province, name="相似", kind=1)
    Organisation.objects.filter(pk=lookalike.pk).update(path=path[:-1] + "0/")
    assert lookalike.pk not in organisations_visible_to(operator).values_list("pk", flat=True)


def test_somebody_without_a_role_sees_nothing(province: Organisation) -> None:
    nobody = create_staff(username="nobody", password=PASSWORD)
    assert not any(organisations_visible_to(nobody, action).exists() for action in Action)


def test_somebody_switched_off_sees_nothing(operator: User, superuser: User) -> None:
    for user in (operator, superuser):
        assert organisations_visible_to(user).exists()
        user.is_active = False
        assert not organisations_visible_to(user).exists()


def test_what_somebody_may_do_anywhere(operator: User, superuser: User, other_company: Organisation) -> None:
    operator.roles.create(role=Role.AUDITOR, organisation=other_company)
    assert actions_allowed(operator) == {
        *(Action.WATCH, Action.SNAPSHOT, Action.PTZ, Action.ALARM, Action.AUDIT)
    }
    assert actions_allowed(superuser) == set(Action)
    for user in (operator, superuser):
        user.is_active = False
        assert actions_allowed(user) == set()
