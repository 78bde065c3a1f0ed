"""The second factor: enrolling, the step after the password, recovery codes, guessing (threats.md 18)."""

import re
import threading
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from time_machine import TimeMachineFixture

from access.actors import SYSTEM
from access.choices import Role
from access.models import BehaviourLog, Organisation, SecondFactor, User
from access.services.rights import grant_role
from access.services.second_factor import begin_enrolment, confirm_enrolment, pass_second_factor
from access.totp import STEP_SECONDS, code_at
from tests.cast import PASSWORD
from tests.console.desk import Desk, text_of
from tests.console.uplink import NOON

pytestmark = pytest.mark.django_db
STEP = int(NOON.timestamp()) // STEP_SECONDS


@pytest.fixture(autouse=True)
def clock(time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    return time_machine


def code(user: User, step: int = STEP) -> str:
    return code_at(SecondFactor.objects.get(user=user).secret, step)


@pytest.fixture
def recovery(operator: User) -> list[str]:
    """The operator's factor is in use; its codes up to now are used up."""
    begin_enrolment(operator)
    codes = confirm_enrolment(user=operator, code=code(operator), actor=SYSTEM)
    assert codes is not None
    return codes


def password_step(username: str = "wang", **fields: str) -> Client:
    client = Client()
    response = client.post("/login/", {"username": username, "password": PASSWORD, **fields})
    assert response.headers["Location"] == "/login/code/"
    return client


def give(client: Client, typed: str) -> str:
    """Where it led, or the page with what was wrong."""
    response = client.post("/login/code/", {"code": typed})
    return response.headers.get("Location") or text_of(response)


# Enrolling ------------------------------------------------------------------------------------------


def test_one_enrols_an_app_and_gets_the_recovery_codes_once(desk: Desk) -> None:
    page = desk.page("factor")
    secret = re.search(r'data-testid="secret">([A-Z2-7 ]+)<', page)
    assert secret is not None and "<svg" in page
    assert secret[1].replace(" ", "") == SecondFactor.objects.get(user=desk.user).secret
    wrong = desk.client.post("/account/factor/", {"code": "000000"})
    assert "动态口令不正确" in text_of(wrong)
    shown = desk.client.post("/account/factor/", {"code": code(desk.user)})
    codes = re.findall(r"<li>([a-z2-7]{4}(?:-[a-z2-7]{4}){3})</li>", text_of(shown))
    assert len(set(codes)) == 10
    assert "no-store" in shown.headers["Cache-Control"]
    # Enrolled: there is nothing to show again.
    assert desk.get("factor").headers["Location"] == "/account/"
    assert BehaviourLog.objects.filter(verb="启用动态口令", actor_id=desk.user.pk).count() == 1
    kept = str(SecondFactor.objects.get(user=desk.user).recovery_digests)
    assert not any(each.replace("-", "") in kept for each in codes)


def test_the_secret_lies_encrypted(recovery: list[str], operator: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM access_secondfactor")
        assert cursor.fetchone()[0].startswith("sm4gcm$")
        cursor.execute("SELECT string_agg(t::text, '') FROM access_behaviourlog t")
        assert SecondFactor.objects.get(user=operator).secret not in str(cursor.fetchone())


def test_a_factor_that_was_never_confirmed_is_not_asked_for(operator: User) -> None:
    begin_enrolment(operator)
    answer = Client().post("/login/", {"username": "wang", "password": PASSWORD})
    assert answer.headers["Location"] == "/"


def test_a_role_that_needs_one_enrols_before_anything_opens(operator: User, settings: LazySettings) -> None:
    settings.SECOND_FACTOR_ROLES = [Role.PTZ_OPERATOR]
    client = Desk(operator).client
    wall = client.get("/", follow=True)
    assert wall.redirect_chain[-1][0] == "/account/factor/?next=%2F"
    assert "您的角色登录时须使用动态口令" in text_of(wall)
    client.post("/account/recovery/", {"code": code(operator)})
    assert client.get("/online/").status_code == 302
    client.post("/account/factor/", {"code": code(operator), "next": "/online/"})
    assert client.get("/online/").status_code == 200


def test_a_role_given_during_a_session_opens_nothing_without_it(
    operator: User, province_admin: User, company: Organisation, settings: LazySettings
) -> None:
    settings.SECOND_FACTOR_ROLES = [Role.SECTION_ADMIN]
    desk = Desk(operator)
    given: dict[str, Any] = {"granter": province_admin, "user": operator, "organisation": company, "actor": SYSTEM}
    grant_role(role=Role.MONITOR, **given)
    assert desk.get("wall").status_code == 200
    grant_role(role=Role.SECTION_ADMIN, **given)
    assert desk.get("ledger").status_code == 302
    log = BehaviourLog.objects.get(verb="结束登录会话")
    assert (log.object_name, log.reason) == ("wang", "其角色须使用动态口令，尚未启用")
    client = Desk(operator).client
    assert client.get("/ledger/", follow=True).redirect_chain[-1][0].startswith("/account/factor/")


def test_a_role_given_to_whoever_has_it_ends_nothing(
    recovery: list[str], desk: Desk, province_admin: User, company: Organisation, settings: LazySettings
) -> None:
    settings.SECOND_FACTOR_ROLES = [Role.SECTION_ADMIN]
    role = Role.SECTION_ADMIN
    grant_role(granter=province_admin, user=desk.user, role=role, organisation=company, actor=SYSTEM)
    assert desk.get("ledger").status_code == 200


@pytest.mark.parametrize(("roles", "is_asked"), [(["superuser"], True), (["ptz", "province"], False)])
def test_superusers_are_a_role_of_their_own(
    roles: list[str], is_asked: bool, superuser: User, settings: LazySettings
) -> None:
    settings.SECOND_FACTOR_ROLES = roles
    assert (Desk(superuser).client.get("/admin/").status_code == 302) is is_asked


# Signing in -----------------------------------------------------------------------------------------


def test_the_password_alone_signs_nobody_in(recovery: list[str], operator: User) -> None:
    client = password_step(next="/online/")
    assert "_auth_user_id" not in client.session
    for path in ("/", "/admin/", "/account/"):
        assert client.get(path).headers["Location"].startswith(("/login/", "/admin/login/"))
    before = client.session.session_key
    assert give(client, code(operator, STEP + 1)) == "/online/"
    assert client.get("/online/").status_code == 200
    assert client.session.session_key != before
    assert BehaviourLog.objects.filter(verb="登录", outcome="done").count() == 1


def test_a_code_counts_once(recovery: list[str], operator: User) -> None:
    assert "不正确或已用过" in give(password_step(), code(operator))
    assert give(password_step(), code(operator, STEP + 1)) == "/"
    assert "不正确或已用过" in give(password_step(), code(operator, STEP + 1))
    refused = BehaviourLog.objects.filter(verb="登录", outcome="refused")
    assert {(row.actor_id, row.reason) for row in refused} == {(operator.pk, "动态口令不正确")}


def test_a_recovery_code_counts_once_however_it_is_typed(recovery: list[str], operator: User) -> None:
    assert give(password_step(), recovery[0].upper().replace("-", " ")) == "/"
    assert BehaviourLog.objects.get(verb="登录", outcome="done").reason == "使用恢复码，剩 9 个"
    assert "不正确或已用过" in give(password_step(), recovery[0])


def test_sixth_code_has_to_wait_wherever_it_comes_from(recovery: list[str], operator: User) -> None:
    for number in range(5):
        client = password_step()
        answer = client.post("/login/code/", {"code": "000000"}, REMOTE_ADDR=f"10.9.2.{number}")
        assert answer.status_code == 200
    sixth = password_step().post("/login/code/", {"code": code(operator, STEP + 1)})
    assert (sixth.status_code, int(sixth.headers["Retry-After"]) > 800) == (429, True)


def test_the_code_is_waited_for_five_minutes(
    recovery: list[str], operator: User, clock: TimeMachineFixture
) -> None:
    client = password_step()
    clock.shift(301)
    assert give(client, code(operator, STEP + 10)) == "/login/"


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "other"}])
def test_who_was_shut_out_in_between_stays_outside(
    change: dict[str, object], recovery: list[str], operator: User
) -> None:
    client = password_step()
    User.objects.filter(pk=operator.pk).update(**change)
    assert give(client, code(operator, STEP + 1)) == "/login/"
    assert "_auth_user_id" not in client.session


