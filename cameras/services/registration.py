"""VideoInformation: gateways, imports and other partners register and modify cameras through here."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import msgspec
from django.db import IntegrityError, transaction
from django.utils import timezone

from access.actors import Actor
from access.models import Organisation, Partner
from access.services.organisations import place_department
from cameras.models import Camera, Gateway
from cameras.services.bulk import insert_cameras, update_cameras
from cameras.services.ledger import (
    COPIED_FIELDS,
    REPORTED_FIELDS,
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
_CHANGED_FIELDS = [
    *REPORTED_FIELDS,
    "organisation_id",
    "gateway_id",
    "owner_id",
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

    Most of what gateways send is in the ledger already: that is found out without a lock. Locks are taken
    in one order by every batch, places by name, cameras by id, then new numbers by name, so that two
    batches never wait for each other.
    """
    wanted = {item.camera_num.lower(): item for item in parsed.values()}
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
    fresh: list[dict[str, object]] = []
    differing: list[int] = []
    for key, item in accepted.items():
        row = known.get(key)
        if row is None:
            fresh.append(_new_row(partner, item, places))
            info = PENDING if fresh[-1]["is_pending"] else REGISTERED
            verdicts[key] = _Verdict(item.camera_num, 0, info)
        elif row.is_as(item, places):
            verdicts[key] = _Verdict(row.number, 0, PENDING if row.is_pending else UNCHANGED)
        else:
            differing.append(row.id)
    verdicts |= _modify_all(partner, differing, accepted, places, now)
    insert_cameras(fresh, now=now)
    return verdicts


def _refused(item: CameraRecord) -> _Verdict:
    return _Verdict("", 1, f"cameraNum 的值“{item.camera_num}”已由其他单位登记，不得修改")


def _modify_all(
    partner: Partner, ids: Sequence[int], items: Mapping[str, CameraRecord], places: "_Places", now: datetime
) -> dict[str, _Verdict]:
    """Locks the cameras and looks again: meanwhile somebody else may have changed, deleted or revived one."""
    verdicts: dict[str, _Verdict] = {}
    changed: list[Camera] = []
    for camera in locked_cameras(pk__in=ids):
        item = items[camera.number_key]
        if camera.deleted_at is None and not may_touch_camera(partner, camera):
            verdicts[camera.number_key] = _refused(item)
            continue
        info, is_changed = _modify(camera, item, places, partner, now)
        if is_changed:
            changed.append(camera)
        verdicts[camera.number_key] = _Verdict(camera.number, 0, info)
    update_cameras(changed, _CHANGED_FIELDS, now=now)
    return verdicts


class _Row(NamedTuple):
    """As much of a camera in the ledger as tells whether it differs from what is reported."""

    id: int
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


_PLAIN = ("id", "number", "number_key", "deleted_at", "is_pending", "owner_id", "organisation_id")
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


def _new_row(partner: Partner, item: CameraRecord, places: _Places) -> dict[str, object]:
    gateway = places.gateway(item)
    return {
        "number": item.camera_num,
        "number_key": item.camera_num.lower(),
        "organisation_id": places.office(item).pk,
        "gateway_id": gateway.pk if gateway else None,
        "owner_id": partner.pk,
        "is_pending": places.must_be_reviewed(item),
        **dict(zip(COPIED_FIELDS, reported_values(item), strict=True)),
    }


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
