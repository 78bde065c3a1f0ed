"""System checks of rights in the database: nobody holds what belongs to two of 三员 (threats.md 15), one root."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError
from django.db.models import Q, QuerySet
from django.utils import timezone

from access.choices import DUTIES
from access.models import Organisation, StaffRole, User
from access.models.staff import not_ended
from access.selectors import is_set_up


@register(Tags.database)
def check_duties(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Runs where the database is checked: `check --database default`, and before the web server starts."""
    if not settings.SEPARATE_DUTIES or not databases or "default" not in databases:
        return []
    try:
        return [*_mixed(), *_open()]
    except DatabaseError:
        # Before the first migration there is nothing to check.
        return []


@register(Tags.database)
def check_root(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Forms refuse a second one; a database may have it from before."""
    if not databases or "default" not in databases:
        return []
    try:
        roots = list(Organisation.objects.filter(parent=None).order_by("pk").values_list("name", flat=True))
    except DatabaseError:
        return []
    return [
        Warning(
            f"{name} 没有上级单位：其上的角色等于全省的角色",
            hint="在管理后台的“组织机构”里为它选择上级单位",
            id="access.W027",
        )
        for name in roots[1:]
    ]


def _mixed() -> list[CheckMessage]:
    held = User.objects.filter(is_active=True, roles__role__in=DUTIES)
    other = Q(roles__in=_other_roles())
    mixed = User.objects.filter(pk__in=held.values("pk")).filter(other | Q(is_superuser=True)).distinct()
    return [
        Error(
            f"{user.username} 在三员之外还有其他角色或是超级管理员",
            hint="三员只任一职：收回其他角色，或另建账号",
            id="access.E026",
        )
        for user in mixed.order_by("username")
    ]


def _other_roles() -> QuerySet[StaffRole]:
    return StaffRole.objects.filter(not_ended(timezone.now())).exclude(role__in=DUTIES)


def _open() -> list[CheckMessage]:
    if is_set_up():
        return []
    return [
        Warning(
            "三员尚未建立，超级管理员仍可登录",
            hint="manage.py setup_administrators",
            id="access.W022",
        )
    ]
