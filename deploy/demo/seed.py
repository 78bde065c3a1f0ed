"""What the demo's database needs before anything else starts. Every step may be repeated."""

import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from access.actors import SYSTEM
from access.choices import PartnerKind, Role
from access.models import Partner, PartnerToken, User
from access.selectors import find_token, newest_token
from access.services.partners import IssuedPartner, create_partner, reissue_partner
from access.services.staff import create_staff
from access.services.tokens import exchange_token
from cameras.services.gateways import add_gateway
from deploy.demo.files import HOST, Addresses, read_json, write_json
from ministry.models import UpperPlatform
from ministry.services.platforms import add_upstream
from protocol.sm2 import sign
from protocol.tokens import sign_text
from snapshots.services.partitions import keep_partitions
from streaming.choices import MediaKind
from streaming.services.servers import add_media_server

Credentials = dict[str, str]
_FIVE = ("user", "device_code", "token", "private_key", "public_key")


@dataclass(frozen=True)
class Seat:
    """One partner of the demo."""

    kind: PartnerKind
    code: str
    user: str
    name: str


MINISTRY = Seat(PartnerKind.MINISTRY, "MINISTRY-TRIAL", "部级平台", "部级平台（联调）")
GATEWAY = Seat(PartnerKind.GATEWAY, "GATEWAY-1", "模拟网关", "模拟视频上云网关")
SPARE_GATEWAY = Seat(PartnerKind.GATEWAY, "GATEWAY-2", "联调网关", "联调用网关（未运行）")


def prepare_database(kept: dict[str, Any], addresses: Addresses) -> None:
    executor = MigrationExecutor(connection)
    # The command costs most of a second of every start even when there is nothing to do.
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=0)
    keep_partitions()
    _staff("admin", kept["passwords"]["admin"], "系统管理员", Role.PROVINCE_ADMIN, is_superuser=True)
    _staff("operator", kept["passwords"]["operator"], "值班员", Role.PTZ_OPERATOR)
    add_media_server(
        name=settings.MEDIA_NAME,
        kind=MediaKind.EMBEDDED,
        rtmp_url=addresses.url("media_rtmp", "rtmp"),
        http_url=addresses.url("media_http"),
        ca_file=addresses.ca_file,
        secret=settings.MEDIA_SECRET,
        actor=SYSTEM,
    )
    _mock_ministry(kept["mock_ministry"], addresses.url("ministry"), addresses.ca_file)


def _staff(username: str, password: str, full_name: str, role: Role, *, is_superuser: bool = False) -> None:
    if not User.objects.filter(username=username).exists():
        create_staff(
            username=username, password=password, full_name=full_name, role=role, is_superuser=is_superuser
        )


def _mock_ministry(account: Credentials, base_url: str, ca_file: str) -> None:
    """Its address may be new; the token it gave us meanwhile stays."""
    name = "模拟部级平台"
    known = UpperPlatform.objects.filter(name=name).first()
    if known is not None and (known.base_url, known.ca_file) == (base_url, ca_file):
        return
    add_upstream(
        name=name,
        base_url=base_url,
        user=account["user"],
        device_code=account["device_code"],
        token=known.token if known else account["token"],
        private_key=account["private_key"],
        ca_file=ca_file,
        actor=SYSTEM,
    )


def keep_partners(data_dir: Path) -> dict[str, Credentials]:
    """The credentials of the demo's three partners, made or re-issued only where they are not usable."""
    file = data_dir / "partners.json"
    kept = read_json(file)
    gateway = kept.get("gateway")
    # The running gateway has renewed its token since and keeps the newest in its own state file.
    held = read_json(data_dir / "gateway-state.json").get("current") or (gateway and gateway["token"])
    partners = {
        "ministry": _keep(MINISTRY, kept.get("ministry"), is_ours_to_renew=True),
        "gateway_partner": _keep(SPARE_GATEWAY, kept.get("gateway_partner"), is_ours_to_renew=True),
        "gateway": _keep(GATEWAY, gateway, held=held),
    }
    write_json(file, partners)
    return partners


def _keep(
    seat: Seat, kept: Credentials | None, *, held: str | None = None, is_ours_to_renew: bool = False
) -> Credentials:
    partner = Partner.objects.filter(code=seat.code).first()
    if partner is None:
        issued = create_partner(kind=seat.kind, code=seat.code, user=seat.user, name=seat.name)
        return _five(issued)
    token = find_token(held or kept["token"]) if kept else None
    if kept is None or token is None or not _can_be_exchanged(token):
        return _five(reissue_partner(partner=partner))
    if is_ours_to_renew and token.expires_at <= timezone.now():
        return {**kept, "token": _renewed(kept)}
    return kept


def _can_be_exchanged(token: PartnerToken) -> bool:
    newest = newest_token(token.partner)
    last_day = token.expires_at + timedelta(days=settings.TOKEN_EXCHANGE_DAYS)
    return newest == token and last_day > timezone.now()


def _renewed(kept: Credentials) -> str:
    text = sign_text(kept["device_code"], kept["user"], kept["token"])
    issued = exchange_token(
        device_code=kept["device_code"],
        user=kept["user"],
        token=kept["token"],
        sign=sign(kept["private_key"], text),
        address=HOST,
    )
    return issued.token


def _five(issued: IssuedPartner) -> Credentials:
    values = asdict(issued)
    return {name: values[name] for name in _FIVE}


def register_gateway(addresses: Addresses) -> None:
    add_gateway(
        partner=Partner.objects.get(code=GATEWAY.code),
        code=GATEWAY.code,
        name=GATEWAY.name,
        base_url=addresses.url("gateway"),
        ca_file=addresses.ca_file,
        actor=SYSTEM,
    )


def write_gateway_config(
    data_dir: Path, addresses: Addresses, account: Credentials, cameras: list[dict[str, Any]]
) -> None:
    file, rtmp = data_dir / "gateway.json", addresses.ports["media_rtmp"]
    tls = {"cert_file": addresses.cert_file, "key_file": addresses.key_file} if addresses.ca_file else {}
    write_json(
        file,
        {
            "listen": {"host": HOST, "port": addresses.ports["gateway"], **tls},
            "platform": {
                "base_url": addresses.url("web"),
                "ca_file": addresses.ca_file or None,
                **{name: account[name] for name in ("user", "device_code", "private_key", "token")},
            },
            "state_file": "gateway-state.json",
            "allowed_push_targets": [f"{HOST}/32"],
            "allowed_push_ports": [rtmp, rtmp],
            # For a box of whoever tries this; the same one at every start.
            "intake": read_json(file).get("intake") or {"token": secrets.token_urlsafe(24)},
            "analysis": {"period_seconds": 60},
            "cameras": cameras,
        },
    )
