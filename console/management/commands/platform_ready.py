"""manage.py platform_ready: does the main job run? For scripts that wait for a fresh platform."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cameras.choices import OnlineStatus
from cameras.models import Camera
from snapshots.choices import SnapshotResult
from snapshots.models import Snapshot


class Command(BaseCommand):
    help = "检查平台是否就绪：指定数量的摄像机在线且各有截图"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--cameras", type=int, default=1, help="应在线的摄像机数")
        parser.add_argument("--wait", type=float, default=0, help="最多等待秒数")

    def handle(self, *args: Any, **options: Any) -> None:
        deadline = time.monotonic() + options["wait"]
        while True:
            online = Camera.objects.filter(deleted_at=None, status=OnlineStatus.ONLINE).count()
            pictured = (
                Snapshot.objects.filter(result=SnapshotResult.TAKEN).values("camera_id").distinct().count()
            )
            if min(online, pictured) >= options["cameras"]:
                self.stdout.write(f"就绪：在线 {online} 路，已有截图 {pictured} 路")
                return
            if time.monotonic() >= deadline:
                raise CommandError(f"未就绪：在线 {online} 路，已有截图 {pictured} 路")
            time.sleep(0.3)
