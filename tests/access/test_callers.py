"""Whose request it is, as far as sharing out the server is concerned."""

import pytest
from django.conf import LazySettings

from access.callers import known_partner
from access.proxies import client_in
from tests.cast import Caller


def presenting(token: str) -> dict[str, str]:
    return {"HTTP_TAUTH": token}


@pytest.mark.django_db
def test_a_token_is_known_once_it_was_found_valid(ministry: Caller) -> None:
    token = ministry.issued.token
    assert known_partner(presenting(token)) is None
    ministry.get("TokenInfo", **ministry.token_query())
    assert known_partner(presenting(token)) is None
    ministry.get("GetCameraPlayURL")
    assert known_partner(presenting(token)) == ministry.partner.pk
    assert known_partner({"HTTP_AUTHORIZATION": f"Bearer {token}"}) == ministry.partner.pk


@pytest.mark.django_db
def test_tokens_made_up_are_nobodys(ministry: Caller) -> None:
    ministry.request("GET", "GetCameraPlayURL", token="made-up")
    assert known_partner(presenting("made-up")) is None
    assert known_partner({}) is None


def test_the_address_is_that_of_the_client_behind_a_proxy_of_ours_only(settings: LazySettings) -> None:
    told = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.7"}
    assert client_in(told) == "10.0.0.1"
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    assert client_in(told) == "203.0.113.7"
