"""Gateways and the cameras opened to partners."""

from collections.abc import Sequence

from django.db import transaction

from access.actors import Actor
from access.choices import PartnerKind
from access.models import Partner
from access.services.logs import record
from cameras.choices import GatewayStyle, PtzStop
from cameras.models import Camera, Gateway, PtzGrant
from protocol.errors import MalformedError, NotFoundError


def add_gateway(
    *,
    partner: Partner,
    code: str,
    base_url: str,
    actor: Actor,
    name: str = "",
    style: GatewayStyle = GatewayStyle.VERBS,
    ptz_stop: PtzStop = PtzStop.ACTION_0,
    has_port_as_string: bool = False,
    ca_file: str = "",
) -> Gateway:
    """Create the record of a gateway, or bring the existing one up to date (by code)."""
    if partner.kind != PartnerKind.GATEWAY:
        raise MalformedError(f"接入方 {partner.user} 不是路段网关")
    other = Gateway.objects.filter(partner=partner).exclude(code=code).first()
    if other is not None:
        raise MalformedError(f"接入方 {partner.user} 已用于网关 {other.code}")
    gateway, is_new = Gateway.objects.update_or_create(
        code=code,
        defaults={
            "partner": partner,
            "name": name or partner.name,
            "base_url": base_url.rstrip("/"),
            "style": style,
            "ptz_stop": ptz_stop,
            "has_port_as_string": has_port_as_string,
            "ca_file": ca_file,
        },
    )
    record(
        actor,
        "新增网关" if is_new else "修改网关",
        object_kind="gateway",
        object_id=str(gateway.pk),
        object_name=gateway.name,
    )
    return gateway


def open_ptz(*, partner: Partner, camera_numbers: Sequence[str], actor: Actor) -> int:
    """Open PTZ of these cameras (重要点位) to a partner; all or none. Returns how many are newly open."""
    keys = {number.strip().lower() for number in camera_numbers}
    with transaction.atomic():
        cameras = list(Camera.objects.filter(number_key__in=keys, deleted_at=None))
        missing = keys - {camera.number_key for camera in cameras}
        if missing:
            raise NotFoundError(f"摄像机不存在：{'、'.join(sorted(missing)[:10])}")
        before = set(PtzGrant.objects.filter(partner=partner).values_list("camera_id", flat=True))
        fresh = [PtzGrant(partner=partner, camera=camera) for camera in cameras if camera.pk not in before]
        PtzGrant.objects.bulk_create(fresh, ignore_conflicts=True)
    if fresh:
        record(
            actor,
            "开放云台",
            object_kind="partner",
            object_id=str(partner.pk),
            object_name=partner.name,
            detail={"摄像机": [grant.camera.number for grant in fresh][:100], "数量": len(fresh)},
        )
    return len(fresh)