def test_without_a_password_there_is_no_second_step(recovery: list[str], operator: User) -> None:
    assert give(Client(), code(operator, STEP + 1)) == "/login/"
    assert Client().get("/login/code/").headers["Location"] == "/login/"


@pytest.mark.parametrize("typed", ["", "\0", "x" * 999, "１２３４５６"])
def test_odd_codes_are_just_wrong(typed: str, recovery: list[str]) -> None:
    assert "不正确或已用过" in give(password_step(), typed)


# Afterwards -----------------------------------------------------------------------------------------


def test_recovery_codes_are_renewed_and_the_factor_is_removed_with_a_code(
    recovery: list[str], operator: User
) -> None:
    desk = Desk(operator)
    path = "/account/recovery/"
    assert desk.client.post(path, {"order": "remove", "code": "000000"}).headers["Location"].endswith("wrong")
    shown = desk.client.post(path, {"order": "renew", "code": code(operator, STEP + 1)})
    new = re.findall(r"<li>([a-z2-7-]{19})</li>", text_of(shown))
    assert (len(new), set(new) & set(recovery)) == (10, set())
    assert pass_second_factor(user=operator, code=recovery[0]) is None
    assert desk.client.post(path, {"order": "remove", "code": new[0]}).headers["Location"].endswith("removed")
    assert not SecondFactor.objects.exists()


def test_whose_role_needs_it_cannot_remove_it(
    recovery: list[str], operator: User, settings: LazySettings
) -> None:
    settings.SECOND_FACTOR_ROLES = [Role.PTZ_OPERATOR]
    desk = Desk(operator)
    desk.client.post("/account/recovery/", {"order": "remove", "code": recovery[0]})
    assert SecondFactor.objects.get(user=operator).confirmed_at is not None


@pytest.mark.django_db(transaction=True)
def test_six_who_give_one_code_at_once_open_once(operator: User) -> None:
    begin_enrolment(operator)
    confirm_enrolment(user=operator, code=code(operator), actor=SYSTEM)
    given, passed = code(operator, STEP + 1), []

    def give_it() -> None:
        passed.append(pass_second_factor(user=operator, code=given))
        connection.close()

    threads = [threading.Thread(target=give_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each is not None for each in passed) == [False] * 5 + [True]
