"""Settings of access that must not go into production."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from protocol.forwarding import networks_of

_SHORTEST_KEY = 32
_SECRETS = (
    "SECRET_KEY",
    "TOKEN_SERVER_KEY",
    "STORED_SECRET_KEY",
    "PLAY_URL_KEYS",
    "HLS_SESSION_KEY",
    "MEDIA_PUBLISH_KEY",
    "MEDIA_SECRET",
    "SNAPSHOT_URL_KEY",
    "LOG_CHAIN_KEY",
)
# A CDN may demand the length of its own signing keys.
_SHORTEST_PLAY_KEY = 16


@register
def check_secrets(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Default and short keys may serve trials, and nothing else (threats.md 20)."""
    if settings.DEBUG or settings.IS_DEMO:
        return []
    found: list[CheckMessage] = []
    for name in _SECRETS:
        given = getattr(settings, name)
        keys = given if isinstance(given, list) else [given]
        shortest = _SHORTEST_PLAY_KEY if isinstance(given, list) else _SHORTEST_KEY
        if any(settings.INSECURE_SECRET_KEY in key for key in keys):
            found.append(Error(f"{name} 仍是公开的默认值", hint=f"设置环境变量 {name}", id="access.E001"))
        elif not keys or min(map(len, keys)) < shortest:
            found.append(Error(f"{name} 太短：至少 {shortest} 个字符", id="access.E002"))
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


@register
def check_alarms_out(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for text in settings.ALARM_NETWORKS:
        try:
            networks_of([text])
        except ValueError:
            found.append(Error(f"ALARM_NETWORKS：“{text}” 不是地址或网段", id="access.E006"))
    if settings.EMAIL_USE_TLS and settings.EMAIL_USE_SSL:
        found.append(Error("EMAIL_USE_TLS 与 EMAIL_USE_SSL 只能设置一个", id="access.E007"))
    return found
