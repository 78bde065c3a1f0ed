import pytest
import time_machine
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse

from access.choices import Outcome
from access.models import BehaviourLog, User
from tests.cast import PASSWORD
from tests.console.desk import Desk, refusal_of, text_of

LOGIN = "/login/"


def sign_in(client: Client, username: str, password: str, address: str, **fields: str) -> object:
    return client.post(LOGIN, {"username": username, "password": password, **fields}, REMOTE_ADDR=address)


def test_login_page_is_chinese_and_carries_a_csrf_token(db: None) -> None:
    response = Client().get(LOGIN)
    text = text_of(response)
    assert '<html lang="zh-CN"' in text
    assert "高速公路视频云平台" in text
    assert "csrfmiddlewaretoken" in text


def test_sign_in_leads_to_the_wall_with_a_new_session(operator: User) -> None:
    client = Client()
    client.session.save()
    before = client.session.session_key
    response = client.post(LOGIN, {"username": "wang", "password": PASSWORD})
    assert (response.status_code, response.headers["Location"]) == (302, "/")
    assert client.session.session_key != before
    assert client.get("/").status_code == 200
    log = BehaviourLog.objects.get(verb="登录")
    assert (log.actor_id, log.outcome) == (operator.pk, Outcome.DONE)


def test_post_without_csrf_token_is_refused(operator: User) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post(LOGIN, {"username": "wang", "password": PASSWORD}).status_code == 403


def test_json_without_csrf_token_is_refused_in_chinese(operator: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    response = client.post(reverse("console:play", args=[1]), b"{}", content_type="application/json")
    assert refusal_of(response, 403) == "页面已过期，请刷新后重试"


def test_next_leads_only_to_our_own_pages(operator: User) -> None:
    own = Client().post(LOGIN, {"username": "wang", "password": PASSWORD, "next": "/admin/"})
    assert own.headers["Location"] == "/admin/"
    for elsewhere in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        response = Client().post(LOGIN, {"username": "wang", "password": PASSWORD, "next": elsewhere})
        assert response.headers["Location"] == "/"


def test_wrong_password_is_told_and_logged(operator: User) -> None:
    client = Client()
    response = client.post(LOGIN, {"username": "wang", "password": "wrong"}, REMOTE_ADDR="10.9.0.1")
    assert response.status_code == 200
    assert "用户名或密码不正确" in text_of(response)
    assert "_auth_user_id" not in client.session
    log = BehaviourLog.objects.get(verb="登录")
    assert (log.actor_name, log.outcome, log.address) == ("wang", Outcome.REFUSED, "10.9.0.1")


@pytest.mark.parametrize("typed", ["Geheim-4711", "wang\0", "w" * 200])
def test_an_unknown_name_may_be_a_password_and_stands_in_no_log(operator: User, typed: str) -> None:
    for _ in range(2):
        Client().post(LOGIN, {"username": typed, "password": ""}, REMOTE_ADDR="10.9.0.5")
    Client().post(LOGIN, {"username": "other", "password": "x"}, REMOTE_ADDR="10.9.0.5")
    one, again, other = BehaviourLog.objects.filter(verb="登录").order_by("pk")
    assert one.actor_name.startswith("未知用户 ")
    assert typed[:4] not in one.actor_name
    assert one.actor_name == again.actor_name != other.actor_name


def test_sixth_try_has_to_wait(operator: User, outsider: User) -> None:
    for _ in range(5):
        wrong = Client().post(LOGIN, {"username": "wang", "password": "wrong"}, REMOTE_ADDR="10.9.0.2")
        assert wrong.status_code == 200
    sixth = Client().post(LOGIN, {"username": "Wang", "password": PASSWORD}, REMOTE_ADDR="10.9.0.2")
    assert sixth.status_code == 429
    assert int(sixth.headers["Retry-After"]) > 800
    assert "请 15 分钟后再试" in text_of(sixth)
    # Neither somebody else at that desk nor the same person at another one is locked out.
    for username, address in (("li", "10.9.0.2"), ("wang", "10.9.0.3")):
        response = Client().post(LOGIN, {"username": username, "password": PASSWORD}, REMOTE_ADDR=address)
        assert response.status_code == 302


def test_success_forgets_earlier_failures(operator: User) -> None:
    for password in ("wrong",) * 4 + (PASSWORD,) + ("wrong",) * 4:
        Client().post(LOGIN, {"username": "wang", "password": password}, REMOTE_ADDR="10.9.0.4")
    response = Client().post(LOGIN, {"username": "wang", "password": PASSWORD}, REMOTE_ADDR="10.9.0.4")
    assert response.status_code == 302


def test_sign_out_ends_the_session(desk: Desk) -> None:
    assert desk.client.get(reverse("console:logout")).status_code == 405
    response = desk.client.post(reverse("console:logout"))
    assert response.headers["Location"] == LOGIN
    assert desk.get("wall").status_code == 302
    assert BehaviourLog.objects.filter(verb="退出", actor_id=desk.user.pk).count() == 1


def test_untouched_console_asks_to_sign_in_again(operator: User, settings: LazySettings) -> None:
    settings.CONSOLE_IDLE_SECONDS = 1800
    with time_machine.travel("2026-11-22 08:00:00+08:00", tick=False) as clock:
        desk = Desk(operator)
        desk.page("wall")
        clock.shift(1700)
        # A poll of a page nobody touches does not count as use.
        desk.json("state")
        clock.shift(200)
        assert refusal_of(desk.get("state"), 401) == "登录已失效，请重新登录"
        assert desk.get("wall").headers["Location"] == "/login/?next=/"


def test_touched_console_stays_signed_in(operator: User, settings: LazySettings) -> None:
    settings.CONSOLE_IDLE_SECONDS = 1800
    with time_machine.travel("2026-11-22 08:00:00+08:00", tick=False) as clock:
        desk = Desk(operator)
        desk.page("wall")
        for _ in range(3):
            clock.shift(1700)
            desk.json("state", active=1)
