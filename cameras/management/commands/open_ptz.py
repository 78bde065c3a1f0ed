"""manage.py open_ptz: open PTZ of cameras (重要点位) to a partner."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from access.actors import SYSTEM
from access.models import Partner
from cameras.services.gateways import open_ptz
from protocol.errors import ProtocolError


class Command(BaseCommand):
    help = "向接入方开放摄像机的云台控制（重要点位）"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--partner-user", required=True)
        parser.add_argument("--cameras", required=True, help="摄像机编号，以逗号分隔")

    def handle(self, *args: Any, **options: Any) -> None:
        partner = Partner.objects.filter(user=options["partner_user"]).first()
        if partner is None:
            raise CommandError(f"没有用户名为 {options['partner_user']} 的接入方")
        numbers = [number for number in options["cameras"].split(",") if number.strip()]
        try:
            count = open_ptz(partner=partner, camera_numbers=numbers, actor=SYSTEM)
        except ProtocolError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"新开放 {count} 路，共 {len(numbers)} 路")
