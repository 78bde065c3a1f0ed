"""manage.py add_upstream: an upper platform to report to."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from access.actors import SYSTEM
from ministry.models import UpperPlatform
from ministry.services.platforms import add_upstream, remove_upstream
from protocol.errors import ProtocolError


class Command(BaseCommand):
    help = "登记（或以 --remove 删除）一个上级平台"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True)
        parser.add_argument("--remove", action="store_true", help="删除该上级平台")
        parser.add_argument("--base-url", default="")
        parser.add_argument("--user", default="")
        parser.add_argument("--device-code", default="", help="平台编号的 BASE64")
        parser.add_argument("--token", default="", help="线下取得的初始令牌；已登记的平台缺省不变")
        parser.add_argument("--private-key", default="", help="SM2 私钥，64 位十六进制；已登记的平台缺省不变")
        parser.add_argument("--ca", default="", help="校验对方证书的 CA 文件")

        parser.add_argument("--concurrency", type=int, help="同时在途的请求数，1 至 16，缺省 4")
        parser.add_argument("--requests-per-second", type=float, help="每秒请求上限，0 表示不限（缺省）")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["remove"]:
                remove_upstream(name=options["name"], actor=SYSTEM)
                self.stdout.write(f"上级平台 {options['name']} 已删除")
                return
            is_known = UpperPlatform.objects.filter(name=options["name"]).exists()
            missing = [
                name
                for name in ("base_url", "user", "device_code", *(() if is_known else ("token", "private_key")))
                if not options[name]
            ]
            if missing:
                raise CommandError(
                    "缺少参数：" + "、".join(f"--{name.replace('_', '-')}" for name in missing)
                )
            platform = add_upstream(
                name=options["name"],
                base_url=options["base_url"],
                user=options["user"],
                device_code=options["device_code"],
                token=options["token"],
                private_key=options["private_key"],
                ca_file=options["ca"],
                concurrency=options["concurrency"],
                requests_per_second=options["requests_per_second"],
                actor=SYSTEM,
            )
        except ProtocolError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"上级平台 {platform.name} 已登记：{platform.base_url}")
