"""manage.py add_gateway: the record of a roadside gateway whose partner exists already."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from access.actors import SYSTEM
from access.models import Partner
from cameras.choices import GatewayStyle, PtzStop
from cameras.services.gateways import add_gateway
from protocol.errors import ProtocolError


class Command(BaseCommand):
    help = "登记一台视频上云网关（其接入方须已由 create_partner --kind gateway 建立）"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--code", required=True, help="网关编号，与接入方编号相同")
        parser.add_argument("--base-url", required=True, help="网关地址，如 https://10.1.2.3:8443")
        parser.add_argument("--style", choices=GatewayStyle.values, default=GatewayStyle.VERBS.value)
        parser.add_argument("--ptz-stop", choices=PtzStop.values, default=PtzStop.ACTION_0.value)
        parser.add_argument("--port-as-string", action="store_true", help="推流端口以字符串下发")
        parser.add_argument("--name", default="")
        parser.add_argument("--ca", default="", help="校验网关证书的 CA 文件")

    def handle(self, *args: Any, **options: Any) -> None:
        partner = Partner.objects.filter(code=options["code"]).first()
        if partner is None:
            raise CommandError(
                f"没有编号为 {options['code']} 的接入方（编号写原文，不是 BASE64 的 deviceCode），"
                "请先执行 create_partner --kind gateway"
            )
        try:
            gateway = add_gateway(
                partner=partner,
                code=options["code"],
                base_url=options["base_url"],
                actor=SYSTEM,
                name=options["name"],
                style=GatewayStyle(options["style"]),
                ptz_stop=PtzStop(options["ptz_stop"]),
                has_port_as_string=options["port_as_string"],
                ca_file=options["ca"],
            )
        except ProtocolError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"网关 {gateway.code} 已登记：{gateway.base_url}")
