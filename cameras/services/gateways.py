"""Gateways and the cameras opened to partners."""

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from access.actors import Actor
from access.choices import PartnerKind
from access.models import Partner
from access.services.logs import record
from cameras.choices import ChangeAct, ChangeSource, GatewayStyle, PtzStop
from cameras.models import Camera, Gateway, PtzGrant
from cameras.services.history import Change, keep_changes
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
    gateway = Gateway.objects.filter(code=code).first() or Gateway(code=code)
    gateway.partner, gateway.name, gateway.base_url = partner, name or partner.name, base_url
    gateway.style, gateway.ptz_stop = style, ptz_stop
    gateway.has_port_as_string, gateway.ca_file = has_port_as_string, ca_file
    try:
        gateway.full_clean()
    except ValidationError as error:
        raise MalformedError("；".join(error.messages)) from error
    return save_gateway(gateway=gateway, actor=actor)


def save_gateway(*, gateway: Gateway, actor: Actor) -> Gateway:
    """Store the record of a gateway that has passed `full_clean`.

    A partner may have reported cameras before it had one; they become cameras of this gateway.
    """
    is_new = gateway.pk is None
    with transaction.atomic():
        is_of_new_partner = not Gateway.objects.filter(pk=gateway.pk, partner=gateway.partner).exists()
        gateway.save()
        if is_of_new_partner:
            _adopt_cameras(gateway, actor)
        _record(actor, "新增网关" if is_new else "修改网关", gateway)
    return gateway


def _adopt_cameras(gateway: Gateway, actor: Actor) -> None:
    # In the order in which every writer of the ledger locks them.
    orphans = Camera.objects.filter(owner=gateway.partner, gateway=None, deleted_at=None)
    ids = list(orphans.select_for_update().order_by("pk").values_list("pk", flat=True))
    now = timezone.now()
    Camera.objects.filter(pk__in=ids).update(gateway=gateway, updated_at=now)
    adopted = [Change(pk, ChangeAct.MODIFIED, (("gateway_id", None, gateway.pk),)) for pk in ids]
    keep_changes(adopted, actor=actor, source=ChangeSource.GATEWAY, now=now)


def remove_gateways(gateways: Sequence[Gateway], *, actor: Actor) -> None:
    """Delete records of gateways; ProtectedError while one has live cameras. Deleted ones let go of it."""
    with transaction.atomic():
        Camera.objects.filter(gateway__in=gateways).exclude(deleted_at=None).update(gateway=None)
        for gateway in gateways:
            _record(actor, "删除网关", gateway)
            gateway.delete()


def _record(actor: Actor, verb: str, gateway: Gateway) -> None:
    record(
        actor,
        verb,
        object_kind="gateway",
        object_id=gateway.pk,
        object_name=gateway.name or gateway.code,
        detail={"地址": gateway.base_url},
    )


def opened_to(camera: Camera) -> list[str]:
    """Users of the partners that may turn the camera."""
    return list(camera.ptz_grants.order_by("partner__user").values_list("partner__user", flat=True))


def note_grants(*, camera: Camera, before: list[str], actor: Actor) -> None:
    """Log to whom a camera is opened, after staff changed it."""
    record(
        actor,
        "开放云台",
        object_kind="camera",
        object_id=camera.pk,
        object_name=camera.name,
        detail={"之前": before, "接入方": opened_to(camera)},
    )


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
