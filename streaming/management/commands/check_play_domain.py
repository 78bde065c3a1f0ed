"""manage.py check_play_domain: does an address at that domain play, and does it die on time?"""

import time
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from access.actors import SYSTEM
from cameras.choices import OnlineStatus
from cameras.models import Camera
from protocol.errors import ProtocolError
from streaming.models import PlayDomain
from streaming.services.commissioning import commission
from streaming.services.domains import keep_findings


class Command(BaseCommand):
    help = "验收播放域名：有效地址能播放、按时失效、不接受伪造的签名；结果留在后台与“视频上云”"

    def __init__(self, *args: Any, wait: Callable[[float], None] = time.sleep, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wait = wait

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--camera", default="", help="摄像机编号，缺省用任意一路在线的")

    def handle(self, *args: Any, **options: Any) -> None:
        domain = PlayDomain.objects.filter(name=options["name"]).first()
        if domain is None:
            raise CommandError(f"没有名为 {options['name']} 的播放域名")
        cameras = Camera.objects.filter(deleted_at=None, is_pending=False, status=OnlineStatus.ONLINE)
        if domain.media_server_id:
            cameras = cameras.filter(push_sessions__media_server=domain.media_server_id)
        if options["camera"]:
            cameras = Camera.objects.filter(deleted_at=None, number_key=options["camera"].strip().lower())
        camera = cameras.order_by("pk").first()
        if camera is None:
            raise CommandError("没有可用来验收的在线摄像机")
        findings = []
        try:
            for finding in commission(domain=domain, camera=camera, wait=self.wait):
                self.stdout.write(f"{'通过' if finding.is_good else '不符'}  {finding.title}：{finding.words}")
                findings.append(finding)
        except ProtocolError as error:
            raise CommandError(error.message) from error
        keep_findings(domain=domain, findings=findings, actor=SYSTEM)
        if domain.faults:
            raise CommandError(f"{len(domain.faults)} 项不符，请勿启用该域名")
