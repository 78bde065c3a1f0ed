"""Where a sign-in leads whose session had ended: to the page somebody was on, told what was lost."""

import pytest
from django.test import Client

from access.models import Organisation, User
from tests.cases.scene import begin, stand
from tests.cast import PASSWORD
from tests.console.desk import Desk, text_of

pytestmark = pytest.mark.django_db

LOST = "刚才提交的内容没有保存"


@pytest.fixture
def ended(desk: Desk) -> Client:
    """A browser whose session has run out."""
    desk.client.session.flush()
    return desk.client


def sign_in(client: Client, address: str, user: User) -> str:
    page = client.get(address)
    assert page.status_code == 200
    target = page.context["next"]
    answer = client.post("/login/", {"username": user.username, "password": PASSWORD, "next": target})
    return str(answer.headers["Location"])


def test_a_form_leads_back_to_its_page(desk: Desk, office: Organisation) -> None:
    case = begin(stand(office, 250))
    desk.client.session.flush()
    page = f"http://testserver/cases/{case.pk}/?note=1"
    sent = desk.client.post(f"/cases/{case.pk}/notes/", {"text": "夜里两点起雾"}, headers={"referer": page})
    assert sent.status_code == 302
    assert LOST in text_of(desk.client.get(sent.headers["Location"]))
    back = sign_in(desk.client, sent.headers["Location"], desk.user)
    assert back == f"/cases/{case.pk}/?note=1"
    assert desk.client.get(back).status_code == 200
    assert not case.notes.exists()


def test_a_part_leads_back_to_its_page(ended: Client, desk: Desk) -> None:
    page = "http://testserver/alarms/?alarm=7"
    answer = ended.get("/alarms/standing/", headers={"hx-current-url": page, "referer": "http://testserver/"})
    assert answer.status_code == 401
    assert LOST not in text_of(ended.get(answer.headers["HX-Redirect"]))
    assert sign_in(ended, answer.headers["HX-Redirect"], desk.user) == "/alarms/?alarm=7"


@pytest.mark.parametrize(
    "named",
    ["", "https://evil.test/alarms/", "//evil.test/", "javascript:alert(1)", "http://testserver.evil.test/", "http://["],
)
def test_only_a_page_of_ours_is_returned_to(ended: Client, named: str) -> None:
    sent = ended.post("/cases/new/", headers={"referer": named})
    assert sent.headers["Location"] == "/login/?next=/&lost=1"


def test_whoever_comes_to_sign_in_has_lost_nothing(client: Client) -> None:
    assert LOST not in text_of(client.get("/login/?next=/"))
    assert LOST not in text_of(client.post("/login/?lost=1", {"username": "x", "password": "y"}))
