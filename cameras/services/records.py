"""Camera records brought into the ledger, whoever brings them: what differs is found out, written and told."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.utils import timezone

from access.actors import Actor
from access.models import Partner
from cameras.choices import ChangeAct, ChangeSource
from cameras.initials import initials_of
from cameras.models import Camera
from cameras.services.bulk import insert_cameras, update_cameras
from cameras.services.history import Change, changed_fields, keep_changes, keep_registrations, remember
from cameras.services.ledger import (
    COPIED_FIELDS,
    UNCHANGED,
    copy_fields,
    is_move,
    locked_cameras,
    raise_version,
    reported_values,
    revive,
)
from protocol.cameras import BackResult, CameraRecord

REGISTERED, MODIFIED, PENDING = "注册成功", "修改成功", "待审核"
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
    "rejected_at",
    "rejection",
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
    "initials",
    "number",
    "number_key",
    "organisation",
    "gateway",
    "owner",
    "ptz_override",
    "is_pending",
    "rejected_at",
    "rejection",
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


class Row(NamedTuple):
    """As much of a camera in the ledger as tells whether it differs from what is reported."""

    pk: int
    number: str
    number_key: str
    deleted_at: datetime | None
    is_pending: bool
    rejection: str
    owner_id: int | None
    organisation_id: int
    organisation_path: str
    gateway_id: int | None
    gateway_partner_id: int | None
    reported: tuple[object, ...]


_PLAIN = ("pk", "number", "number_key", "deleted_at", "is_pending", "rejection", "owner_id", "organisation_id")
_JOINED = ("organisation__path", "gateway_id", "gateway__partner_id")


class Registrar(ABC):
    """Who brings records: what they may touch, and where their cameras belong."""

    owner: Partner | None
    source: ChangeSource

    @abstractmethod
    def may_touch_row(self, row: Row) -> bool: ...

    @abstractmethod
    def may_touch_camera(self, camera: Camera) -> bool:
        """The same of a locked camera."""

    @abstractmethod
    def place(self, items: Iterable[CameraRecord]) -> None:
        """Look up, or make, the places of all records that will be asked for."""

    @abstractmethod
    def office_id(self, item: CameraRecord) -> int: ...

    @abstractmethod
    def gateway_id(self, item: CameraRecord, held: int | None) -> int | None:
        """The gateway of a camera that has `held` now."""

    @abstractmethod
    def must_be_reviewed(self, item: CameraRecord) -> bool: ...


def apply_records(
    registrar: Registrar, wanted: Mapping[str, CameraRecord], *, actor: Actor
) -> dict[str, BackResult]:
    """Verdicts by lower-case number. Inside a transaction.

    Most of what gateways send is in the ledger already: that is found out without a lock. Locks are taken
    in one order by every batch, places by name, cameras by id, then new numbers by name, so that two
    batches never wait for each other.
    """
    known = {row.number_key: row for row in _rows_of(list(wanted))}
    verdicts = {
        key: _refused(wanted[key])
        for key, row in known.items()
        # A deleted number is free again for whoever registers it.
        if row.deleted_at is None and not registrar.may_touch_row(row)
    }
    accepted = {key: item for key, item in sorted(wanted.items()) if key not in verdicts}
    registrar.place(accepted.values())
    now = timezone.now()
    differing: list[str] = []
    for key, row in known.items():
        if key in verdicts:
            continue
        if _is_as(row, accepted[key], registrar):
            verdicts[key] = _unchanged(row.number, row.is_pending, row.rejection)
        else:
            differing.append(key)
    verdicts |= _Modification(registrar, actor, now).of(differing, accepted)
    # Also what staff have given another number meanwhile: the number is free.
    fresh = {key: item for key, item in accepted.items() if key not in verdicts}
    for key, item in fresh.items():
        info = PENDING if registrar.must_be_reviewed(item) else REGISTERED
        verdicts[key] = BackResult(item.camera_num, 0, info)
    if fresh:
        insert_cameras(_NEW_FIELDS, (_new_row(registrar, item) for item in fresh.values()), now=now)
        keep_registrations(fresh, actor=actor, source=registrar.source, now=now)
    return verdicts


def _refused(item: CameraRecord) -> BackResult:
    return BackResult("", 1, f"cameraNum 的值“{item.camera_num}”已由其他单位登记，不得修改")


def _unchanged(number: str, is_pending: bool, rejection: str) -> BackResult:
    if rejection:
        # The only place where a gateway hears of it: the document knows no message for a refusal afterwards.
        return BackResult(number, 1, f"审核未通过：{rejection}")
    return BackResult(number, 0, PENDING if is_pending else UNCHANGED)


def _rows_of(keys: list[str]) -> Iterator[Row]:
    rows = Camera.objects.filter(number_key__any_of=keys).order_by()
    width = len(_PLAIN) + len(_JOINED)
    for row in rows.values_list(*_PLAIN, *_JOINED, *COPIED_FIELDS):
        yield Row._make((*row[:width], row[width:]))


def _is_as(row: Row, item: CameraRecord, registrar: Registrar) -> bool:
    return (
        row.deleted_at is None
        and row.reported == reported_values(item)
        and row.organisation_id == registrar.office_id(item)
        and row.gateway_id == registrar.gateway_id(item, row.gateway_id)
    )


def _new_row(registrar: Registrar, item: CameraRecord) -> tuple[object, ...]:
    """The values of _NEW_FIELDS."""
    return (
        item.camera_num,
        initials_of(item.camera_name),
        item.camera_num.lower(),
        registrar.office_id(item),
        registrar.gateway_id(item, None),
        registrar.owner.pk if registrar.owner else None,
        registrar.must_be_reviewed(item),
        *reported_values(item),
    )


class _Modification:
    """Cameras that are known and differ: locked, looked at again, written and told."""

    def __init__(self, registrar: Registrar, actor: Actor, now: datetime) -> None:
        self._registrar, self._actor, self._now = registrar, actor, now

    def of(self, keys: Sequence[str], items: Mapping[str, CameraRecord]) -> dict[str, BackResult]:
        """Meanwhile somebody else may have changed, deleted or revived one."""
        verdicts: dict[str, BackResult] = {}
        changed: list[Camera] = []
        revived: list[Camera] = []
        history: list[Change] = []
        for camera in locked_cameras(*_READ_FIELDS, number_key__any_of=keys):
            item = items[camera.number_key]
            is_revived = camera.deleted_at is not None
            if not is_revived and not self._registrar.may_touch_camera(camera):
                verdicts[camera.number_key] = _refused(item)
                continue
            before = remember(camera) if is_revived else None
            told = self._modify(camera, item)
            if is_revived and before is not None:
                revived.append(camera)
                history.append(Change(camera.pk, ChangeAct.REVIVED, changed_fields(camera, before)))
            elif told:
                changed.append(camera)
                if not is_move(camera, told.keys()):
                    history.append(Change(camera.pk, ChangeAct.MODIFIED, changed_fields(camera, told)))
            verdicts[camera.number_key] = self._verdict(camera, is_revived=is_revived, is_changed=bool(told))
        update_cameras(changed, _CHANGED_FIELDS, now=self._now)
        self._end_rejections(changed)
        update_cameras(revived, _REVIVED_FIELDS, now=self._now)
        keep_changes(history, actor=self._actor, source=self._registrar.source, now=self._now)
        return verdicts

    def _modify(self, camera: Camera, item: CameraRecord) -> dict[str, object]:
        """The fields that changed, with their values before."""
        registrar = self._registrar
        is_revived = camera.deleted_at is not None
        changed = copy_fields(camera, item)
        office_id = registrar.office_id(item)
        if camera.organisation_id != office_id:
            changed["organisation_id"], camera.organisation_id = camera.organisation_id, office_id
        is_reported = bool(changed)
        if is_revived:
            revive(camera, owner=registrar.owner)
            camera.number = item.camera_num
            camera.is_pending = registrar.must_be_reviewed(item)
        gateway_id = registrar.gateway_id(item, None if is_revived else camera.gateway_id)
        if camera.gateway_id != gateway_id:
            changed["gateway_id"], camera.gateway_id = camera.gateway_id, gateway_id
        if is_reported or is_revived:
            # A gateway is the province's own business: it is not reported upward.
            reported = changed.keys() - {"gateway_id"}
            raise_version(camera, {*reported, "deleted_at"} if is_revived else reported, self._now)
        return changed

    def _verdict(self, camera: Camera, *, is_revived: bool, is_changed: bool) -> BackResult:
        if not (is_changed or is_revived):
            return _unchanged(camera.number, camera.is_pending, camera.rejection)
        if camera.is_pending:
            return BackResult(camera.number, 0, PENDING)
        return BackResult(camera.number, 0, REGISTERED if is_revived else MODIFIED)

    def _end_rejections(self, changed: Sequence[Camera]) -> None:
        """What was mended is looked at again."""
        mended = [camera.pk for camera in changed if camera.rejected_at is not None]
        if mended:
            Camera.objects.filter(pk__in=mended).update(rejected_at=None, rejection="")
