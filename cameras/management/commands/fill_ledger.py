"""manage.py fill_ledger: a believable province for trials and benchmarks, without video."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cameras.services.trial import fill_ledger


class Command(BaseCommand):
    help = "填充一个虚构省份的点位台账，供试用和性能测试（无视频）"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--cameras", type=int, required=True, help="摄像机数")
        parser.add_argument("--companies", type=int, default=0, help="路公司数，缺省随摄像机数")
        parser.add_argument("--seed", type=int, default=1, help="相同的种子得到相同的台账")

    def handle(self, *args: Any, **options: Any) -> None:
        cameras: int = options["cameras"]
        companies: int = options["companies"] or max(1, min(30, cameras // 300))
        if cameras < 1 or companies < 1:
            raise CommandError("--cameras 与 --companies 应为正整数")
        began = time.monotonic()
        added = fill_ledger(cameras=cameras, companies=companies, seed=options["seed"])
        self.stdout.write(f"新增 {added} 路摄像机（{time.monotonic() - began:.1f} 秒）")
