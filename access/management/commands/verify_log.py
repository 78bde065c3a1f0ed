"""manage.py verify_log: whether the behaviour log is what was written, and where it is not."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from access.services.log_anchors import Anchor, AnchorError, anchor_file, read_anchors
from access.services.log_verification import verify_log
from protocol.sm2 import public_key_of


class Command(BaseCommand):
    help = "核对行为日志：逐行、逐块、与库外的锚点。有不符时列出位置并以 1 退出"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--anchors", type=Path, help="锚点文件，默认 LOG_ANCHOR_FOLDER 中的文件")
        parser.add_argument("--public-key", action="store_true", help="只打印验证锚点签名的 SM2 公钥")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["public_key"]:
            self.stdout.write(public_key_of(settings.LOG_ANCHOR_KEY))
            return
        anchors = self._anchors(options["anchors"])
        verified = verify_log(anchors)
        for flaw in verified.flaws:
            self.stdout.write(f"[{flaw.what}] {flaw.words}")
        head = "尚无封存块" if verified.head is None else f"最新封存块 {verified.head}"
        self.stdout.write(
            f"核对 {verified.rows} 行、{verified.blocks} 块、{len(anchors)} 个锚点；{head}，尚未封存 {verified.unsealed} 行"
        )
        if not anchors:
            self.stdout.write("没有锚点：尾部整块被删除时无法发现")
        if verified.flaws:
            raise CommandError(f"发现 {len(verified.flaws)} 处不符")
        self.stdout.write("完好")

    def _anchors(self, given: Path | None) -> list[Anchor]:
        file = given or anchor_file()
        if given is None and not file.exists():
            return []
        try:
            return list(read_anchors(file))
        except (AnchorError, OSError) as error:
            raise CommandError(str(error)) from error
