"""VideoInformation: gateways, imports and other partners register and modify cameras through here."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from django.db import IntegrityError, transaction
from django.utils import timezone

from access.actors import Actor
from access.models import Organisation, Partner
from access.services.organisations import place_departments
from cameras.initials import initials_of
from cameras.models import Camera, Gateway
from cameras.services.bulk import insert_cameras, update_cameras
from cameras.services.ledger import (
    COPIED_FIELDS,
    UNCHANGED,
    copy_fields,
    locked_cameras,
    log_batch,
    may_touch,
    may_touch_camera,
    raise_version,
    reported_values,
    revive,
)
from protocol.cameras import BackResult, CameraRecord, parse_camera
from protocol.errors import CameraItemError

REGISTERED, MODIFIED, PENDING = "注册成功", "修改成功", "待审核"
_TRIES = 3
# What a report changes in a camera, and what else when it brings a deleted one back.
_CHANGED_FIELDS = (
    *COPIED_FIELDS,
    "initials",
    "organisation_id",
    "gateway_id",
    "version",
    "version_at",
    "is_moved",
)
_REVIVED_FIELDS = (
    *_CHANGED_FIELDS,
    "number",
    "owner_id",
    "ptz_override",
    "is_pending",
    "deleted_at",
    "status",
    "status_at",
    "raw_status",
    "raw_status_at",
    "status_reason",
)
# What is read of a camera to tell what changes.
_READ_FIELDS = (
    *COPIED_FIELDS,
    "number",
    "number_key",
    "organisation",
    "gateway",
    "owner",
    "ptz_override",
    "is_pending",
    "deleted_at",
    "version",
    "version_at",
    "is_moved",
)
_NEW_FIELDS = (
    "number",
    "initials",
    "number_key",
    "organisation_id",
    "gateway_id",
    "owner_id",
    "is_pending",
    *COPIED_FIELDS,
)


def register_cameras(
    *, partner: Partner, actor: Actor, items: Sequence[bytes | msgspec.Raw]
) -> list[BackResult]:
    """Register or modify (document 1.1 a); each item judged alone, one result each in the order sent.

    `items` are raw JSON texts. The same camera twice: both answered, the later wins. The whole batch is
    one transaction. Raises nothing for a bad item.
    """
    read = [_read(raw, partner) for raw in items]
    wanted = {item.camera_num.lower(): item for item in read if isinstance(item, CameraRecord)}
    for tries_left in reversed(range(_TRIES)):
        try:
            with transaction.atomic():
                verdicts = _apply(partner, wanted)
                results = [_result(verdicts, item) for item in read]
                log_batch(actor, "登记摄像机", results)
            break
        except IntegrityError:
            # Another batch registered one of the numbers at this moment; now it is known.
            if not tries_left:
                raise
    return results


def _read(raw: bytes | msgspec.Raw, partner: Partner) -> CameraRecord | CameraItemError:
    try:
        return parse_camera(raw, uuid4=partner.needs_uuid4)
    except CameraItemError as error:
        return error


def _result(verdicts: Mapping[str, BackResult], item: CameraRecord | CameraItemError) -> BackResult:
    if isinstance(item, CameraItemError):
        return BackResult(item.camera_num, 1, item.message)
    verdict = verdicts[item.camera_num.lower()]
    # What is refused is answered as it was sent, not as somebody else registered it.
    return verdict if verdict.camera_num else BackResult(item.camera_num, verdict.status, verdict.info)


def _apply(partner: Partner, wanted: Mapping[str, CameraRecord]) -> dict[str, BackResult]:
    """Verdicts by lower-case number.

    Most of what gateways send is in the ledger already: that is found out without a lock. Locks are taken
    in one order by every batch, places by name, cameras by id, then new numbers by name, so that two
    batches never wait for each other.
    """
    known = {row.number_key: row for row in _rows_of(list(wanted))}
    verdicts = {
        key: _refused(wanted[key])
        for key, row in known.items()
        # A deleted number is free again for whoever registers it.
        if row.deleted_at is None and not row.may_be_touched_by(partner)
    }
    accepted = {key: item for key, item in sorted(wanted.items()) if key not in verdicts}
    places = _Places(partner, accepted.values())
    now = timezone.now()
    differing: list[str] = []
    for key, row in known.items():
        if key in verdicts:
            continue
        if row.is_as(accepted[key], places):
            verdicts[key] = BackResult(row.number, 0, PENDING if row.is_pending else UNCHANGED)
        else:
            differing.append(key)
    verdicts |= _modify_all(partner, differing, accepted, places, now)
    # Also what staff have given another number meanwhile: the number is free.
    fresh = [item for key, item in accepted.items() if key not in verdicts]
    for item in fresh:
        info = PENDING if places.must_be_reviewed(item) else REGISTERED
        verdicts[item.camera_num.lower()] = BackResult(item.camera_num, 0, info)
    if fresh:
        insert_cameras(_NEW_FIELDS, (_new_row(partner, item, places) for item in fresh), now=now)
    return verdicts


def _refused(item: CameraRecord) -> BackResult:
    return BackResult("", 1, f"cameraNum 的值“{item.camera_num}”已由其他单位登记，不得修改")


def _modify_all(
    partner: Partner,
    keys: Sequence[str],
    items: Mapping[str, CameraRecord],
    places: "_Places",
    now: datetime,
) -> dict[str, BackResult]:
    """Locks the cameras and looks again: meanwhile somebody else may have changed, deleted or revived one."""
    verdicts: dict[str, BackResult] = {}
    changed: list[Camera] = []
    revived: list[Camera] = []
    for camera in locked_cameras(*_READ_FIELDS, number_key__any_of=keys):
        item = items[camera.number_key]
        is_revived = camera.deleted_at is not None
        if not is_revived and not may_touch_camera(partner, camera):
            verdicts[camera.number_key] = _refused(item)
            continue
        info, is_changed = _modify(camera, item, places, partner, now)
        if is_changed:
            (revived if is_revived else changed).append(camera)
        verdicts[camera.number_key] = BackResult(camera.number, 0, info)
    update_cameras(changed, _CHANGED_FIELDS, now=now)
    update_cameras(revived, _REVIVED_FIELDS, now=now)
    return verdicts


class _Row(NamedTuple):
    """As much of a camera in the ledger as tells whether it differs from what is reported."""

    number: str
    number_key: str
    deleted_at: datetime | None
    is_pending: bool
    owner_id: int | None
    organisation_id: int
    organisation_path: str
    gateway_id: int | None
    gateway_partner_id: int | None
    reported: tuple[object, ...]

    def may_be_touched_by(self, partner: Partner) -> bool:
        return may_touch(
            partner,
            path=self.organisation_path,
            owner_id=self.owner_id,
            gateway_partner_id=self.gateway_partner_id,
        )

    def is_as(self, item: CameraRecord, places: "_Places") -> bool:
        gateway = places.gateway(item)
        return (
            self.deleted_at is None
            and self.reported == reported_values(item)
            and self.organisation_id == places.office(item).pk
            and (gateway is None or self.gateway_id == gateway.pk)
        )


_PLAIN = ("number", "number_key", "deleted_at", "is_pending", "owner_id", "organisation_id")
_JOINED = ("organisation__path", "gateway_id", "gateway__partner_id")


def _rows_of(keys: list[str]) -> Iterator[_Row]:
    rows = Camera.objects.filter(number_key__any_of=keys).order_by()
    width = len(_PLAIN) + len(_JOINED)
    for row in rows.values_list(*_PLAIN, *_JOINED, *COPIED_FIELDS):
        yield _Row._make((*row[:width], row[width:]))


class _Places:
    """Organisation and gateway of the items, looked up once per distinct value."""

    def __init__(self, partner: Partner, items: Iterable[CameraRecord]) -> None:
        pairs, codes = set(), set()
        for item in items:
            pairs.add((item.department, item.road_section))
            codes.add(item.gateway_num)
        self._offices = place_departments(within=partner.organisation, pairs=sorted(pairs))
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
        if self._own is not None and self._own.is_review_first:
            return True
        gateway = self.gateway(item)
        return gateway is not None and gateway.is_review_first


def _new_row(partner: Partner, item: CameraRecord, places: _Places) -> tuple[object, ...]:
    """The values of _NEW_FIELDS."""
    gateway = places.gateway(item)
    return (
        item.camera_num,
        initials_of(item.camera_name),
        item.camera_num.lower(),
        places.office(item).pk,
        gateway.pk if gateway else None,
        partner.pk,
        places.must_be_reviewed(item),
        *reported_values(item),
    )


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
