"""Failed exchanges: limited per address, cheap where the token is unknown (threats.md 12)."""

from typing import Any

import pytest
from django.conf import LazySettings
from time_machine import TimeMachineFixture

from access.models import BehaviourLog
from access.services.limits import count_one
from access.services.tokens import ExchangeRefusedError, exchange_token
from protocol.sm2 import verify
from tests.access.test_token_ring import NOON
from tests.cast import Caller, answer_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.access.urls")]


def test_over_the_limit_only_the_refusal_is_left(
    ministry: Caller, settings: LazySettings, time_machine: TimeMachineFixture
) -> None:
    time_machine.move_to(NOON.replace(second=20), tick=False)
    settings.TOKEN_FAILURES_PER_MINUTE = 5
    bad = {**ministry.token_query(), "sign": "00"}
    BehaviourLog.objects.all().delete()
    for _ in range(5):
        response = ministry.request("GET", "TokenInfo", bad)
        assert "Retry-After" not in response.headers
        assert answer_of(response)["msg"] == "签名 sign 验证失败"
    response = ministry.request("GET", "TokenInfo", bad)
    assert answer_of(response)["msg"] == "失败次数过多，请稍后再试"
    assert answer_of(response)["code"] == 403
    assert response.headers["Retry-After"] == "40"
    assert BehaviourLog.objects.count() == 5


def test_a_valid_exchange_is_never_limited(ministry: Caller, settings: LazySettings) -> None:
    settings.TOKEN_FAILURES_PER_MINUTE = 1
    for _ in range(3):
        ministry.get("TokenInfo", **{**ministry.token_query(), "sign": "00"})
    assert ministry.get("TokenInfo", **ministry.token_query())["code"] == 200


def test_the_default_limit_is_sixty_a_minute_and_address(settings: LazySettings) -> None:
    assert settings.TOKEN_FAILURES_PER_MINUTE == 60


def test_addresses_and_minutes_are_counted_apart(time_machine: TimeMachineFixture) -> None:
    time_machine.move_to(NOON, tick=False)
    waits = [count_one("token", address, limit=1) for address in ("10.0.0.1", "10.0.0.1", "10.0.0.2")]
    assert waits == [None, 60, None]
    time_machine.move_to(NOON.replace(minute=1), tick=False)
    assert count_one("token", "10.0.0.1", limit=1) is None


def test_without_the_cache_nobody_is_limited(ministry: Caller, settings: LazySettings) -> None:
    settings.TOKEN_FAILURES_PER_MINUTE = 0
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "unix:///nowhere/valkey.sock",
        }
    }
    answer = ministry.get("TokenInfo", **{**ministry.token_query(), "sign": "00"})
    assert (answer["code"], answer["msg"]) == (403, "签名 sign 验证失败")


def test_unknown_tokens_cost_no_curve_work(ministry: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    query = ministry.token_query()
    verified: list[str] = []

    def count(public_key: str, *given: Any, **options: Any) -> bool:
        verified.append(public_key)
        return verify(public_key, *given, **options)

    monkeypatch.setattr("access.services.tokens.verify", count)
    for token, times in (("unknown", 0), (query["token"], 1)):
        with pytest.raises(ExchangeRefusedError):
            exchange_token(
                device_code=query["deviceCode"], user=query["user"], token=token, sign="01" * 64, address=None
            )
        assert len(verified) == times
