"""What every write to the ledger shares: the reported fields, the version, tombstones, who may touch what."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from operator import attrgetter

from django.db import transaction
from django.db.models import F, QuerySet, prefetch_related_objects
from django.utils import timezone

from access.actors import Actor
from access.choices import Outcome, PartnerKind
from access.models import Partner
from access.services.logs import record
from cameras.choices import ChangeAct, ChangeSource, Classify, OnlineStatus, StatusSource
from cameras.initials import initials_of
from cameras.models import Camera, CameraException, GroupMember, PtzGrant, StatusChange
from cameras.services.history import Change, changed_fields, keep_changes, newest_change, remember, told_since
from protocol.cameras import BackResult, CameraRecord

UNCHANGED = "未变化"
# A moved position is told upward at most once in this time (protocol.md section 3, classify 8).
MOVE_SECONDS = 60
_HISTORY_BATCH = 5000

# Camera field -> CameraRecord field; all of them are reported upward.
_FIELDS = {
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
COPIED_FIELDS = tuple(_FIELDS)
REPORTED_FIELDS = ("number", *_FIELDS)
reported_values: Callable[[CameraRecord], tuple[object, ...]] = attrgetter(*_FIELDS.values())
"""What a record says for COPIED_FIELDS, in their order."""
_POSITION = frozenset({"longitude", "latitude", "stake", "stake_m"})
# What staff may correct; status and streams are never written from a form that was opened minutes ago.
_STAFF_FIELDS = (
    *REPORTED_FIELDS,
    "initials",
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
    "updated_at",
)


def copy_fields(camera: Camera, item: CameraRecord) -> dict[str, object]:
    """Take over what was reported; the fields that changed, with their values before.

    The number is not among them: it stays written as it was registered.
    """
    changed: dict[str, object] = {}
    for field, source in _FIELDS.items():
        value = getattr(item, source)
        before = getattr(camera, field)
        if before != value:
            setattr(camera, field, value)
            changed[field] = before
    if "name" in changed:
        camera.initials = initials_of(camera.name)
    return changed


def is_move(camera: Camera, changed: AbstractSet[str]) -> bool:
    """A mobile source that is elsewhere now, and nothing else."""
    return camera.classify == Classify.MOBILE and changed <= _POSITION


def raise_version(camera: Camera, changed: AbstractSet[str], now: datetime) -> None:
    """Let the change be reported upward; the move of a mobile source waits until its minute is over."""
    if is_move(camera, changed) and now - camera.version_at < timedelta(seconds=MOVE_SECONDS):
        camera.is_moved = True
        return
    camera.version += 1
    camera.version_at, camera.is_moved = now, False


def report_moves(*, now: datetime | None = None) -> int:
    """Let the moves whose minute is over be reported; how many."""
    now = now or timezone.now()
    due = Camera.objects.filter(is_moved=True, version_at__lte=now - timedelta(seconds=MOVE_SECONDS))
    return due.update(version=F("version") + 1, version_at=now, is_moved=False)


def may_touch(partner: Partner, *, path: str, owner_id: int | None, gateway_partner_id: int | None) -> bool:
    """A gateway partner touches only cameras it registered, or that staff gave to its gateway.

    `path` is that of the camera's organisation, `gateway_partner_id` the partner behind its gateway.
    """
    if not path.startswith(partner.organisation.path):
        return False
    if partner.kind != PartnerKind.GATEWAY or owner_id == partner.pk:
        return True
    return owner_id is None and gateway_partner_id == partner.pk


def may_touch_camera(partner: Partner, camera: Camera) -> bool:
    """The same for a camera; `organisation` and `gateway` should be loaded."""
    return may_touch(
        partner,
        path=camera.organisation.path,
        owner_id=camera.owner_id,
        gateway_partner_id=camera.gateway.partner_id if camera.gateway else None,
    )


def locked_cameras(*fields: str, **which: object) -> list[Camera]:
    """Cameras with organisation and gateway, locked in the order of their ids; only `fields` of them, if any.

    Not joined: a locking read that joins loses the rows that another transaction moved while it waited.
    """
    rows = Camera.objects.select_for_update().filter(**which).order_by("pk")
    cameras = list(rows.only(*fields) if fields else rows)
    prefetch_related_objects(cameras, "organisation", "gateway")
    return cameras


def delete_cameras(*, partner: Partner, actor: Actor, numbers: Sequence[str]) -> list[BackResult]:
    """Delete (document 1.1 b); one result each in the order sent, unknown ones get status 1."""
    keys = {number.strip().lower() for number in numbers}
    with transaction.atomic():
        known = locked_cameras(number_key__in=keys, deleted_at=None)
        own = {camera.number_key: camera for camera in known if may_touch_camera(partner, camera)}
        bury_cameras(own.values(), actor=actor, source=ChangeSource.REPORT)
        results = []
        for number in numbers:
            camera = own.get(number.strip().lower())
            if camera is not None:
                results.append(BackResult(camera.number, 0, "删除成功"))
            else:
                # Another gateway's camera is answered as if unknown (threats.md 6).
                results.append(BackResult(number, 1, "摄像机不存在"))
        log_batch(actor, "删除摄像机", results)
    return results


def bury_cameras(cameras: Iterable[Camera], *, actor: Actor, source: ChangeSource) -> None:
    """Turn cameras into tombstones; they stay until every upper platform has acknowledged."""
    now = timezone.now()
    living = Camera.objects.filter(pk__in=[camera.pk for camera in cameras], deleted_at=None)
    _end_statuses(living, now)
    changes = [Change(pk, ChangeAct.DELETED) for pk in living.values_list("pk", flat=True)]
    keep_changes(changes, actor=actor, source=source, now=now)
    living.update(
        deleted_at=now,
        updated_at=now,
        is_moved=False,
        has_stream=False,
        has_stream_at=now,
        reported_status=None,
        reported_since=None,
    )


def _end_statuses(cameras: QuerySet[Camera], now: datetime) -> None:
    """Or the history would say online up to whatever is heard of a camera that has come back."""
    online = cameras.exclude(status=OnlineStatus.OFFLINE).values_list("pk", flat=True)
    StatusChange.objects.bulk_create(
        [
            StatusChange(
                camera_id=pk, at=now, status=OnlineStatus.OFFLINE, source=StatusSource.STAFF, reason="已删除"
            )
            for pk in online
        ],
        batch_size=_HISTORY_BATCH,
    )


def remove_cameras(
    cameras: Sequence[Camera], *, actor: Actor, source: ChangeSource = ChangeSource.ADMIN
) -> None:
    """Staff delete cameras."""
    with transaction.atomic():
        bury_cameras(cameras, actor=actor, source=source)
        for camera in cameras:
            record_camera(actor, "删除摄像机", camera)


def record_camera(actor: Actor, verb: str, camera: Camera, detail: Mapping[str, object] | None = None) -> None:
    """What staff did to one camera, for the behaviour log."""
    record(actor, verb, object_kind="camera", object_id=camera.pk, object_name=camera.name, detail=detail)


def revive(camera: Camera, *, owner: Partner | None) -> None:
    """Make a tombstone a camera again, of `owner`; what is known of its state is from another life."""
    camera.deleted_at = None
    camera.status = camera.raw_status = OnlineStatus.OFFLINE
    camera.status_at = camera.raw_status_at = None
    camera.status_reason = camera.rejection = ""
    camera.rejected_at = None
    if camera.owner_id != (owner.pk if owner else None):
        # What staff granted was for the camera of somebody else.
        for granted in (PtzGrant, CameraException, GroupMember):
            granted.objects.filter(camera_id=camera.pk).delete()
        camera.ptz_override = None
    camera.owner = owner


def save_camera(*, camera: Camera, actor: Actor) -> Camera:
    """Store what staff entered or corrected; the version rises when a reported field changed.

    `camera` has passed `full_clean`. A number that was deleted before comes back to life.
    """
    camera.number_key = camera.number.lower()
    with transaction.atomic():
        rows = Camera.objects.select_for_update()
        is_new = camera.pk is None
        if is_new:
            before = rows.filter(number_key=camera.number_key).first()
        else:
            before = rows.get(pk=camera.pk)
        now = timezone.now()
        if before is None:
            camera.save()
            change = Change(camera.pk, ChangeAct.REGISTERED)
        else:
            change = _correct(camera, before, is_new=is_new, now=now)
        newest = newest_change(camera.pk)
        if change.fields or change.act != ChangeAct.MODIFIED:
            keep_changes([change], actor=actor, source=ChangeSource.ADMIN, now=now)
        verb = "新增摄像机" if is_new else "修改摄像机"
        record_camera(actor, verb, camera, told_since(camera.pk, newest))
    return camera


def _correct(camera: Camera, before: Camera, *, is_new: bool, now: datetime) -> Change:
    held = remember(before)
    if is_new:
        camera.pk = before.pk
        camera._state.adding = False
        revive(before, owner=camera.owner)
        before.save()
    # A form that was opened before a deletion must not undo it.
    camera.deleted_at = before.deleted_at
    camera.version, camera.version_at, camera.is_moved = before.version, before.version_at, before.is_moved
    still = camera.is_pending
    camera.rejected_at, camera.rejection = (before.rejected_at, before.rejection) if still else (None, "")
    changed = {
        name
        for name in (*REPORTED_FIELDS, "organisation_id")
        if getattr(before, name) != getattr(camera, name)
    }
    if changed or is_new:
        raise_version(camera, changed or {"deleted_at"}, now)
    camera.save(update_fields=_STAFF_FIELDS)
    act = ChangeAct.REVIVED if is_new else ChangeAct.MODIFIED
    return Change(camera.pk, act, changed_fields(camera, held))


def log_batch(actor: Actor, verb: str, results: Sequence[BackResult]) -> None:
    """One row for a whole batch; none when nothing happened."""
    refused = [result for result in results if not result.ok]
    counts = Counter(result.info for result in results if result.ok)
    if not refused and set(counts) <= {UNCHANGED}:
        return
    record(
        actor,
        verb,
        object_kind="camera",
        object_name=results[0].camera_num if len(results) == 1 else f"{len(results)} 路摄像机",
        outcome=Outcome.REFUSED if len(refused) == len(results) else Outcome.DONE,
        reason=refused[0].info if refused else "",
        detail={**counts, "拒绝": len(refused)},
    )
