"""manage.py remove_second_factor: for a lost telephone of one of 三员, whose factor nobody takes away in the console."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from access.actors import SYSTEM
from access.models import User
from access.services.second_factor import remove_second_factor


class Command(BaseCommand):
    help = "停用一个用户的动态口令，记入日志；其角色需要动态口令的，下次登录时重新启用"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", metavar="用户名")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"没有用户 {options['user']}")
        if not remove_second_factor(user=user, actor=SYSTEM):
            raise CommandError(f"用户 {user.username} 没有启用动态口令")
        self.stdout.write(f"{user.username} 的动态口令已停用")
