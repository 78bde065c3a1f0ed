"""大屏账号: a wall that nobody sits at stays signed in, from where it hangs, and can only look."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import URLPattern, reverse
from time_machine import TimeMachineFixture

from access.actors import SYSTEM
from access.choices import Action, Outcome, Role
from access.days import day_of
from access.models import BehaviourLog, Organisation, StaffRole, StaffSession, User
from access.screens import networks_in
from access.services.accounts import mark_screen, may_mark_screen
from access.services.rights import grant_role
from access.services.staff import create_staff
from access.staff_sessions import signed_in_among
from cameras.models import Camera, CameraException
from cameras.visibility import actions_open_to, may_somewhere
from console import urls
from protocol.errors import ForbiddenError, MalformedError
from snapshots.choices import SnapshotResult
from snapshots.models import Snapshot
from snapshots.services.partitions import ensure_day
from streaming.models import MediaServer
from tests.cast import PASSWORD
from tests.console.desk import Desk, content_of, refusal_of, text_of
from tests.ptz.ledger import make_camera
from tests.streaming.roadside import make_server

pytestmark = pytest.mark.django_db

THERE, ELSEWHERE = "10.8.1.20", "10.9.3.1"
FORTNIGHT = timedelta(days=14)


@pytest.fixture(autouse=True)
def noon(time_machine: TimeMachineFixture) -> None:
    time_machine.move_to(datetime(2026, 11, 22, 4, 0, tzinfo=UTC), tick=False)


@pytest.fixture
def server(db: None) -> MediaServer:
    return make_server("http://127.0.0.1:9")


@pytest.fixture
def camera(company: Organisation) -> Camera:
    return make_camera(company, 1)


@pytest.fixture
def screen(operator: User, province_admin: User, camera: Camera) -> User:
    """An account that would turn cameras, were it not for a big screen at 10.8.1.0/24."""
    mark_screen(by=province_admin, user=operator, networks="10.8.1.0/24", actor=SYSTEM)
    operator.refresh_from_db()
    return operator


def sign_in(address: str, username: str = "wang") -> Client:
    client = Client(REMOTE_ADDR=address)
    client.post("/login/", {"username": username, "password": PASSWORD})
    return client


def status(client: Client, path: str = "/console/api/state/") -> int:
    return client.get(path).status_code


class TestStaying:
    def test_it_is_never_idle_and_ends_after_its_days(
        self, screen: User, time_machine: TimeMachineFixture, settings: LazySettings
    ) -> None:
        client = sign_in(THERE)
        assert status(client) == 200
        # Not even a poll: the machine was off for longer than any cookie of others lasts.
        time_machine.shift(FORTNIGHT + timedelta(hours=1))
        assert status(client) == 200
        assert signed_in_among([screen.pk]) == {screen.pk}
        time_machine.shift(timedelta(days=settings.SCREEN_SESSION_DAYS) - FORTNIGHT)
        assert signed_in_among([screen.pk]) == set()
        assert status(client) == 401
        assert not StaffSession.objects.filter(user=screen).exists()

    def test_polls_do_not_make_it_last_longer(self, screen: User, time_machine: TimeMachineFixture) -> None:
        client = sign_in(THERE)
        for _ in range(3):
            time_machine.shift(timedelta(days=9))
            assert status(client) == 200
        time_machine.shift(timedelta(days=4))
        assert status(client) == 401

    def test_others_are_idle_as_before(
        self, screen: User, outsider: User, time_machine: TimeMachineFixture, settings: LazySettings
    ) -> None:
        client = sign_in(THERE, "li")
        assert status(client) == 200
        time_machine.shift(settings.CONSOLE_IDLE_SECONDS + 1)
        assert status(client) == 401
        assert signed_in_among([outsider.pk]) == set()

    def test_the_cookie_lasts_as_long(self, screen: User, settings: LazySettings) -> None:
        cookie = sign_in(THERE).cookies[settings.SESSION_COOKIE_NAME]
        assert int(cookie["max-age"]) == settings.SCREEN_SESSION_DAYS * 86_400


class TestPlace:
    def test_elsewhere_it_does_not_sign_in(self, screen: User) -> None:
        client = Client(REMOTE_ADDR=ELSEWHERE)
        page = client.post("/login/", {"username": "wang", "password": PASSWORD})
        assert "大屏账号只能在登记的地址登录" in text_of(page)
        assert status(client) == 401
        row = BehaviourLog.objects.get(verb="登录")
        assert (row.outcome, row.address, row.actor_id) == (Outcome.REFUSED, ELSEWHERE, screen.pk)

    def test_a_session_that_shows_up_elsewhere_is_over_everywhere(self, screen: User) -> None:
        client = sign_in(THERE)
        assert status(client) == 200
        assert client.get("/console/api/state/", REMOTE_ADDR=ELSEWHERE).status_code == 401
        assert status(client) == 401
        row = BehaviourLog.objects.get(verb="结束登录会话")
        assert (row.outcome, row.address) == (Outcome.REFUSED, ELSEWHERE)

    def test_an_address_that_is_none_is_nowhere(self, screen: User) -> None:
        client = sign_in(THERE)
        assert client.get("/console/api/state/", REMOTE_ADDR="").status_code == 401


class TestOnlyLooking:
    def test_it_opens_the_wall_and_plays(self, screen: User, camera: Camera, server: MediaServer) -> None:
        client = sign_in(THERE)
        assert status(client, "/") == 200
        url = f"/console/api/cameras/{camera.pk}/play/"
        answer = client.post(url, b'{"type": 0}', content_type="application/json")
        assert content_of(answer)["card"]["id"] == camera.pk
        for path in ("/console/tree/", "/console/api/tour/", "/console/api/presets/", "/account/"):
            assert status(client, path) == 200, path

    def test_no_ptz(self, screen: User, camera: Camera) -> None:
        answer = sign_in(THERE).post(
            f"/console/api/cameras/{camera.pk}/ptz/",
            b'{"control": 2, "speed": 3}',
            content_type="application/json",
        )
        assert refusal_of(answer, 403) == "大屏账号只能查看监控墙"

    def test_of_all_pages_it_opens_those_of_a_wall_and_its_password(
        self, screen: User, company: Organisation, camera: Camera, server: MediaServer
    ) -> None:
        client = sign_in(THERE)
        known = {"organisation_id": company.pk, "camera_id": camera.pk, "name": "G2"}
        opened = set()
        for pattern in urls.urlpatterns:
            assert isinstance(pattern, URLPattern)
            if pattern.name not in {"login", "logout", "login_code", "rights_end_view"}:
                wanted = {key: known.get(key, 1) for key in pattern.pattern.converters}
                path = reverse(f"console:{pattern.name}", kwargs=wanted)
                answers = [client.get(path).status_code, client.post(path, {}).status_code]
                if any(answer not in (403, 404, 405) for answer in answers):
                    opened.add(pattern.name)
        assert opened == {
            *("wall", "state", "alarm_counts", "tree", "branch", "road_branch", "search", "road"),
            *("cards", "card", "play", "presets", "places", "tour", "account", "password"),
        }

    def test_it_keeps_no_presets(self, screen: User, camera: Camera) -> None:
        body = b'{"name": "x", "layout": 4, "cameras": []}'
        answer = sign_in(THERE).post("/console/api/presets/", body, content_type="application/json")
        assert answer.status_code == 403

    def test_no_role_and_no_exception_gives_it_more(
        self, screen: User, province_admin: User, company: Organisation, camera: Camera
    ) -> None:
        grant_role(
            granter=province_admin, user=screen, role=Role.SECTION_ADMIN, organisation=company, actor=SYSTEM
        )
        CameraException.objects.create(
            user=screen, camera=camera, organisation=company, action=Action.PTZ, is_denied=False
        )
        assert actions_open_to(screen) == {Action.WATCH}
        assert not any(may_somewhere(screen, action) for action in Action if action != Action.WATCH)


class TestMarking:
    @pytest.mark.parametrize(
        "words", ["", "  \n", "somewhere", "10.8.1.1/24", "0.0.0.0/0", "10.0.0.0/8", "::/0", "10.8.1.20\nx"]
    )
    def test_without_named_networks_it_is_refused(
        self, operator: User, province_admin: User, words: str
    ) -> None:
        page = Desk(province_admin).client.post(
            f"/rights/users/{operator.pk}/screen/", {"order": "mark", "networks": words}
        )
        assert 'data-good="false"' in text_of(page)
        operator.refresh_from_db()
        assert not operator.is_screen

    def test_several_are_told_apart_and_their_number_is_bounded(self) -> None:
        assert networks_in("10.8.1.20 10.8.2.0/24，fd00::1,10.8.1.20") == [
            "10.8.1.20",
            "10.8.2.0/24",
            "fd00::1",
        ]
        with pytest.raises(MalformedError):
            networks_in(" ".join(f"10.8.1.{n}" for n in range(21)))

    def test_it_ends_what_is_signed_in_and_is_logged(self, operator: User, province_admin: User) -> None:
        before = sign_in(ELSEWHERE)
        desk = Desk(province_admin)
        page = text_of(
            desk.client.post(f"/rights/users/{operator.pk}/screen/", {"order": "mark", "networks": THERE})
        )
        assert THERE in page
        assert 'data-good="true"' in page
        assert status(before) == 401
        row = BehaviourLog.objects.get(verb="设为大屏账号")
        assert row.detail == {"之前": {"网段": []}, "之后": {"网段": [THERE]}}
        screen = sign_in(THERE)
        desk.client.post(f"/rights/users/{operator.pk}/screen/", {"order": "unmark"})
        assert status(screen) == 401
        operator.refresh_from_db()
        assert not operator.is_screen
        assert BehaviourLog.objects.filter(verb="取消大屏账号").exists()

    def test_a_security_administrator_marks_and_an_outsider_does_not(
        self, operator: User, outsider: User, province: Organisation
    ) -> None:
        security = create_staff(username="sec", password=PASSWORD, role=Role.SECURITY, organisation=province)
        with pytest.raises(ForbiddenError):
            mark_screen(by=outsider, user=operator, networks=THERE, actor=SYSTEM)
        mark_screen(by=security, user=operator, networks=THERE, actor=SYSTEM)
        operator.refresh_from_db()
        assert operator.screen_networks == [THERE]

    def test_an_administrator_of_a_company_does_not_shut_out_who_works_above_it(
        self, operator: User, province: Organisation, company: Organisation
    ) -> None:
        below = create_staff(username="sun", password=PASSWORD, role=Role.PROVINCE_ADMIN, organisation=company)
        User.objects.filter(pk=operator.pk).update(organisation=company)
        operator.refresh_from_db()
        assert may_mark_screen(below, operator)
        StaffRole.objects.create(user=operator, role=Role.PROVINCE_ADMIN, organisation=province)
        assert not may_mark_screen(below, operator)

    def test_nobody_marks_themselves_a_superuser_or_one_of_the_three(
        self, province_admin: User, superuser: User, province: Organisation
    ) -> None:
        audit = create_staff(username="aud", password=PASSWORD, role=Role.AUDIT, organisation=province)
        for by, user in ((province_admin, province_admin), (province_admin, superuser), (superuser, audit)):
            with pytest.raises(ForbiddenError):
                mark_screen(by=by, user=user, networks=THERE, actor=SYSTEM)

    def test_it_is_listed_as_what_it_is(self, screen: User, province_admin: User) -> None:
        sign_in(THERE)
        page = Desk(province_admin).page("sign_ins")
        assert page.count('data-testid="screen"') == 1
        assert "大屏 · 至" in page


def test_its_wall_offers_nothing_that_it_may_not_have(screen: User, camera: Camera) -> None:
    noon = datetime.now(UTC)
    ensure_day(day_of(noon))
    Snapshot.objects.create(camera=camera, slot_at=noon, taken_at=noon, result=SnapshotResult.TAKEN)
    client = sign_in(THERE)
    page = text_of(client.get("/"))
    assert " data-screen>" in page
    assert 'href="/snapshots/' not in page
    (card,) = content_of(client.get("/console/api/cameras/", {"first": 9}))["cards"]
    assert card["picture"] is None
