"""manage.py create_partner: a partner platform or gateway, and what it is handed offline."""

import json
from dataclasses import asdict
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from access.choices import PartnerKind
from access.models import Partner
from access.services.organisations import ensure_root, place_department
from access.services.partners import IssuedPartner, create_partner, issue_oauth_secret, reissue_partner


class Command(BaseCommand):
    help = "建立接入方，并以 JSON 输出其用户名、编号、首个令牌和密钥对（仅此一次，请妥善转交）"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--kind", required=True, choices=PartnerKind.values)
        parser.add_argument("--code", required=True, help="平台编号（未经 BASE64 编码）")
        parser.add_argument("--user", required=True, help="用户名")
        parser.add_argument("--name", default="", help="名称，默认与用户名相同")
        parser.add_argument("--department", default="", help="单位范围：路公司名称，默认全省")
        parser.add_argument("--oauth", action="store_true", help="同时生成 OAuth 2.0 客户端密钥")
        parser.add_argument(
            "--reissue", action="store_true", help="接入方已存在时重新发放令牌和密钥，原有的立即失效"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        known = Partner.objects.filter(code=options["code"]).first() if options["reissue"] else None
        if known is None:
            issued = self._create(options)
        elif (known.user, known.kind) != (options["user"], options["kind"]):
            raise CommandError(f"编号 {known.code} 的接入方是 {known}，类别 {known.kind}，与参数不符")
        else:
            issued = reissue_partner(partner=known)
        handed = asdict(issued)
        partner = Partner.objects.get(pk=handed.pop("partner_id"))
        if options["oauth"]:
            handed |= asdict(issue_oauth_secret(partner=partner))
        self.stdout.write(json.dumps(handed, ensure_ascii=False))

    def _create(self, options: dict[str, Any]) -> IssuedPartner:
        organisation = ensure_root()
        if options["department"]:
            organisation = place_department(
                within=organisation, department=options["department"], road_section=""
            )
        try:
            return create_partner(
                kind=PartnerKind(options["kind"]),
                code=options["code"],
                user=options["user"],
                name=options["name"],
                organisation=organisation,
            )
        except ValidationError as error:
            faults = [
                f"{name} 的值“{options.get(name, '')}”：{message}"
                for name, messages in error.message_dict.items()
                for message in messages
            ]
            raise CommandError("；".join(faults)) from error
