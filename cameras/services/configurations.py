"""The cameras that the province configures at its gateways: handed out, told of, and what comes back."""

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from urllib.parse import quote, urlsplit

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from access.actors import Actor
from access.encryption import fingerprint
from access.models import Partner
from access.services.alarms import close_alarm, raise_alarm
from access.services.logs import record
from cameras.gateways import order_refresh
from cameras.models import CameraSource, Gateway, GatewayConfiguration
from cameras.selectors import camera_record
from protocol.cameras import camera_to_wire
from protocol.configuration import RunningConfiguration
from protocol.errors import NotFoundError, RemoteError

logger = logging.getLogger(__name__)

TELL_AGAIN_SECONDS = 60
TELL_SECONDS = 2.0
# What one run can tell before the next is due, were none of them to answer.
MOST_TOLD = 10


def save_source(*, source: CameraSource, actor: Actor) -> CameraSource:
    """Store how a camera is reached, after `full_clean`; its gateway, and that of before, are told soon."""
    is_new = source.pk is None
    with transaction.atomic():
        before = CameraSource.objects.filter(pk=source.pk).values_list("camera_id", flat=True)
        cameras = {source.camera_id, *before}
        source.save()
        _outdate(cameras)
        _record(actor, "新增摄像机接入" if is_new else "修改摄像机接入", source)
    return source


def remove_sources(sources: Sequence[CameraSource], *, actor: Actor) -> None:
    """The gateway is no longer to run these cameras, unless its own file says so."""
    with transaction.atomic():
        _outdate({source.camera_id for source in sources})
        for source in sources:
            _record(actor, "删除摄像机接入", source)
            source.delete()


def hand_out(*, partner: Partner, held: int | None, actor: Actor) -> tuple[int, list[dict[str, object]] | None]:
    """The version for the partner's gateway, and its cameras on the wire; None when that version is `held`."""
    gateway = _gateway_of(partner)
    with transaction.atomic():
        configuration, cameras = _bring_up_to_date(gateway)
        configuration.fetched_at = timezone.now()
        # A database from a backup may come to the same number with another content.
        is_held = held == configuration.version == configuration.handed_version
        if configuration.handed_version != configuration.version:
            configuration.handed_version = configuration.version
            record(
                actor,
                "下发网关配置",
                object_kind="gateway",
                object_id=gateway.pk,
                object_name=str(gateway),
                detail={"版本": configuration.version, "摄像机": len(cameras)},
            )
        configuration.save(update_fields=["fetched_at", "handed_version"])
    return configuration.version, None if is_held else cameras


def keep_report(*, partner: Partner, running: RunningConfiguration) -> None:
    """What the partner's gateway says that it runs; a refusal is an alarm until it is over."""
    gateway = _gateway_of(partner)
    rejected = running.rejected
    faults = [
        {"cameraNum": fault.camera_num, "place": fault.place, "reason": fault.reason}
        for fault in (rejected.faults if rejected else ())
    ]
    cameras = [
        {"cameraNum": camera.camera_num, "origin": camera.origin.value, "fault": camera.fault}
        for camera in running.cameras
    ]
    GatewayConfiguration.objects.update_or_create(
        gateway=gateway,
        defaults={
            "running_version": running.version,
            "rejected_version": rejected.version if rejected else None,
            "faults": faults,
            "cameras": cameras,
            "reported_at": timezone.now(),
        },
    )
    key = f"gateway-configuration-{gateway.pk}"
    if rejected is None:
        close_alarm(key=key)
    else:
        first = "：".join(filter(None, faults[0].values())) if faults else "没有说明原因"
        raise_alarm(
            key=key,
            title=f"网关 {gateway} 没有采用新的配置",
            message=f"第 {rejected.version} 版：{first}",
            organisation=partner.organisation,
        )


def tell_gateways() -> int:
    """Have gateways fetch what is new for them; how many were told.

    Only those that ever asked: others may not know the order.
    """
    now = timezone.now()
    is_behind = Q(is_stale=True) | Q(running_version=None) | ~Q(running_version=F("version"))
    waiting = (
        GatewayConfiguration.objects.filter(is_behind, fetched_at__isnull=False, gateway__is_active=True)
        .exclude(is_stale=False, rejected_version=F("version"))
        .exclude(is_stale=False, told_at__gt=now - timedelta(seconds=TELL_AGAIN_SECONDS))
        .exclude(gateway__base_url="")
        .order_by(F("told_at").asc(nulls_first=True))
    )
    return sum(_tell(found.gateway) for found in waiting.select_related("gateway__partner")[:MOST_TOLD])


