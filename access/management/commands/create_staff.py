"""manage.py create_staff: somebody who may sign in to console or admin."""

import getpass
import json
import sys
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from access.choices import Role
from access.models import User
from access.services.organisations import ensure_root, place_department
from access.services.staff import create_staff


class Command(BaseCommand):
    help = "建立用户。密码从标准输入读取一行，或在终端中询问；不作为参数，以免留在命令历史中"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--username", required=True)
        parser.add_argument("--full-name", default="", help="姓名")
        parser.add_argument("--role", choices=Role.values)
        parser.add_argument("--department", default="", help="角色所在单位，默认全省")
        parser.add_argument("--superuser", action="store_true", help="系统管理员，可进入管理后台")

    def handle(self, *args: Any, **options: Any) -> None:
        password = getpass.getpass("密码：") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
        organisation = ensure_root()
        if options["department"]:
            organisation = place_department(
                within=organisation, department=options["department"], road_section=""
            )
        try:
            validate_password(password, User(username=options["username"]))
            user = create_staff(
                username=options["username"],
                password=password,
                full_name=options["full_name"],
                role=Role(options["role"]) if options["role"] else None,
                organisation=organisation,
                is_superuser=options["superuser"],
            )
        except ValidationError as error:
            raise CommandError("；".join(error.messages)) from error
        self.stdout.write(json.dumps({"id": user.pk, "username": user.username}, ensure_ascii=False))
