"""manage.py accept_gateway: do the streams of that gateway keep to the document?"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from acceptance.models import AcceptanceReport
from acceptance.services.reports import ask_for, carry_out, give_up
from access.actors import SYSTEM
from cameras.models import Gateway
from protocol.errors import ProtocolError

_WORDS = {True: "通过", False: "不符", None: "未测"}


class Command(BaseCommand):
    help = "验收网关：要来几路摄像机的低码流与高码流，逐项对照技术要求；报告留在控制台“接入验收”"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code", help="网关编号")
        parser.add_argument("--cameras", type=int, default=3, help="摄像机数，缺省 3")

    def handle(self, *args: Any, **options: Any) -> None:
        gateway = Gateway.objects.select_related("partner").filter(code=options["code"]).first()
        if gateway is None:
            raise CommandError(f"没有编号为 {options['code']} 的网关")
        try:
            report = ask_for(gateway=gateway, cameras=options["cameras"], actor=SYSTEM)
            self._carry_out(report)
        except ProtocolError as error:
            raise CommandError(error.message) from error
        if report.bad_count:
            raise CommandError(f"{report.bad_count} 项不符，见控制台“接入验收”第 {report.pk} 号报告")
        self.stdout.write(f"各项通过；烧录的名称与时钟请在控制台“接入验收”第 {report.pk} 号报告中确认")

    def _carry_out(self, report: AcceptanceReport) -> None:
        try:
            for line in carry_out(report=report):
                self.stdout.write(
                    f"{_WORDS[line['is_good']]}  {line['camera']} {line['stream']}"
                    f"  {line['title']}：{line['found']}（要求{line['wanted']}）"
                )
        except KeyboardInterrupt:
            give_up(report=report, why="验收被中断")
            raise