def _tell(gateway: Gateway) -> bool:
    with transaction.atomic():
        configuration, _ = _bring_up_to_date(gateway)
    if configuration.version in (configuration.running_version, configuration.rejected_version):
        return False
    configuration.told_at, configuration.told_error = timezone.now(), ""
    try:
        order_refresh(gateway, timeout_seconds=TELL_SECONDS)
    except RemoteError as error:
        configuration.told_error = error.message[:200]
    configuration.save(update_fields=["told_at", "told_error"])
    return not configuration.told_error


def _bring_up_to_date(gateway: Gateway) -> tuple[GatewayConfiguration, list[dict[str, object]]]:
    """Locked, its version that of the content as it is now. Inside a transaction."""
    GatewayConfiguration.objects.get_or_create(gateway=gateway)
    configuration = GatewayConfiguration.objects.select_for_update().get(gateway=gateway)
    cameras = _content(gateway)
    now = fingerprint(json.dumps(cameras, sort_keys=True))
    if now != configuration.fingerprint and (cameras or configuration.version):
        configuration.version += 1
        configuration.fingerprint, configuration.changed_at = now, timezone.now()
    configuration.is_stale = False
    configuration.save(update_fields=["version", "fingerprint", "changed_at", "is_stale"])
    return configuration, cameras


def _content(gateway: Gateway) -> list[dict[str, object]]:
    sources = CameraSource.objects.filter(
        camera__gateway=gateway, camera__deleted_at=None, camera__is_pending=False
    ).select_related("camera__organisation__parent", "camera__gateway")
    return [
        {
            **camera_to_wire(camera_record(source.camera), gateway_num=False),
            "source": source_to_wire(source),
        }
        for source in sources.order_by("camera_id")
    ]


def source_to_wire(source: CameraSource) -> dict[str, object]:
    """As an entry of the gateway's own configuration file has it; with passwords."""
    wire: dict[str, object] = {
        "adapter": "rtsp",
        "url": _with_login(source.address, source.user, source.password),
        "mode": source.mode,
    }
    # What is left empty is as for the low stream.
    if source.high_address:
        wire["high_url"] = _with_login(source.high_address, source.user, source.password)
    if source.high_mode:
        wire["high_mode"] = source.high_mode
    if source.ptz_driver:
        wire["ptz"] = _ptz_to_wire(source)
    return wire


def _ptz_to_wire(source: CameraSource) -> Mapping[str, object]:
    given: dict[str, object] = {
        "url": source.ptz_address,
        "user": source.ptz_user,
        "password": source.ptz_password,
        "profile": source.ptz_profile,
    }
    return {
        "driver": source.ptz_driver,
        # What is left empty the gateway takes from the rtsp address, and from the device.
        **{name: value for name, value in given.items() if value},
        "move_seconds": source.move_seconds,
        "invert_pan": source.invert_pan,
        "invert_tilt": source.invert_tilt,
        "invert_focus": source.invert_focus,
        "focus": source.focus,
        "stop": source.move_end,
        "light": source.light,
    }


def _with_login(address: str, user: str, password: str) -> str:
    if not user:
        return address
    parts = urlsplit(address)
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return parts._replace(netloc=f"{login}@{parts.netloc}").geturl()


def _gateway_of(partner: Partner) -> Gateway:
    gateway = Gateway.objects.filter(partner=partner).first()
    if gateway is None:
        raise NotFoundError("该接入方没有登记网关")
    return gateway


def _outdate(cameras: set[int]) -> None:
    gateways = Gateway.objects.filter(cameras__in=cameras).distinct()
    for gateway in gateways:
        GatewayConfiguration.objects.update_or_create(gateway=gateway, defaults={"is_stale": True})


def _record(actor: Actor, verb: str, source: CameraSource) -> None:
    record(
        actor,
        verb,
        object_kind="camera",
        object_id=source.camera_id,
        object_name=source.camera.name,
        detail={
            "地址": source.address,
            "取流方式": source.mode,
            "主码流地址": source.high_address,
            "主码流取流方式": source.high_mode,
            "云台": source.ptz_driver,
        },
    )
