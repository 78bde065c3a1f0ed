"""三员: users, rights and logs are kept by three different people (threats.md 15)."""

import io
import json
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.checks import Tags, run_checks
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from access.actors import SYSTEM, Actor
from access.choices import DUTIES, ROLE_ACTIONS, Action, ActorKind, Role
from access.models import BehaviourLog, Organisation, StaffRole, User
from access.selectors import actions_allowed, actions_of
from access.services.accounts import switch_account
from access.services.logs import record
from access.services.rights import grantable_roles
from access.services.staff import create_staff
from cameras.visibility import logs_visible_to
from protocol.errors import ForbiddenError
from tests.cast import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("province")]


@pytest.fixture(autouse=True)
def separate(settings: LazySettings) -> None:
    settings.SEPARATE_DUTIES = True


@pytest.fixture
def three() -> dict[str, User]:
    call_command("setup_administrators", stdout=io.StringIO())
    return {role.value: User.objects.get(roles__role=role) for role in DUTIES}


def signed_in(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def findings() -> list[str | None]:
    return [found.id for found in run_checks(tags=[Tags.database], databases=["default"]) if found.id]


def test_the_first_set_up_makes_three_who_can_sign_in() -> None:
    output = io.StringIO()
    call_command("setup_administrators", stdout=output)
    handed: dict[str, Any] = json.loads(output.getvalue())
    assert set(handed) == {"system", "security", "audit"}
    for given in handed.values():
        assert Client().login(**given)
    with pytest.raises(CommandError, match="三员已经建立"):
        call_command("setup_administrators", stdout=io.StringIO())


def test_what_each_may_do(three: dict[str, User]) -> None:
    assert {duty: actions_allowed(user) for duty, user in three.items()} == {
        "system": {Action.USERS, Action.OVERSEE},
        "security": {Action.GRANT, Action.OVERSEE, Action.OPERATOR_LOG},
        "audit": {Action.AUDIT},
    }
    shared = [action for action in Action if sum(action in ROLE_ACTIONS[duty] for duty in DUTIES) > 1]
    # To look at rights is not to set them.
    assert shared == [Action.OVERSEE]


def test_other_roles_keep_their_work_and_leave_the_three_theirs(settings: LazySettings) -> None:
    assert actions_of(Role.PROVINCE_ADMIN) == {
        *(Action.WATCH, Action.SNAPSHOT, Action.PTZ, Action.LEDGER, Action.ALARM, Action.MINISTRY, Action.OVERSEE)
    }
    settings.SEPARATE_DUTIES = False
    assert {Action.USERS, Action.GRANT} <= actions_of(Role.PROVINCE_ADMIN)


@pytest.mark.parametrize("second", DUTIES)
def test_nobody_holds_two(second: Role, three: dict[str, User], company: Organisation) -> None:
    for user in three.values():
        with pytest.raises(IntegrityError), transaction.atomic():
            StaffRole.objects.create(user=user, role=second, organisation=company)


def test_the_three_get_no_other_role(three: dict[str, User], province: Organisation) -> None:
    browser = signed_in(three["security"])
    url = reverse("console:rights_grant", args=[three["system"].pk, province.pk])
    assert browser.post(url, {"role": "monitor"}).status_code == 403
    assert findings() == []
    StaffRole.objects.create(user=three["system"], role=Role.AUDITOR, organisation=province)
    assert findings() == ["access.E026"]


def test_a_duty_is_for_good(three: dict[str, User]) -> None:
    from django.utils import timezone

    with pytest.raises(IntegrityError), transaction.atomic():
        StaffRole.objects.filter(role=Role.SYSTEM).update(valid_until=timezone.now())


def test_superusers_are_refused_once_the_three_are_there(superuser: User) -> None:
    assert findings() == ["access.W022"]
    browser = signed_in(superuser)
    assert browser.get("/admin/").status_code == 200
    call_command("setup_administrators", stdout=io.StringIO())
    # The session as well, with the very next request.
    assert browser.get("/admin/").status_code == 302
    assert not Client().login(username="admin", password=PASSWORD)
    assert findings() == []


def test_without_one_of_the_three_a_superuser_helps_out(superuser: User, three: dict[str, User]) -> None:
    assert not Client().login(username="admin", password=PASSWORD)
    three["audit"].is_active = False
    three["audit"].save()
    assert Client().login(username="admin", password=PASSWORD)


def test_the_demo_keeps_its_superuser(
    superuser: User, three: dict[str, User], settings: LazySettings
) -> None:
    settings.SEPARATE_DUTIES = False
    assert Client().login(username="admin", password=PASSWORD)


def test_one_makes_users_the_other_gives_rights(
    three: dict[str, User], company: Organisation, province: Organisation
) -> None:
    system, security = signed_in(three["system"]), signed_in(three["security"])
    form = {
        **{"username": "sun", "full_name": "孙工", "organisation": company.pk},
        **{"password": PASSWORD, "again": PASSWORD},
    }
    new_user = reverse("console:rights_new_user")
    assert security.post(new_user, form).status_code == 403
    assert system.post(new_user, form).status_code == 200
    user = User.objects.get(username="sun")
    grant = reverse("console:rights_grant", args=[user.pk, company.pk])
    assert system.post(grant, {"role": "ptz"}).status_code == 403
    assert security.post(grant, {"role": "ptz"}).status_code == 200
    assert actions_allowed(user) == {Action.WATCH, Action.SNAPSHOT, Action.ALARM, Action.PTZ}
    switch = reverse("console:rights_switch", args=[user.pk])
    assert security.post(switch, {"active": "0"}).status_code == 403
    assert system.post(switch, {"active": "0"}).status_code == 200
    assert grantable_roles(three["security"], province) == [role for role in Role if role not in DUTIES]
    with pytest.raises(ForbiddenError):
        switch_account(by=three["system"], user=three["audit"], is_active=False, actor=SYSTEM)


def test_logs_of_operators_and_all_logs(three: dict[str, User], operator: User) -> None:
    for user in (operator, three["system"]):
        record(Actor(ActorKind.STAFF, user.pk, user.username), "试验")
    names = {
        duty: set(logs_visible_to(user).values_list("actor_name", flat=True)) for duty, user in three.items()
    }
    assert names["system"] == set()
    assert names["security"] == {"wang"}
    assert names["audit"] == set(BehaviourLog.objects.values_list("actor_name", flat=True))
    page = "/admin/access/behaviourlog/"
    statuses = {duty: signed_in(user).get(page).status_code for duty, user in three.items()}
    assert statuses == {"system": 403, "security": 200, "audit": 200}


def test_what_the_system_administrator_finds_in_the_admin(three: dict[str, User], operator: User) -> None:
    browser = signed_in(three["system"])
    paths = {
        **{"access/organisation": 200, "access/user": 200, "streaming/mediaserver": 200},
        **{"cameras/camera": 403, "ptz/ptzorder": 403, "access/behaviourlog": 403},
    }
    assert {path: browser.get(f"/admin/{path}/").status_code for path in paths} == paths
    # Not the accounts of the other two, whose passwords would open their duties.
    other = reverse("admin:auth_user_password_change", args=[three["security"].pk])
    assert browser.get(other).status_code in (302, 404)
    own = reverse("admin:access_user_change", args=[operator.pk])
    form = {
        "username": "wang",
        "full_name": "王工",
        "is_active": "on",
        "is_superuser": "on",
        "is_staff": "on",
    }
    browser.post(own, form)
    operator.refresh_from_db()
    assert (operator.is_superuser, operator.is_staff) == (False, False)


def test_nobody_but_the_three_may_keep_users(province_admin: User) -> None:
    browser = signed_in(province_admin)
    # The province's administrator sees who may do what, and looks as them; sets nothing.
    assert browser.get("/rights/").status_code == 200
    assert browser.get(reverse("console:rights_new_user")).status_code == 403
    assert not grantable_roles(province_admin, province_admin.roles.get().organisation)


def test_a_role_given_on_the_server_is_checked_there() -> None:
    create_staff(username="two", password=PASSWORD, role=Role.SYSTEM)
    with pytest.raises(CommandError):
        call_command("setup_administrators", system="two", stdout=io.StringIO())
    assert set(User.objects.values_list("username", flat=True)) == {"two"}


@pytest.mark.parametrize("marked", [False, True])
def test_the_way_to_the_admin_is_shown_to_whom_it_opens(
    marked: bool, three: dict[str, User], superuser: User, operator: User, settings: LazySettings
) -> None:
    """By what they hold now: the mark on an account may be older than its role, or than the separation of duties."""
    User.objects.filter(pk__in=[operator.pk, *(user.pk for user in three.values())]).update(is_staff=marked)

    def ways(user: User, page: str) -> tuple[bool, int]:
        browser = signed_in(user)
        shown = 'data-testid="nav-admin"' in browser.get(page).content.decode()
        return shown, browser.get("/admin/", follow=True).status_code

    assert ways(three["system"], "/rights/") == (True, 200)
    assert ways(three["security"], "/rights/") == ways(three["security"], "/audit/") == (True, 200)
    assert ways(three["audit"], "/audit/") == (True, 200)
    assert ways(operator, "/") == (False, 403)
    settings.SEPARATE_DUTIES = False
    # Superusers keep the system then, and nothing in the admin is open to him.
    assert ways(three["system"], "/rights/") == (False, 403)
    assert ways(three["security"], "/rights/") == (True, 200)
    assert ways(superuser, "/") == (True, 200)
