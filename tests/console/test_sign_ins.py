"""Sessions of one's own and of others: seen, ended, unlocked (threats.md 18)."""

import io
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.choices import DUTIES, Role
from access.models import BehaviourLog, Organisation, SecondFactor, StaffSession, User
from access.services.second_factor import begin_enrolment
from access.services.staff import create_staff
from access.tasks import forget_sessions
from tests.cast import PASSWORD
from tests.console.desk import Desk, text_of

pytestmark = pytest.mark.django_db
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/139.0.0.0 Safari/537.36"


def signed_in(username: str = "wang", address: str = "10.9.3.1", agent: str = CHROME) -> Client:
    client = Client(REMOTE_ADDR=address, HTTP_USER_AGENT=agent)
    assert client.post("/login/", {"username": username, "password": PASSWORD}).status_code == 302
    client.get("/")
    return client


def handle_of(client: Client) -> str:
    return StaffSession.objects.get(pk=client.session.session_key).handle


def test_one_sees_where_one_is_signed_in(operator: User, outsider: User) -> None:
    here = signed_in()
    signed_in(address="10.9.3.2", agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    signed_in("li", address="10.9.3.3")
    page = text_of(here.get("/account/"))
    assert page.count('data-testid="session"') == 2
    for words in ("Chrome 139 · Windows", "10.9.3.1", "当前浏览器", "Firefox 140 · Linux", "10.9.3.2"):
        assert words in page
    assert "10.9.3.3" not in page
    # The key would open the session; the page names it otherwise.
    keys = StaffSession.objects.values_list("session_key", flat=True)
    assert not [key for key in keys if key in page]


def test_one_ends_ones_own_and_nobody_elses(operator: User, outsider: User) -> None:
    here, there, other = signed_in(), signed_in(), signed_in("li")
    for handle in (handle_of(other), handle_of(here), "", "\0"):
        here.post("/account/sessions/", {"handle": handle})
    assert [client.get("/").status_code for client in (here, there, other)] == [200] * 3
    here.post("/account/sessions/", {"handle": handle_of(there)})
    assert [client.get("/").status_code for client in (here, there, other)] == [200, 302, 200]
    third = signed_in()
    here.post("/account/sessions/", {"handle": "others"})
    assert [client.get("/").status_code for client in (here, third)] == [200, 302]
    assert BehaviourLog.objects.filter(verb="结束登录会话", actor_id=operator.pk).count() == 2


def test_an_administrator_ends_those_of_their_own_people(
    operator: User, outsider: User, company: Organisation, admin_desk: Desk, neighbour_desk: Desk
) -> None:
    watcher, other = signed_in(), signed_in("li")
    assert "李工" in neighbour_desk.page("sign_ins")
    assert "王工" not in neighbour_desk.page("sign_ins")
    path = "/sign-ins/end/"
    neighbour_desk.client.post(path, {"handle": handle_of(watcher)})
    assert watcher.get("/").status_code == 200
    neighbour_desk.client.post(path, {"handle": handle_of(other)})
    assert other.get("/").status_code == 302
    admin_desk.client.post(path, {"handle": handle_of(watcher)})
    assert watcher.get("/").status_code == 302
    log = BehaviourLog.objects.filter(verb="结束登录会话").latest("pk")
    assert (log.actor_id, log.object_name, log.reason) == (admin_desk.user.pk, "wang", "登录于 10.9.3.1")


def test_who_also_works_elsewhere_or_is_a_superuser_is_for_the_province(
    operator: User, superuser: User, company: Organisation, other_company: Organisation, neighbour_desk: Desk
) -> None:
    both = create_staff(username="both", password=PASSWORD, role=Role.MONITOR, organisation=company)
    both.roles.create(role=Role.MONITOR, organisation=other_company)
    page = neighbour_desk.page("sign_ins")
    assert "both" not in page and "系统管理员" not in page
    for person in (both, superuser, operator):
        answer = neighbour_desk.client.post("/sign-ins/unlock/", {"user": person.pk})
        assert answer.status_code == 404
        assert neighbour_desk.client.post("/sign-ins/factor/", {"user": person.pk}).status_code == 404


def test_a_user_who_is_switched_off_is_out_at_once_and_stays_out(operator: User, desk: Desk) -> None:
    User.objects.filter(pk=operator.pk).update(is_active=False)
    assert desk.get("wall").status_code == 302
    again = Desk(User.objects.get(pk=operator.pk))
    operator.is_active = False
    operator.save()
    operator.is_active = True
    operator.save()
    assert again.get("wall").status_code == 302


def test_an_administrator_lifts_a_lock(operator: User, admin_desk: Desk) -> None:
    client = Client(REMOTE_ADDR="10.9.3.4")
    for _ in range(5):
        client.post("/login/", {"username": "wang", "password": "wrong"})
    assert client.post("/login/", {"username": "wang", "password": PASSWORD}).status_code == 429
    assert "已解除" in text_of(
        admin_desk.client.post("/sign-ins/unlock/", {"user": operator.pk}, follow=True)
    )
    assert client.post("/login/", {"username": "wang", "password": PASSWORD}).status_code == 302
    assert BehaviourLog.objects.filter(verb="解除登录锁定", object_name="wang").count() == 1


def test_guessing_from_everywhere_locks_the_name_and_spraying_the_address(operator: User, outsider: User) -> None:
    for number in range(30):
        Client(REMOTE_ADDR=f"10.9.4.{number}").post("/login/", {"username": "wang", "password": "wrong"})
    elsewhere = Client(REMOTE_ADDR="10.9.4.99")
    assert elsewhere.post("/login/", {"username": "wang", "password": PASSWORD}).status_code == 429
    assert elsewhere.post("/login/", {"username": "li", "password": PASSWORD}).status_code == 302
    sprayer = Client(REMOTE_ADDR="10.9.5.1")
    for number in range(100):
        assert sprayer.post("/login/", {"username": f"n{number}", "password": "x"}).status_code == 200
    assert sprayer.post("/login/", {"username": "li", "password": PASSWORD}).status_code == 429


def test_a_lost_telephone_is_taken_away(operator: User, admin_desk: Desk) -> None:
    factor = begin_enrolment(operator)
    factor.confirmed_at = timezone.now()
    factor.save()
    assert 'data-testid="remove-factor"' in admin_desk.page("sign_ins")
    admin_desk.client.post("/sign-ins/factor/", {"user": operator.pk})
    assert not SecondFactor.objects.exists()
    log = BehaviourLog.objects.get(verb="停用动态口令")
    assert (log.actor_id, log.object_name) == (admin_desk.user.pk, "wang")


def enrolled(user: User) -> User:
    factor = begin_enrolment(user)
    factor.confirmed_at = timezone.now()
    factor.save()
    return user


@pytest.mark.parametrize("is_separate", [True, False])
def test_nobody_takes_away_their_own_factor_or_those_of_the_three(
    is_separate: bool, operator: User, superuser: User, settings: LazySettings
) -> None:
    settings.SEPARATE_DUTIES = is_separate
    call_command("setup_administrators", stdout=io.StringIO(), stderr=io.StringIO())
    three = [enrolled(User.objects.get(roles__role=duty)) for duty in DUTIES]
    enrolled(operator)
    looking = [Desk(three[0])] if is_separate else [Desk(three[0]), Desk(enrolled(superuser))]
    for desk in looking:
        for person in {*three, desk.user}:
            answer = desk.client.post("/sign-ins/factor/", {"user": person.pk})
            assert (answer.status_code, "remove_second_factor" in text_of(answer)) == (403, True)
        assert desk.page("sign_ins").count('data-testid="remove-factor"') == 1
    assert SecondFactor.objects.count() == 4 + (not is_separate)


def test_those_of_the_three_are_taken_away_on_the_server(operator: User) -> None:
    enrolled(operator)
    call_command("remove_second_factor", "wang", stdout=io.StringIO())
    assert not SecondFactor.objects.exists()
    log = BehaviourLog.objects.get(verb="停用动态口令")
    assert (log.actor_name, log.object_name) == ("系统", "wang")
    for name in ("wang", "nobody"):
        with pytest.raises(CommandError, match="没有"):
            call_command("remove_second_factor", name)


def test_a_session_nobody_touches_is_not_listed_and_old_ones_are_forgotten(admin_desk: Desk, operator: User) -> None:
    signed_in()
    StaffSession.objects.filter(user=operator).update(seen_at=timezone.now() - timedelta(minutes=31))
    assert "10.9.3.1" not in admin_desk.page("sign_ins")
    StaffSession.objects.filter(user=operator).update(expire_date=timezone.now() - timedelta(minutes=1))
    forget_sessions()
    assert not StaffSession.objects.filter(user=operator).exists()
    assert StaffSession.objects.filter(user=admin_desk.user).exists()


def test_the_admin_asks_to_sign_in_again_as_well(superuser: User) -> None:
    desk = Desk(superuser)
    assert desk.client.get("/admin/").status_code == 200
    session = desk.client.session
    session["console_seen_at"] -= 1801
    session.save()
    assert desk.client.get("/admin/").headers["Location"].startswith("/admin/login/")
    assert desk.client.get("/admin/").status_code == 302


def test_the_cookie_is_hidden_from_scripts_and_other_sites(operator: User) -> None:
    cookie = Client().post("/login/", {"username": "wang", "password": PASSWORD}).cookies["province_session"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


@pytest.mark.parametrize("amount", [3, 30])
def test_queries_do_not_grow(amount: int, admin_desk: Desk, company: Organisation) -> None:
    for number in range(amount):
        user = create_staff(username=f"n{number}", password=PASSWORD, role=Role.MONITOR, organisation=company)
        Desk(user).page("wall")
    admin_desk.page("sign_ins")
    with CaptureQueriesContext(connection) as queries:
        admin_desk.page("sign_ins")
    assert len(queries) == 10

