"""manage.py add_play_domain: a name, most often of a CDN, under which viewers play."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from access.actors import SYSTEM
from protocol.errors import ProtocolError
from streaming.choices import HlsWay, SignerKind
from streaming.models import MediaServer
from streaming.services.domains import add_play_domain


class Command(BaseCommand):
    help = "登记一个播放域名；先用 check_play_domain 验收，再加 --active 启用"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True)
        parser.add_argument("--base-url", required=True, help="如 https://play.example.cn")
        parser.add_argument("--signer", choices=SignerKind.values, required=True)
        parser.add_argument("--key", default="", help="主密钥")
        parser.add_argument("--backup-key", default="", help="备用密钥")
        parser.add_argument("--backup-signs", action="store_true", help="用备用密钥签名")
        parser.add_argument("--validity", type=int, default=0, help="该域名另加的有效时长，秒")
        parser.add_argument(
            "--hls",
            choices=HlsWay.values,
            default=HlsWay.SERVER.value,
            help="HLS 直接到媒体服务器，或经该域名（仅限 own）",
        )
        parser.add_argument("--media-server", default="", help="回源服务器的名称，缺省为全部")
        parser.add_argument("--for-staff", action="store_true", help="控制台也经此播放")
        parser.add_argument("--not-for-partners", action="store_true", help="不用于接入方")
        parser.add_argument("--active", action="store_true", help="启用")

    def handle(self, *args: Any, **options: Any) -> None:
        server = None
        if options["media_server"]:
            server = MediaServer.objects.filter(name=options["media_server"]).first()
            if server is None:
                raise CommandError(f"没有名为 {options['media_server']} 的媒体服务器")
        try:
            domain = add_play_domain(
                name=options["name"],
                base_url=options["base_url"],
                signer=SignerKind(options["signer"]),
                key=options["key"],
                backup_key=options["backup_key"],
                is_backup_signing=options["backup_signs"],
                validity_seconds=options["validity"],
                hls_way=HlsWay(options["hls"]),
                media_server=server,
                is_for_staff=options["for_staff"],
                is_for_partners=not options["not_for_partners"],
                is_active=options["active"],
                actor=SYSTEM,
            )
        except ProtocolError as error:
            raise CommandError(error.message) from error
        state = "已启用" if domain.is_active else "未启用"
        self.stdout.write(f"播放域名 {domain.name} 已登记，{state}：{domain.base_url}")
