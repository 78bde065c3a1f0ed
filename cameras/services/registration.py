"""VideoInformation: gateways, imports and other partners register and modify cameras through here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from django.db import IntegrityError, transaction
from django.utils import timezone

from access.actors import Actor
from access.models import Organisation, Partner
from access.services.organisations import place_department
from cameras.models import Camera, Gateway
from cameras.services.ledger import (
    REPORTED_FIELDS,
    UNCHANGED,
    copy_fields,
    log_batch,
    may_touch,
    raise_version,
    revive,
)
from protocol.cameras import BackResult, CameraRecord, parse_camera
from protocol.errors import CameraItemError

REGISTERED, MODIFIED, PENDING = "注册成功", "修改成功", "待审核"
_BATCH = 1000
_TRIES = 3
_CHANGED_FIELDS = [
    *REPORTED_FIELDS,
    "organisation",
    "gateway",
    "owner",
    "ptz_override",
    "is_pending",
    "deleted_at",
    "version",
    "version_at",
    "is_moved",
    "updated_at",
    "status",
    "status_at",
    "raw_status",
    "raw_status_at",
    "status_reason",
]


@dataclass(frozen=True)
class _Verdict:
    """What becomes of one item; `number` as it is registered."""

    number: str
    status: int
    info: str


def register_cameras(
    *, partner: Partner, actor: Actor, items: Sequence[bytes | msgspec.Raw]
) -> list[BackResult]:
    """Register or modify (document 1.1 a); each item judged alone, one result each in the order sent.

    `items` are raw JSON texts. The same camera twice: both answered, the later wins. The whole batch is
    one transaction. Raises nothing for a bad item.
    """
    faults: dict[int, CameraItemError] = {}
    parsed: dict[int, CameraRecord] = {}
    for index, raw in enumerate(items):
        try:
            parsed[index] = parse_camera(raw, uuid4=partner.needs_uuid4)
        except CameraItemError as error:
            faults[index] = error
    for tries_left in reversed(range(_TRIES)):
        try:
            with transaction.atomic():
                verdicts = _apply(partner, parsed)
                results = [
                    BackResult(faults[index].camera_num, 1, faults[index].message)
                    if index in faults
                    else _result(verdicts[parsed[index].camera_num.lower()], parsed[index])
                    for index in range(len(items))
                ]
                log_batch(actor, "登记摄像机", results)
            break
        except IntegrityError:
            # Another batch registered one of the numbers at this moment; now it is known.
            if not tries_left:
                raise
    return results


def _result(verdict: _Verdict, item: CameraRecord) -> BackResult:
    return BackResult(verdict.number or item.camera_num, verdict.status, verdict.info)


def _apply(partner: Partner, parsed: dict[int, CameraRecord]) -> dict[str, _Verdict]:
    """Verdicts by lower-case number.

    Locks are taken in one order by every batch, cameras by id, then places and new numbers by name, so
    that two batches never wait for each other.
    """
    wanted = {item.camera_num.lower(): item for item in parsed.values()}
    known = {
        camera.number_key: camera
        for camera in Camera.objects.select_for_update(of=("self",))
        .select_related("organisation", "gateway")
        .filter(number_key__in=list(wanted))
        .order_by("pk")
    }
    refused = {
        key: _Verdict("", 1, f"cameraNum 的值“{wanted[key].camera_num}”已由其他单位登记，不得修改")
        for key, camera in known.items()
        # A deleted number is free again for whoever registers it.
        if camera.deleted_at is None and not may_touch(partner, camera)
    }
    accepted = {key: item for key, item in sorted(wanted.items()) if key not in refused}
    places = _Places(partner, accepted.values())
    now = timezone.now()
    verdicts = dict(refused)
    fresh: list[Camera] = []
    changed: list[Camera] = []
    for key, item in accepted.items():
        camera = known.get(key)
        if camera is None:
            camera = _new_camera(partner, item, places)
            fresh.append(camera)
            info = PENDING if camera.is_pending else REGISTERED
        else:
            info, is_changed = _modify(camera, item, places, partner, now)
            if is_changed:
                changed.append(camera)
        verdicts[key] = _Verdict(camera.number, 0, info)
    Camera.objects.bulk_create(fresh, batch_size=_BATCH)
    _save(changed)
    return verdicts


class _Places:
    """Organisation and gateway of the items, looked up once per distinct value."""

    def __init__(self, partner: Partner, items: Iterable[CameraRecord]) -> None:
        pairs, codes = set(), set()
        for item in items:
            pairs.add((item.department, item.road_section))
            codes.add(item.gateway_num)
        self._offices = {
            (department, road_section): place_department(
                within=partner.organisation, department=department, road_section=road_section
            )
            for department, road_section in sorted(pairs)
        }
        self._own = Gateway.objects.filter(partner=partner).first()
        self._gateways = {
            gateway.code: gateway
            for gateway in Gateway.objects.filter(
                code__in=codes, partner__organisation__path__startswith=partner.organisation.path
            )
        }

    def office(self, item: CameraRecord) -> Organisation:
        return self._offices[item.department, item.road_section]

    def gateway(self, item: CameraRecord) -> Gateway | None:
        return self._gateways.get(item.gateway_num, self._own)

    def must_be_reviewed(self, item: CameraRecord) -> bool:
        # Naming another gateway is no way around the review of one's own.
        return any(gateway and gateway.is_review_first for gateway in (self._own, self.gateway(item)))


def _new_camera(partner: Partner, item: CameraRecord, places: _Places) -> Camera:
    camera = Camera(
        number=item.camera_num,
        number_key=item.camera_num.lower(),
        organisation=places.office(item),
        gateway=places.gateway(item),
        owner=partner,
        is_pending=places.must_be_reviewed(item),
    )
    copy_fields(camera, item)
    return camera


def _modify(
    camera: Camera, item: CameraRecord, places: _Places, partner: Partner, now: datetime
) -> tuple[str, bool]:
    """The words of the answer, and whether the row is to be written."""
    is_revived = camera.deleted_at is not None
    changed = copy_fields(camera, item)
    office = places.office(item)
    if camera.organisation_id != office.pk:
        camera.organisation = office
        changed.add("organisation")
    if is_revived:
        revive(camera, owner=partner)
        camera.number = item.camera_num
        camera.is_pending = places.must_be_reviewed(item)
        changed.add("deleted_at")
    gateway = places.gateway(item)
    is_moved = gateway is not None and camera.gateway_id != gateway.pk
    if is_moved or is_revived:
        camera.gateway = gateway
    if changed:
        raise_version(camera, changed, now)
    if camera.is_pending:
        info = PENDING
    elif is_revived:
        info = REGISTERED
    else:
        info = MODIFIED if changed or is_moved else UNCHANGED
    return info, bool(changed or is_moved)


def _save(cameras: list[Camera]) -> None:
    """The rows are locked and there; an upsert writes them several times faster than bulk_update."""
    Camera.objects.bulk_create(
        cameras,
        batch_size=_BATCH,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=_CHANGED_FIELDS,
    )
