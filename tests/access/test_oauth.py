"""client_credentials beside the token ring (threats.md 5)."""

import json
from typing import Any

import pytest
from django.test import Client
from oauth2_provider.models import AccessToken

from access.models import User
from access.services.partners import OAuthSecret, issue_oauth_secret, revoke_partner
from tests.cast import PASSWORD, Caller, answer_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.access.urls")]


@pytest.fixture
def secret(ministry: Caller) -> OAuthSecret:
    return issue_oauth_secret(partner=ministry.partner)


def grant(secret: OAuthSecret, **fields: str) -> tuple[int, dict[str, Any]]:
    form = {
        "grant_type": "client_credentials",
        "client_id": secret.client_id,
        "client_secret": secret.client_secret,
        **fields,
    }
    response = Client().post("/oauth/token/", form)
    return response.status_code, json.loads(response.content)


def test_a_granted_token_opens_the_partners_verbs(ministry: Caller, secret: OAuthSecret) -> None:
    status, answer = grant(secret)
    assert (status, answer["token_type"], answer["expires_in"]) == (200, "Bearer", 7200)
    assert sorted(answer["scope"].split()) == ["play", "ptz", "snapshot"]
    assert "refresh_token" not in answer
    token = answer["access_token"]
    for headers in ({"TAuth": token}, {"TAuth": "", "Authorization": f"Bearer {token}"}):
        response = ministry.request("GET", "GetCameraPlayURL", headers=headers)
        assert answer_of(response)["code"] == 200


def test_the_token_itself_is_neither_stored_nor_logged(
    secret: OAuthSecret, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    token = grant(secret)[1]["access_token"]
    assert token not in caplog.text
    assert secret.client_secret not in caplog.text
    row = AccessToken.objects.get()
    assert (row.token, row.user) == ("", None)
    assert token not in json.dumps(list(AccessToken.objects.values()), default=str)


def test_a_narrower_scope_opens_only_that(ministry: Caller, secret: OAuthSecret) -> None:
    token = grant(secret, scope="play")[1]["access_token"]
    answers = [
        answer_of(ministry.request("GET", verb, token=token)) for verb in ("GetCameraPlayURL", "PTZControl")
    ]
    assert [(answer["code"], answer["msg"]) for answer in answers] == [(200, "成功"), (403, "接口未授权")]


def test_a_scope_taken_from_the_partner_is_taken_from_its_tokens(
    ministry: Caller, secret: OAuthSecret
) -> None:
    token = grant(secret)[1]["access_token"]
    ministry.partner.scopes = ["ptz"]
    ministry.partner.save()
    assert answer_of(ministry.request("GET", "GetCameraPlayURL", token=token))["code"] == 403
    assert answer_of(ministry.request("GET", "PTZControl", token=token))["code"] == 200


@pytest.mark.parametrize("scope", ["report", "play report", "admin"])
def test_a_wider_scope_is_not_granted(secret: OAuthSecret, scope: str) -> None:
    status, answer = grant(secret, scope=scope)
    assert (status, answer["error"]) == (400, "invalid_scope")
    assert AccessToken.objects.count() == 0


def test_an_inactive_partner_gets_nothing(ministry: Caller, secret: OAuthSecret) -> None:
    token = grant(secret)[1]["access_token"]
    ministry.partner.is_active = False
    ministry.partner.save()
    status, answer = grant(secret)
    assert (status, answer["error"]) == (401, "invalid_client")
    refused = answer_of(ministry.request("GET", "GetCameraPlayURL", token=token))
    assert (refused["code"], refused["msg"]) == (403, "令牌无效：接入方已停用")


@pytest.mark.parametrize("wrong", ["", "guess"])
def test_a_wrong_secret_is_refused(secret: OAuthSecret, wrong: str) -> None:
    status, answer = grant(secret, client_secret=wrong)
    assert (status, answer["error"]) == (401, "invalid_client")


def test_before_a_secret_was_made_nobody_gets_in(ministry: Caller) -> None:
    client_id = ministry.partner.application.client_id
    for guess in ("", ministry.partner.application.client_secret, "!"):
        status, answer = grant(OAuthSecret(client_id, guess))
        assert (status, answer["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("grant_type", "error"),
    [
        ("password", "invalid_grant"),
        ("refresh_token", "unauthorized_client"),
        ("authorization_code", "unauthorized_client"),
        ("implicit", "unsupported_grant_type"),
    ],
)
def test_other_grants_are_closed(secret: OAuthSecret, operator: User, grant_type: str, error: str) -> None:
    # The password is the right one: nobody finds that out here.
    fields = {"username": operator.username, "password": PASSWORD, "refresh_token": "x", "code": "x"}
    status, answer = grant(secret, grant_type=grant_type, **fields)
    assert (status, answer["error"]) == (400, error)
    assert AccessToken.objects.count() == 0


def test_revocation_ends_granted_tokens_too(ministry: Caller, secret: OAuthSecret) -> None:
    token = grant(secret)[1]["access_token"]
    assert revoke_partner(partner=ministry.partner) == 2
    assert answer_of(ministry.request("GET", "GetCameraPlayURL", token=token))["msg"] == "令牌无效"
    # The secret is still good: revoking ends tokens, `is_active` ends the partner.
    assert grant(secret)[0] == 200


def test_the_client_may_revoke_its_own_token(ministry: Caller, secret: OAuthSecret) -> None:
    token = grant(secret)[1]["access_token"]
    form = {"token": token, "client_id": secret.client_id, "client_secret": secret.client_secret}
    assert Client().post("/oauth/revoke_token/", form).status_code == 200
    assert answer_of(ministry.request("GET", "GetCameraPlayURL", token=token))["code"] == 403


def test_no_other_page_of_the_library_is_reachable() -> None:
    for page in ("authorize", "introspect", "applications", "authorized_tokens", "device"):
        assert Client().get(f"/oauth/{page}/").status_code == 404


def test_a_client_with_a_nul_in_its_name_is_unknown(secret: OAuthSecret) -> None:
    assert grant(secret, client_id="\0") == (401, {"error": "invalid_client"})
