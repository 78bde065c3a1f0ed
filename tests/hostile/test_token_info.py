"""SM2 through TokenInfo and the admin, and the ring where requests overlap (threats.md 1-3, 7, 10, 11)."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import TypeVar

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.models import Alarm, Partner, PartnerToken, User
from access.services.partners import revoke_partner
from access.services.tokens import authenticate
from protocol.errors import ForbiddenError
from tests.cast import Caller, answer_of
from tests.protocol.test_sm2 import BAD_POINTS, REFUSED

T = TypeVar("T")


@pytest.mark.django_db
def test_what_the_strict_parser_refuses_is_403_through_the_verb(
    ministry: Caller, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TOKEN_FAILURES_PER_MINUTE = 10**6  # type: ignore[attr-defined]
    good = ministry.token_query()
    for name, signature in REFUSED.items():
        if not signature.strip():
            continue
        sent = signature.encode("utf-8", "surrogatepass")
        answer = ministry.get("TokenInfo", **{**good, "sign": sent})
        allowed = (400, 403) if name in ("lone surrogate", "nul") else (403,)
        assert answer["code"] in allowed, (name, answer)
    assert PartnerToken.objects.count() == 1
    assert ministry.get("TokenInfo", **good)["code"] == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    "key", [key for key in BAD_POINTS.values() if key], ids=[n for n in BAD_POINTS if n != "empty"]
)
def test_an_off_curve_key_is_neither_cleaned_nor_used(ministry: Caller, key: str) -> None:
    ministry.partner.public_key = key[:130]
    with pytest.raises(ValidationError, match="SM2"):
        ministry.partner.full_clean()
    # However it came into the database, it verifies nothing.
    Partner.objects.update(public_key=key[:130])
    assert ministry.get("TokenInfo", **ministry.token_query())["code"] == 403


@pytest.mark.django_db
def test_the_admin_stores_no_off_curve_key(ministry: Caller, superuser: User) -> None:
    desk = Client()
    desk.force_login(superuser)
    url = reverse("admin:access_partner_change", args=[ministry.partner.pk])
    form = desk.get(url).context["adminform"].form
    assert "public_key" in form.fields
    values = {name: form.initial.get(name, field.initial) for name, field in form.fields.items()}
    posted = {name: value for name, value in values.items() if value not in (None, False)}
    posted["allowed_networks"] = ""
    page = desk.post(url, {**posted, "public_key": BAD_POINTS["off the curve"]})
    assert page.status_code == 200
    assert "public_key" in page.context["adminform"].form.errors
    assert Partner.objects.get().public_key == ministry.partner.public_key


@pytest.mark.django_db
def test_exchanges_need_no_predictable_random(ministry: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("random is predictable")

    monkeypatch.setattr(random, "choice", refuse)
    monkeypatch.setattr("gmssl.func.choice", refuse)
    first, second = ministry.token_query(), ministry.token_query()
    assert first["sign"] != second["sign"]
    answers = [ministry.get("TokenInfo", **query) for query in (first, second)]
    assert [answer["code"] for answer in answers] == [200, 200]


def in_threads(*works: Callable[[], T]) -> list[T]:
    def run(work: Callable[[], T]) -> T:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


@pytest.mark.django_db(transaction=True)
def test_an_expired_token_exchanged_by_six_gives_one(ministry: Caller) -> None:
    PartnerToken.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    query = ministry.token_query()
    answers = in_threads(*[lambda: ministry.get("TokenInfo", **query)] * 6)
    assert {answer["code"] for answer in answers} == {200}
    assert len({answer["token"]["token"] for answer in answers}) == 1


@pytest.mark.django_db(transaction=True)
def test_six_who_come_after_the_grace_get_nothing_and_one_alarm(ministry: Caller) -> None:
    query = ministry.token_query()
    new = ministry.get("TokenInfo", **query)["token"]["token"]
    PartnerToken.objects.filter(generation=2).update(issued_at=timezone.now() - timedelta(seconds=601))
    answers = in_threads(*[lambda: ministry.get("TokenInfo", **query)] * 6)
    assert [answer["code"] for answer in answers] == [403] * 6
    alarm = Alarm.objects.get()
    assert alarm.times_seen == 6
    assert answer_of(ministry.request("GET", "GetCameraStatus", token=new))["code"] == 200


@pytest.mark.django_db(transaction=True)
def test_six_replays_of_a_captured_url_lock_nobody_out(ministry: Caller) -> None:
    captured = ministry.token_query()
    new = ministry.get("TokenInfo", **captured)["token"]["token"]
    assert answer_of(ministry.request("GET", "GetCameraStatus", token=new))["code"] == 200
    answers = in_threads(*[lambda: ministry.get("TokenInfo", **captured)] * 6)
    assert [answer["code"] for answer in answers] == [403] * 6
    assert Alarm.objects.get().times_seen == 6
    assert ministry.get("TokenInfo", **ministry.token_query(new))["code"] == 200


@pytest.mark.django_db(transaction=True)
def test_revoked_in_mid_flight_ends_with_that_request(ministry: Caller) -> None:
    """A request that was let in before the revocation is answered; the next one is refused."""
    let_in, revoked = Barrier(2), Barrier(2)

    def request() -> tuple[str, str]:
        auth = authenticate(ministry.issued.token)
        let_in.wait(timeout=30)
        revoked.wait(timeout=30)
        try:
            authenticate(ministry.issued.token)
        except ForbiddenError as error:
            return auth.partner.user, error.message
        return auth.partner.user, ""

    def revoke() -> tuple[str, str]:
        let_in.wait(timeout=30)
        revoke_partner(partner=ministry.partner)
        revoked.wait(timeout=30)
        answer = ministry.get("GetCameraStatus")
        return str(answer["code"]), answer["msg"]

    assert in_threads(request, revoke) == [("ministry", "令牌无效：已吊销"), ("403", "令牌无效：已吊销")]


@pytest.mark.django_db(transaction=True)
def test_revocation_while_six_exchange_leaves_no_token(ministry: Caller) -> None:
    """An exchange that came first may have issued; what it issued is revoked with the rest."""
    query = ministry.token_query()
    start = Barrier(7)

    def exchange() -> str:
        start.wait(timeout=30)
        answer = ministry.get("TokenInfo", **query)
        return str(answer["token"]["token"]) if answer["code"] == 200 else ""

    def revoke() -> str:
        start.wait(timeout=30)
        revoke_partner(partner=ministry.partner)
        return ""

    issued = {token for token in in_threads(*[exchange] * 6, revoke) if token}
    assert len(issued) <= 1
    codes = [answer_of(ministry.request("GET", "GetCameraStatus", token=token))["code"] for token in issued]
    assert codes == [403] * len(issued)
    assert not PartnerToken.objects.filter(revoked_at=None).exists()
