"""What a password has to be, and the page on which one changes it (threats.md 18)."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from time_machine import TimeMachineFixture

from access.actors import SYSTEM
from access.models import BehaviourLog, PasswordRecord, User
from access.services.passwords import change_own_password
from access.services.staff import create_staff
from tests.cast import PASSWORD
from tests.console.desk import Desk, text_of
from tests.console.test_sign_in import sign_in
from tests.console.uplink import NOON

pytestmark = pytest.mark.django_db
NEW = "Qilu-2027-shan"
PAGE = "/account/password/"


def change(client: Client, old: str = PASSWORD, new: str = NEW, again: str | None = None, **more: str) -> str:
    """Where it led, or the page with what was wrong."""
    form = {"old": old, "new": new, "again": new if again is None else again, **more}
    response = client.post(PAGE, form)
    return response.headers.get("Location") or text_of(response)


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("Ab-4567", "密码至少 10 个字符"),
        ("lower-case-only", "至少 3 类"),
        ("UPPER1234567890", "至少 3 类"),
        ("12345678901234", "至少 3 类"),
        ("Xwang-2026-yun", "密码不能包含用户名"),
        ("Xgnaw-2026-yun", "密码不能包含用户名"),
        (PASSWORD, "不能与最近 5 次用过的相同"),
    ],
)
def test_a_weak_password_is_refused(operator: User, password: str, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        validate_password(password, operator)
    assert said in " ".join(refused.value.messages)


def test_a_common_password_is_refused(settings: LazySettings) -> None:
    settings.PASSWORD_CLASSES = settings.PASSWORD_LENGTH = 1
    with pytest.raises(ValidationError):
        validate_password("password1")


@pytest.mark.parametrize("password", [NEW, "济南-Jinan-长大桥梁", "x" * 9 + "Y" + "1"])
def test_a_good_one_passes(operator: User, password: str) -> None:
    validate_password(password, operator)


def test_the_last_five_are_not_taken_again(operator: User, desk: Desk) -> None:
    for number in range(5):
        assert change(desk.client, PASSWORD if not number else f"{NEW}-{number}", f"{NEW}-{number + 1}") == (
            "/account/?done=password"
        )
    # The present one and the four before; the first is forgotten.
    assert PasswordRecord.objects.filter(user=operator).count() == 5
    for number in range(1, 6):
        assert "不能与最近 5 次用过的相同" in change(desk.client, f"{NEW}-5", f"{NEW}-{number}")
    assert change(desk.client, f"{NEW}-5", PASSWORD) == "/account/?done=password"


def test_one_changes_ones_own_password(operator: User, desk: Desk) -> None:
    elsewhere = Desk(operator)
    before = desk.client.session.session_key
    assert change(desk.client) == "/account/?done=password"
    assert "密码已修改" in desk.page("account", done="password")
    # Here the session goes on under a new name, elsewhere it is over at the next request.
    assert desk.client.session.session_key != before
    assert elsewhere.get("wall").status_code == 302
    assert BehaviourLog.objects.filter(verb="修改密码", actor_id=operator.pk, outcome="done").count() == 1
    assert sign_in(Client(), "wang", NEW, "10.9.1.1").headers["Location"] == "/"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"old": "wrong"}, "原密码不正确"),
        ({"again": "other"}, "两次输入的新密码不一致"),
        ({"new": "short"}, "密码至少 10 个字符"),
        ({"new": ""}, "密码至少 10 个字符"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_changes(desk: Desk, form: dict[str, str], said: str) -> None:
    assert said in change(desk.client, **form)
    assert User.objects.get(pk=desk.user.pk).check_password(PASSWORD)


def test_the_old_password_cannot_be_guessed_at_an_open_desk(desk: Desk) -> None:
    for _ in range(5):
        assert "原密码不正确" in change(desk.client, "wrong")
    assert "请 15 分钟后再试" in change(desk.client)
    assert BehaviourLog.objects.filter(verb="修改密码", outcome="refused", actor_id=desk.user.pk).count() == 5


# Before anything else ------------------------------------------------------------------------------


@pytest.fixture
def strict(settings: LazySettings) -> None:
    settings.FIRST_PASSWORD_MUST_CHANGE = True


@pytest.fixture
def newcomer(strict: None, operator: User) -> Client:
    client = Client()
    assert sign_in(client, "wang", PASSWORD, "10.9.1.2").headers["Location"] == "/"  # type: ignore[attr-defined]
    return client


def test_a_password_of_the_administrator_is_changed_before_anything_opens(newcomer: Client) -> None:
    wall = newcomer.get("/", follow=True)
    assert [step for step, _ in wall.redirect_chain] == ["/login/?next=/", f"{PAGE}?next=%2F"]
    assert "由管理员设置" in text_of(wall)
    for path in ("/admin/", "/online/", "/account/", "/sign-ins/", "/api/docs/"):
        assert newcomer.get(path).headers["Location"].startswith(("/login/", "/admin/login/"))
    assert newcomer.get("/console/api/state/").status_code == 401
    assert change(newcomer, next="/online/") == "/online/"
    assert newcomer.get("/online/").status_code == 200
    again = Client()
    sign_in(again, "wang", NEW, "10.9.1.2")
    assert again.get("/online/").status_code == 200


def test_who_has_a_duty_may_leave(newcomer: Client) -> None:
    assert newcomer.post("/logout/").headers["Location"] == "/login/"
    assert "login-form" in text_of(newcomer.get("/login/"))


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_the_way_on_leads_to_our_own_pages_only(newcomer: Client, target: str) -> None:
    assert change(newcomer, next=target) == "/"


def test_one_set_anew_by_somebody_else_is_changed_again(strict: None, operator: User) -> None:
    change_own_password(user=operator, password=NEW, actor=SYSTEM)
    assert Desk(operator).get("wall").status_code == 200
    operator.set_password(PASSWORD)
    operator.save()
    assert Desk(operator).get("wall").status_code == 302


def test_an_old_password_is_changed(
    operator: User, settings: LazySettings, time_machine: TimeMachineFixture
) -> None:
    time_machine.move_to(NOON, tick=False)
    PasswordRecord.objects.filter(user=operator).update(set_at=NOON - timedelta(days=89))
    assert Desk(operator).get("wall").status_code == 200
    PasswordRecord.objects.filter(user=operator).update(set_at=NOON - timedelta(days=90))
    client = Desk(operator).client
    assert "密码已使用满 90 天" in text_of(client.get("/", follow=True))
    settings.PASSWORD_DAYS = 0
    assert Desk(operator).get("wall").status_code == 200


def test_who_was_there_before_passwords_were_recorded_is_as_old_as_the_account(operator: User) -> None:
    PasswordRecord.objects.all().delete()
    assert Desk(operator).get("wall").status_code == 200
    User.objects.update(date_joined=NOON - timedelta(days=400))
    operator.refresh_from_db()
    assert Desk(operator).get("wall").status_code == 302


def test_the_admin_leads_to_the_page_that_knows_the_rules(superuser: User) -> None:
    assert Desk(superuser).client.get("/admin/password_change/").headers["Location"] == PAGE


def test_a_password_set_in_the_admin_is_logged_and_ends_the_sessions(
    superuser: User, operator: User, desk: Desk
) -> None:
    form = {"password1": NEW, "password2": NEW, "usable_password": "true", "set-password": "1"}
    answer = Desk(superuser).client.post(f"/admin/access/user/{operator.pk}/password/", form)
    assert answer.status_code == 302
    log = BehaviourLog.objects.get(verb="重置密码")
    assert (log.actor_id, log.object_id) == (superuser.pk, str(operator.pk))
    assert desk.get("wall").status_code == 302


def test_a_long_name_is_no_obstacle_and_a_short_one_no_rule() -> None:
    validate_password("Gaosu-2026-ab", User(username="ab"))
    create_staff(username="n" * 150, password=NEW)
