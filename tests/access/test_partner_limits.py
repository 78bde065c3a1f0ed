"""Rate limit and allowed networks of a partner's profile (protocol.md section 7)."""

import pytest
from django.core.exceptions import ValidationError
from time_machine import TimeMachineFixture

from access.models import Partner
from tests.cast import Caller, answer_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.access.urls")]


def limit(caller: Caller, **fields: object) -> None:
    Partner.objects.filter(pk=caller.partner.pk).update(**fields)


def test_over_the_limit_is_refused_with_the_time_to_wait(
    ministry: Caller, time_machine: TimeMachineFixture
) -> None:
    limit(ministry, requests_per_minute=2)
    time_machine.move_to("2026-11-22T04:00:20Z", tick=False)
    assert [ministry.get("GetCameraPlayURL")["code"] for _ in range(2)] == [200, 200]
    response = ministry.request("GET", "GetCameraPlayURL")
    answer = answer_of(response)
    assert (answer["code"], answer["msg"]) == (403, "请求过于频繁：每分钟最多 2 次")
    assert response.headers["Retry-After"] == "40"
    time_machine.move_to("2026-11-22T04:01:00Z", tick=False)
    assert ministry.get("GetCameraPlayURL")["code"] == 200


def test_a_limit_is_the_partners_own(ministry: Caller, gateway_partner: Caller) -> None:
    limit(ministry, requests_per_minute=1)
    assert [ministry.get("GetCameraPlayURL")["code"] for _ in range(3)] == [200, 403, 403]
    assert [gateway_partner.post("VideoInformation", [])["code"] for _ in range(3)] == [201, 201, 201]


def test_an_exchange_of_tokens_is_never_throttled(ministry: Caller) -> None:
    limit(ministry, requests_per_minute=1)
    codes = [ministry.get("TokenInfo", **ministry.token_query())["code"] for _ in range(3)]
    assert codes == [200, 200, 200]


@pytest.mark.parametrize(
    ("networks", "code"),
    [
        ([], 200),
        (["127.0.0.1"], 200),
        (["10.20.0.0/16", "127.0.0.0/8"], 200),
        (["10.20.0.0/16"], 403),
        (["::1"], 403),
    ],
)
def test_only_allowed_networks_get_an_answer(ministry: Caller, networks: list[str], code: int) -> None:
    limit(ministry, allowed_networks=networks)
    assert ministry.get("GetCameraPlayURL")["code"] == code
    answer = ministry.get("TokenInfo", **ministry.token_query())
    assert answer["code"] == code
    if code == 403:
        assert answer["msg"] == "来源地址 127.0.0.1 不在允许的网段内"


def test_what_is_no_network_is_not_stored(ministry: Caller) -> None:
    ministry.partner.allowed_networks = ["10.20.0.0/16", "10.20.0.0/99"]
    with pytest.raises(ValidationError, match="不是地址或网段：10.20.0.0/99"):
        ministry.partner.full_clean()
