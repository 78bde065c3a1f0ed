"""Settings of signing in and of the behaviour log that fall short of the rules (docs/security.md)."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from access.choices import DUTIES, Role
from access.services.log_chain import FEWEST_DAYS
from access.sign_in_steps import SUPERUSER
from protocol.sm2 import is_private_key

_FEWEST_CHARACTERS = 8
_MOST_IDLE_SECONDS = 1800
_HASHERS = ("pbkdf2_sha256", "pbkdf2_sm3")


@register
def check_log(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.LOG_KEEP_DAYS < FEWEST_DAYS:
        found.append(Error(f"LOG_KEEP_DAYS 不得少于 {FEWEST_DAYS} 天", id="access.E023"))
    if not is_private_key(settings.LOG_ANCHOR_KEY):
        found.append(Error("LOG_ANCHOR_KEY 应为 SM2 私钥：64 位十六进制", id="access.E024"))
    return found


@register
def check_sign_in(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.PASSWORD_HASHER not in _HASHERS:
        found.append(Error(f"PASSWORD_HASHER 应为 {' 或 '.join(_HASHERS)}", id="access.E021"))
    if wrong := set(settings.SECOND_FACTOR_ROLES) - {*Role.values, SUPERUSER}:
        found.append(
            Error(f"SECOND_FACTOR_ROLES 中没有这样的角色：{'、'.join(sorted(wrong))}", id="access.E022")
        )
    if min(_tries()) < 1:
        found.append(Error("SIGN_IN_FAILURES… 与 SIGN_IN_LOCK_SECONDS 须大于 0", id="access.E025"))
    return found


def _tries() -> list[int]:
    return [
        *(settings.SIGN_IN_FAILURES, settings.SIGN_IN_FAILURES_OF_NAME),
        *(settings.SIGN_IN_FAILURES_OF_ADDRESS, settings.SIGN_IN_LOCK_SECONDS),
    ]


@register(Tags.security, deploy=True)
def check_level(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """What an assessment by the scheme of classified protection asks first."""
    short = [
        (settings.PASSWORD_LENGTH < _FEWEST_CHARACTERS, f"PASSWORD_LENGTH 宜不少于 {_FEWEST_CHARACTERS}"),
        (settings.PASSWORD_CLASSES < 3, "PASSWORD_CLASSES 宜为 3 或 4"),
        (not 0 < settings.PASSWORD_DAYS <= 90, "PASSWORD_DAYS 宜为 1 到 90"),
        (not settings.FIRST_PASSWORD_MUST_CHANGE, "FIRST_PASSWORD_MUST_CHANGE 宜开启"),
        (
            settings.CONSOLE_IDLE_SECONDS > _MOST_IDLE_SECONDS,
            f"CONSOLE_IDLE_SECONDS 宜不超过 {_MOST_IDLE_SECONDS}",
        ),
        (bool(lacking := _roles_without_factor()), f"SECOND_FACTOR_ROLES 宜包括 {','.join(lacking)}"),
    ]
    return [Warning(words, id="access.W021") for is_short, words in short if is_short]


def _roles_without_factor() -> list[str]:
    """三员 while duties are separate, as each of them opens the platform; an empty list lacks the usual ones as well."""
    wanted = [role.value for role in DUTIES] if settings.SEPARATE_DUTIES else []
    if not settings.SECOND_FACTOR_ROLES:
        wanted = [SUPERUSER, Role.PROVINCE_ADMIN.value, Role.AUDITOR.value, *wanted]
    return [role for role in wanted if role not in settings.SECOND_FACTOR_ROLES]
