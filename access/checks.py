"""Settings of access that must not go into production."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

_SHORTEST_KEY = 32
_SECRETS = ("SECRET_KEY", "TOKEN_SERVER_KEY", "STORED_SECRET_KEY")


@register
def check_secrets(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Default and short keys may serve trials, and nothing else (threats.md 20)."""
    if settings.DEBUG or settings.IS_DEMO:
        return []
    found: list[CheckMessage] = []
    for name in _SECRETS:
        value = getattr(settings, name)
        if settings.INSECURE_SECRET_KEY in value:
            found.append(Error(f"{name} 仍是公开的默认值", hint=f"设置环境变量 {name}", id="access.E001"))
        elif len(value) < _SHORTEST_KEY:
            found.append(Error(f"{name} 太短：至少 {_SHORTEST_KEY} 个字符", id="access.E002"))
    return found


@register
def check_tokens(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if not settings.TOKEN_SERVER_KEY:
        found.append(Error("TOKEN_SERVER_KEY 为空，任何人都能推算令牌", id="access.E003"))
    if settings.TOKEN_GRACE_SECONDS <= 0 or settings.TOKEN_EXCHANGE_DAYS <= 0:
        found.append(
            Error(
                "TOKEN_GRACE_SECONDS 和 TOKEN_EXCHANGE_DAYS 须大于 0，否则接入方会被锁在门外",
                id="access.E004",
            )
        )
    if settings.TOKEN_FAILURES_PER_MINUTE <= 0:
        found.append(Error("TOKEN_FAILURES_PER_MINUTE 须大于 0", id="access.E005"))
    return found


@register
def check_origins(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if "*" in settings.SERVICE_CORS_ORIGINS and not (settings.DEBUG or settings.IS_DEMO):
        return [Warning("SERVICE_CORS_ORIGINS 允许任何网页读取 /service/", id="access.W001")]
    return []
