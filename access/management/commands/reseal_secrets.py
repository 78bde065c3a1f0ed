"""manage.py reseal_secrets: everything stored encrypted comes under the newest key."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from access.services.stored_secrets import reseal, sealed_columns


class Command(BaseCommand):
    help = "以新的 STORED_SECRET_KEY 重新加密全部存储的密文。可以中断，再次运行即继续"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="只统计，不改写；尚有旧密文时以 1 退出")

    def handle(self, *args: Any, **options: Any) -> None:
        is_trial, left = options["check"], 0
        for column in sealed_columns():
            try:
                done = reseal(column, is_trial=is_trial)
            except ImproperlyConfigured as error:
                raise CommandError(f"{column}：{error}") from error
            left += done.resealed
            verb = "待重新加密" if is_trial else "已重新加密"
            self.stdout.write(f"{column}：{verb} {done.resealed}，已是新密钥 {done.fresh}")
        if is_trial and left:
            raise CommandError(f"共 {left} 项仍由旧密钥加密")
        if not is_trial:
            self.stdout.write("完成。现在可以从 STORED_SECRET_OLD_KEYS 中去掉旧密钥")
