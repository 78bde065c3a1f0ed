"""manage.py add_media_server: where gateways push to and viewers play from."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from access.actors import SYSTEM
from protocol.errors import ProtocolError
from streaming.choices import MediaKind
from streaming.services.servers import add_media_server


class Command(BaseCommand):
    help = "登记一台媒体服务器"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--kind", choices=MediaKind.values, required=True)
        parser.add_argument("--name", required=True)
        parser.add_argument("--rtmp", required=True, help="推流地址，如 rtmp://10.0.0.5:1935")
        parser.add_argument("--http", required=True, help="播放地址，如 https://live.example.cn")
        parser.add_argument("--api", default="", help="管理接口，缺省与播放地址相同")
        parser.add_argument("--secret", default="")
        parser.add_argument("--ca", default="", help="校验媒体服务器证书的 CA 文件")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            server = add_media_server(
                name=options["name"],
                kind=MediaKind(options["kind"]),
                rtmp_url=options["rtmp"],
                http_url=options["http"],
                api_url=options["api"],
                secret=options["secret"],
                ca_file=options["ca"],
                actor=SYSTEM,
            )
        except ProtocolError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"媒体服务器 {server.name} 已登记：{server.http_url}")
