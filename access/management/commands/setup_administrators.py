"""manage.py setup_administrators: the first set-up of 三员; superusers are refused from then on."""

import json
import secrets
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from access.choices import DUTIES, Role
from access.selectors import is_set_up
from access.services.staff import create_staff

_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789"
_PASSWORD_LENGTH = 16
_NAMES = {Role.SYSTEM: "sysadmin", Role.SECURITY: "secadmin", Role.AUDIT: "auditadmin"}


class Command(BaseCommand):
    help = (
        "建立系统、安全、审计三个管理员（三员），密码随机生成，只显示这一次。三人到位后超级管理员不能再登录"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        for role in DUTIES:
            parser.add_argument(f"--{role.value}", default=_NAMES[role], help=f"{role.label}的用户名")

    def handle(self, *args: Any, **options: Any) -> None:
        if is_set_up():
            raise CommandError(
                "三员已经建立；增补或更换用 manage.py create_staff --role system|security|audit"
            )
        handed = {}
        try:
            with transaction.atomic():
                for role in DUTIES:
                    handed[role.value] = _make(options[role.value], role)
        except ValidationError as error:
            raise CommandError("；".join(error.messages)) from error
        self.stdout.write(json.dumps(handed, ensure_ascii=False))
        if not settings.SEPARATE_DUTIES:
            self.stderr.write("SEPARATE_DUTIES 未启用：三员已建立，但其他管理员仍能管理用户和权限")


def _make(username: str, role: Role) -> dict[str, str]:
    password = "".join(secrets.choice(_ALPHABET) for _ in range(_PASSWORD_LENGTH - 2)) + "-7"
    create_staff(username=username, password=password, full_name=str(role.label), role=role)
    return {"username": username, "password": password}
