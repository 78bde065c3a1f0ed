"""Reads of case files, the actor first: whoever may not see the pictures of one camera does not see the case."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from access.choices import Action
from access.days import day_of
from access.models import User
from cameras.choices import Orientation
from cameras.models import Camera
from cameras.visibility import visible_condition
from cases.models import CaseCamera, CaseFile
from snapshots.capture.store import held_name, name_of
from snapshots.choices import SnapshotResult
from snapshots.models import HeldPicture, Snapshot
from snapshots.slots import oldest_kept_day, slot_at, unix_slot

EXPIRED = "已过保留期"
_RELEASED = "留存已解除"
# Result, when the picture was taken, and how long it is kept.
_Row = tuple[int | None, datetime | None, int]
_NO_ROW: Final[_Row] = (None, None, 0)


def cases_visible_to(user: User, action: Action = Action.SNAPSHOT) -> QuerySet[CaseFile]:
    """Cases on all of whose cameras the user may do `action`; a deleted camera counts where it was."""
    allowed = visible_condition(user, action, camera="camera", path="camera__organisation__path")
    hidden = CaseCamera.objects.filter(case=OuterRef("pk")).exclude(
        pk__in=CaseCamera.objects.filter(allowed).order_by().values("pk")
    )
    some = CaseCamera.objects.filter(case=OuterRef("pk"))
    return CaseFile.objects.filter(Exists(some), ~Exists(hidden))


@dataclass(frozen=True)
class NearCamera:
    """`metres` from the place, positive where stakes are higher."""

    camera: Camera
    metres: int


def nearest_cameras(
    cameras: QuerySet[Camera], road: str, stake_m: int, *, each: int
) -> list[NearCamera]:
    """On each carriageway of `road` the `each` nearest to either side of the place, in the order of their stakes."""
    pattern = rf"(^|&)\s*{road}\s*(&|$)"
    rows = list(
        cameras.filter(road__contains=road, road__regex=pattern)
        .order_by("stake_m", "pk")
        .values_list("pk", "stake_m", "orientation")
    )
    chosen: set[int] = set()
    for orientation in (Orientation.UP, Orientation.DOWN):
        # Those that look both ways are of either carriageway.
        there = [(pk, at) for pk, at, way in rows if way in (orientation, Orientation.BOTH)]
        before = [pk for pk, at in there if at < stake_m]
        after = [pk for pk, at in there if at >= stake_m]
        chosen.update(before[-each:], after[:each])
    found = Camera.objects.filter(pk__in=chosen).select_related("organisation__parent")
    near = [NearCamera(camera, camera.stake_m - stake_m) for camera in found]
    return sorted(near, key=lambda one: (one.camera.stake_m, one.camera.orientation, one.camera.pk))


@dataclass(frozen=True)
class CaseSlot:
    """One slot of a camera in a case: a picture, found under one of `names`, or a `reason`."""

    slot_at: datetime
    taken_at: datetime | None
    reason: str
    names: tuple[str, ...] = ()

    @property
    def unix(self) -> int:
        return int(self.slot_at.timestamp())


def case_slots(entries: Sequence[CaseCamera]) -> dict[int, list[CaseSlot]]:
    """By id of the entry, in order; `hold` should be loaded. In as many statements for forty cameras as for one."""
    now = timezone.now()
    held, rows = _held(entries), _rows(entries)
    return {entry.pk: _slots(entry, held[entry.hold_id], rows[entry.camera_id], now) for entry in entries}


def case_picture(entry: CaseCamera, unix: int) -> CaseSlot | None:
    """One picture of a camera in a case; None for a gap, and for what is no slot of it."""
    if unix not in _unix_slots(entry):
        return None
    at = slot_at(unix)
    row = Snapshot.objects.filter(camera=entry.camera_id, slot_at=at).values_list("result", "taken_at", "keep_days")
    held = HeldPicture.objects.filter(hold=entry.hold_id, slot_at=at).values_list("taken_at", flat=True).first()
    return _picture(entry, at, held, row.first() or _NO_ROW)


def _held(entries: Sequence[CaseCamera]) -> dict[int, dict[int, datetime]]:
    found: dict[int, dict[int, datetime]] = defaultdict(dict)
    pictures = HeldPicture.objects.filter(hold__in=[entry.hold_id for entry in entries])
    for hold_id, at, taken_at in pictures.values_list("hold", "slot_at", "taken_at"):
        found[hold_id][int(at.timestamp())] = taken_at
    return found


def _rows(entries: Sequence[CaseCamera]) -> dict[int, dict[int, _Row]]:
    """What is still in the days themselves, by camera and slot."""
    found: dict[int, dict[int, _Row]] = defaultdict(dict)
    if not entries:
        return found
    first = min(slot_at(unix_slot(entry.hold.begins_at)) for entry in entries)
    rows = Snapshot.objects.filter(
        camera__in={entry.camera_id for entry in entries},
        slot_at__gte=first,
        slot_at__lt=max(entry.hold.ends_at for entry in entries),
    )
    columns = rows.values_list("camera", "slot_at", "result", "taken_at", "keep_days")
    for camera_id, at, result, taken_at, keep_days in columns:
        found[camera_id][int(at.timestamp())] = (result, taken_at, keep_days)
    return found


def _slots(
    entry: CaseCamera,
    held: dict[int, datetime],
    rows: dict[int, _Row],
    now: datetime,
) -> list[CaseSlot]:
    gaps: dict[int, str] = dict(entry.gaps or [])
    found = []
    for unix in _unix_slots(entry):
        at, row = slot_at(unix), rows.get(unix, _NO_ROW)
        if picture := _picture(entry, at, held.get(unix), row):
            found.append(picture)
        elif reason := gaps.get(unix) or _reason(entry, at, row[0], now):
            found.append(CaseSlot(at, None, reason))
    return found


def _unix_slots(entry: CaseCamera) -> range:
    """A slot belongs to the stretch when any of its time does."""
    period: int = settings.SNAPSHOT_PERIOD_SECONDS
    return range(unix_slot(entry.hold.begins_at), int(entry.hold.ends_at.timestamp()), period)


def _picture(entry: CaseCamera, at: datetime, held: datetime | None, row: _Row) -> CaseSlot | None:
    """Held, still in its day, or both."""
    result, taken_at, keep_days = row
    names = [held_name(entry.hold_id, at)] if held else []
    if result == SnapshotResult.TAKEN:
        names.append(name_of(entry.camera_id, at, keep_days))
    return CaseSlot(at, held or taken_at, "", tuple(names)) if names else None


def _reason(entry: CaseCamera, at: datetime, result: int | None, now: datetime) -> str:
    """Empty for a slot that is not over, and for one before the camera was there."""
    if result is not None:
        return str(SnapshotResult(result).label)
    if at >= slot_at(unix_slot(now)) or at < entry.camera.created_at:
        return ""
    if entry.hold.released_at is not None:
        return _RELEASED
    return EXPIRED if day_of(at) < oldest_kept_day(day_of(now)) else str(SnapshotResult.NOT_RUN.label)
