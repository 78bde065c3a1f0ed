"""manage.py add_play_domain: a name, most often of a CDN, under which viewers play."""

import sys
from argparse import BooleanOptionalAction
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from access.actors import SYSTEM
from protocol.errors import ProtocolError
from streaming.choices import HlsWay, SignerKind
from streaming.models import MediaServer, PlayDomain
from streaming.services.domains import add_play_domain

# Option, field and what it means; each also as --no-….
_SWITCHES: Final = (
    ("--backup-signs", "is_backup_signing", "用备用密钥签名"),
    ("--for-staff", "is_for_staff", "控制台也经此播放"),
    ("--for-partners", "is_for_partners", "用于接入方，新的域名缺省如此"),
    ("--active", "is_active", "启用，须先通过 check_play_domain"),
)
_VALUES: Final = ("base_url", "signer", "validity_seconds", "hls_way")
_KEYS: Final = ("key", "backup_key")


class Command(BaseCommand):
    help = "登记一个播放域名，或修改它：未给出的各项不变；先用 check_play_domain 验收，再加 --active 启用"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True)
        parser.add_argument("--base-url", help="如 https://play.example.cn")
        parser.add_argument("--signer", choices=SignerKind.values)
        parser.add_argument("--key", help="主密钥；- 表示从标准输入读一行，不出现在进程列表里")
        parser.add_argument("--backup-key", help="备用密钥；- 同上，在主密钥之后读")
        parser.add_argument("--validity", dest="validity_seconds", type=int, help="该域名另加的有效时长，秒")
        parser.add_argument(
            "--hls",
            dest="hls_way",
            choices=HlsWay.values,
            help="HLS 直接到媒体服务器（缺省），或经该域名（仅限 own）",
        )
        parser.add_argument("--media-server", help="回源服务器的名称，空为全部")
        for option, field, words in _SWITCHES:
            parser.add_argument(option, dest=field, action=BooleanOptionalAction, help=words)
        parser.add_argument("--without-check", action="store_true", help="未通过验收也启用")

    def handle(self, *args: Any, **options: Any) -> None:
        fields = self._given(options)
        former = PlayDomain.objects.filter(name=options["name"]).first()
        if former is None and not {"base_url", "signer"} <= fields.keys():
            raise CommandError("新的播放域名须给出 --base-url 与 --signer")
        is_begun = fields.pop("is_active", None)
        try:
            # A change may undo what was proven: use is decided on what is stored then.
            domain = add_play_domain(name=options["name"], actor=SYSTEM, **fields)
            if is_begun and not domain.is_proven and not options["without_check"]:
                raise CommandError(
                    "已保存，但未启用：请先用 check_play_domain 验收通过（或加 --without-check）"
                )
            if is_begun is not None:
                domain = add_play_domain(name=options["name"], actor=SYSTEM, is_active=is_begun)
        except ProtocolError as error:
            raise CommandError(error.message) from error
        state = "已启用" if domain.is_active else "未启用"
        self.stdout.write(f"播放域名 {domain.name} 已登记，{state}：{domain.base_url}")

    def _given(self, options: dict[str, Any]) -> dict[str, Any]:
        names = (*_VALUES, *(field for _, field, _ in _SWITCHES))
        fields = {name: options[name] for name in names if options[name] is not None}
        for name in _KEYS:
            if options[name] is not None:
                fields[name] = sys.stdin.readline().strip() if options[name] == "-" else options[name]
        if options["media_server"] is not None:
            fields["media_server"] = _server_named(options["media_server"])
        return fields


def _server_named(name: str) -> MediaServer | None:
    if not name:
        return None
    server = MediaServer.objects.filter(name=name).first()
    if server is None:
        raise CommandError(f"没有名为 {name} 的媒体服务器")
    return server
