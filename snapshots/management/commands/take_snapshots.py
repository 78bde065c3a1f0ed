from typing import Any

from django.core.management.base import BaseCommand

from snapshots.services.partitions import keep_partitions
from snapshots.services.rounds import take_round


class Command(BaseCommand):
    help = "立即为所有摄像机截取当前时段的图（已有截图的不重复截取）"

    def handle(self, *args: Any, **options: Any) -> None:
        keep_partitions()
        report = take_round()
        self.stdout.write(f"摄像机 {report.cameras} 路，当前时段已有截图 {report.taken} 路")
