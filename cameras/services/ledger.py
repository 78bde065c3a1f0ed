"""The one way into the ledger: gateways, imports and the admin all come through here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
from django.db import transaction
from django.utils import timezone

from access.actors import Actor
from access.choices import Outcome, PartnerKind
from access.models import Organisation, Partner
from access.services.logs import record
from access.services.organisations import place_department
from cameras.models import Camera, Gateway
from protocol.cameras import BackResult, CameraRecord, parse_camera
from protocol.errors import CameraItemError

REGISTERED, MODIFIED, UNCHANGED, PENDING = "注册成功", "修改成功", "未变化", "待审核"
_BATCH = 1000

# Camera field -> CameraRecord field; all of them are reported upward.
_FIELDS = {
    "number": "camera_num",
    "name": "camera_name",
    "longitude": "longitude",
    "latitude": "latitude",
    "road": "road",
    "classify": "classify",
    "orientation": "orientation",
    "camera_type": "camera_type",
    "stake": "stake",
    "stake_m": "stake_m",
    "area": "area",
    "poi_name": "poi_name",
    "others": "others",
}


@dataclass(frozen=True)
class _Item:
    """A readable item of the batch and where it belongs."""

    record: CameraRecord
    organisation: Organisation
    gateway: Gateway | None


def register_cameras(
    *, partner: Partner, actor: Actor, items: Sequence[bytes | msgspec.Raw]
) -> list[BackResult]:
    """Register or modify (document 1.1 a); each item judged alone, one result each in the order sent.

    `items` are raw JSON texts. The same camera twice: both answered, the later wins. The whole batch is
    one transaction. Raises nothing for a bad item.
    """
    results: list[BackResult | None] = [None] * len(items)
    parsed: dict[int, CameraRecord] = {}
    for index, raw in enumerate(items):
        try:
            parsed[index] = parse_camera(raw, uuid4=partner.needs_uuid4)
        except CameraItemError as error:
            results[index] = BackResult(error.camera_num, 1, error.message)
    with transaction.atomic():
        verdicts = _apply(partner, parsed)
    for index, (status, info) in verdicts.items():
        results[index] = BackResult(parsed[index].camera_num, status, info)
    done = [result for result in results if result is not None]
    _log_batch(actor, "登记摄像机", done)
    return done


def _apply(partner: Partner, parsed: dict[int, CameraRecord]) -> dict[int, tuple[int, str]]:
    last = {item.camera_num.lower(): index for index, item in parsed.items()}
    known = {
        camera.number_key: camera
        for camera in Camera.objects.select_for_update(of=("self",))
        .select_related("organisation", "gateway")
        .filter(number_key__in=list(last))
        .order_by("pk")
    }
    places = _Places(partner)
    verdicts: dict[int, tuple[int, str]] = {}
    fresh: list[Camera] = []
    changed: list[Camera] = []
    for key, index in last.items():
        item = _Item(parsed[index], places.office(parsed[index]), places.gateway(parsed[index]))
        camera = known.get(key)
        if camera is None:
            camera = _new_camera(partner, item)
            fresh.append(camera)
            verdicts[index] = (0, PENDING if camera.is_pending else REGISTERED)
        elif not _may_change(partner, camera):
            verdicts[index] = (1, f"cameraNum 值 {item.record.camera_num}：已由其他单位登记，不得修改")
        else:
            verdicts[index] = (0, _modify(partner, camera, item))
            if verdicts[index][1] != UNCHANGED:
                changed.append(camera)
    # A clash with a batch that runs at this moment raises, and nothing of this one stays.
    Camera.objects.bulk_create(fresh, batch_size=_BATCH)
    _save(changed)
    for index, item_record in parsed.items():
        verdicts.setdefault(index, verdicts[last[item_record.camera_num.lower()]])
    return verdicts


class _Places:
    """Organisation and gateway of the items, looked up once per distinct value."""

    def __init__(self, partner: Partner) -> None:
        self._partner = partner
        self._own: Gateway | None = Gateway.objects.filter(partner=partner).first()
        self._offices: dict[tuple[str, str], Organisation] = {}
        self._gateways: dict[str, Gateway | None] = {}

    def office(self, item: CameraRecord) -> Organisation:
        key = (item.department, item.road_section)
        if key not in self._offices:
            self._offices[key] = place_department(
                within=self._partner.organisation, department=item.department, road_section=item.road_section
            )
        return self._offices[key]

    def gateway(self, item: CameraRecord) -> Gateway | None:
        code = item.gateway_num
        if not code or (self._own and code == self._own.code):
            return self._own
        if code not in self._gateways:
            subtree = self._partner.organisation.path
            self._gateways[code] = Gateway.objects.filter(
                code=code, partner__organisation__path__startswith=subtree
            ).first()
        return self._gateways[code] or self._own


def _new_camera(partner: Partner, item: _Item) -> Camera:
    gateway = item.gateway
    camera = Camera(
        number_key=item.record.camera_num.lower(),
        organisation=item.organisation,
        gateway=gateway,
        owner=partner,
        is_pending=bool(gateway and gateway.is_review_first),
    )
    _copy_fields(camera, item.record)
    return camera


def _copy_fields(camera: Camera, item: CameraRecord) -> bool:
    """True when a reported field changed."""
    is_changed = False
    for field, source in _FIELDS.items():
        value = getattr(item, source)
        if getattr(camera, field) != value:
            setattr(camera, field, value)
            is_changed = True
    return is_changed


def may_touch(partner: Partner, camera: Camera) -> bool:
    """A gateway partner touches only cameras it registered, or that staff gave to its gateway."""
    if not camera.organisation.path.startswith(partner.organisation.path):
        return False
    if partner.kind != PartnerKind.GATEWAY or camera.owner_id == partner.pk:
        return True
    return camera.owner_id is None and camera.gateway is not None and camera.gateway.partner_id == partner.pk


def _may_change(partner: Partner, camera: Camera) -> bool:
    # A deleted number is free again for whoever registers it.
    return camera.deleted_at is not None or may_touch(partner, camera)


def _modify(partner: Partner, camera: Camera, item: _Item) -> str:
    is_revived = camera.deleted_at is not None
    is_changed = _copy_fields(camera, item.record)
    if camera.organisation_id != item.organisation.pk:
        camera.organisation = item.organisation
        is_changed = True
    if is_revived:
        camera.deleted_at = None
        camera.owner = partner
        camera.is_pending = bool(item.gateway and item.gateway.is_review_first)
    is_moved = camera.gateway_id != (item.gateway.pk if item.gateway else None)
    camera.gateway = item.gateway
    if not (is_changed or is_revived or is_moved):
        return UNCHANGED
    if is_changed or is_revived:
        camera.version += 1
    if is_revived:
        return PENDING if camera.is_pending else REGISTERED
    return MODIFIED


def _save(cameras: list[Camera]) -> None:
    now = timezone.now()
    for camera in cameras:
        camera.updated_at = now
    fields = [
        *_FIELDS,
        "organisation",
        "gateway",
        "owner",
        "is_pending",
        "deleted_at",
        "version",
        "updated_at",
    ]
    Camera.objects.bulk_update(cameras, fields, batch_size=_BATCH)


def delete_cameras(*, partner: Partner, actor: Actor, numbers: Sequence[str]) -> list[BackResult]:
    """Delete (document 1.1 b); one result each in the order sent, unknown ones get status 1."""
    keys = {number.strip().lower() for number in numbers}
    with transaction.atomic():
        known = {
            camera.number_key: camera
            for camera in Camera.objects.select_for_update(of=("self",))
            .select_related("organisation", "gateway")
            .filter(number_key__in=keys, deleted_at=None)
        }
        own = {key: camera for key, camera in known.items() if may_touch(partner, camera)}
        bury_cameras(own.values())
    results = []
    for number in numbers:
        if number.strip().lower() in own:
            results.append(BackResult(number, 0, "删除成功"))
        else:
            # Another gateway's camera is answered as if unknown (threats.md 6).
            results.append(BackResult(number, 1, "摄像机不存在"))
    _log_batch(actor, "删除摄像机", results)
    return results


def bury_cameras(cameras: Iterable[Camera]) -> None:
    """Turn cameras into tombstones; they stay until every upper platform has acknowledged."""
    now = timezone.now()
    Camera.objects.filter(pk__in=[camera.pk for camera in cameras]).update(
        deleted_at=now, updated_at=now, has_stream=False, reported_status=None, reported_since=None
    )


def save_camera(*, camera: Camera, actor: Actor) -> Camera:
    """Store a correction made by staff; the version rises when a reported field changed."""
    with transaction.atomic():
        before = Camera.objects.select_for_update().filter(pk=camera.pk).first()
        camera.number_key = camera.number.strip().lower()
        if before is not None:
            names = [*_FIELDS, "organisation_id"]
            if any(getattr(before, name) != getattr(camera, name) for name in names):
                camera.version = before.version + 1
        camera.save()
    record(
        actor,
        "修改摄像机" if before else "新增摄像机",
        object_kind="camera",
        object_id=str(camera.pk),
        object_name=camera.name,
    )
    return camera


def _log_batch(actor: Actor, verb: str, results: Sequence[BackResult]) -> None:
    refused = [result for result in results if result.status]
    counts: dict[str, int] = {}
    for result in results:
        if not result.status:
            counts[result.info] = counts.get(result.info, 0) + 1
    if not refused and set(counts) <= {UNCHANGED}:
        return
    record(
        actor,
        verb,
        object_kind="camera",
        object_name=results[0].camera_num if len(results) == 1 else f"{len(results)} 路摄像机",
        outcome=Outcome.REFUSED if len(refused) == len(results) else Outcome.DONE,
        reason=refused[0].info[:200] if refused else "",
        detail={**counts, "拒绝": len(refused)},
    )
