"""A case as its page shows it, and the cameras that are proposed for a new one."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from access.log_words import detail_words
from access.models import Alarm, BehaviourLog, User
from cameras.models import Camera
from cases import records
from cases.models import CaseCamera, CaseFile
from cases.selectors import CaseSlot, NearCamera, case_slots, nearest_cameras
from cases.tables import entries_of
from console.cards import CameraRow, row_of
from console.case_forms import Around
from console.pictures import picture_path
from console.words import distance
from ptz.models import PtzOrder
from snapshots.choices import SnapshotResult
from snapshots.models import Snapshot
from snapshots.slots import slot_at, unix_slot

# What is shown of a camera around the event; all of it is in the export and in 截图回看.
_SHOWN_EACH_SIDE: Final = 6
_MOST_ROWS: Final = 200
# What is further along the road has seldom seen the event: it is shown, and taken in only by hand.
PROPOSED_METRES: Final = 10_000


@dataclass(frozen=True)
class Candidate:
    """A camera near the place, how many pictures it has around the event, and the one nearest to it.

    `slots` are those that could have one by now, `ahead` those that are not over.
    """

    row: CameraRow
    metres: int
    pictures: int
    slots: int
    ahead: int
    picture: str | None

    @property
    def is_near(self) -> bool:
        return abs(self.metres) <= PROPOSED_METRES

    @property
    def distance(self) -> str:
        return distance(self.metres)


def candidates(cameras: QuerySet[Camera], around: Around) -> list[Candidate]:
    near = nearest_cameras(cameras, around.road, around.stake_m, each=around.each)
    before, after = around.stretch
    begin, end = slot_at(unix_slot(around.at - before)), around.at + after
    rows = Snapshot.objects.filter(
        camera__in=[one.camera.pk for one in near],
        slot_at__gte=begin,
        slot_at__lt=end,
        result=SnapshotResult.TAKEN,
    )
    found: dict[int, list[int]] = defaultdict(list)
    for camera_id, at in rows.values_list("camera", "slot_at"):
        found[camera_id].append(int(at.timestamp()))
    slots = range(int(begin.timestamp()), int(end.timestamp()), settings.SNAPSHOT_PERIOD_SECONDS)
    return [_candidate(one, found[one.camera.pk], slots, around.at) for one in near]


def _candidate(near: NearCamera, taken: list[int], slots: range, at: datetime) -> Candidate:
    first, present = unix_slot(near.camera.created_at), unix_slot(timezone.now())
    # The present slot may still get its picture.
    past = sum(unix in taken or first <= unix < present for unix in slots)
    nearest = min(taken, key=lambda unix: abs(unix - at.timestamp()), default=None)
    return Candidate(
        row=row_of(near.camera),
        metres=near.metres,
        pictures=len(taken),
        slots=past,
        ahead=sum(unix >= present and unix not in taken for unix in slots),
        picture=picture_path(near.camera.pk, nearest) if nearest is not None else None,
    )


@dataclass(frozen=True)
class ShownSlot:
    at: datetime
    url: str
    reason: str
    is_event: bool


@dataclass(frozen=True)
class ShownCamera:
    """`shown` are the slots around the event; the counts are of the whole stretch."""

    entry: CaseCamera
    metres: int
    pictures: int
    gaps: int
    shown: list[ShownSlot]
    event_slot: int

    @property
    def distance(self) -> str:
        return distance(self.metres)

    @property
    def road_class(self) -> str:
        return self.entry.road[:1]


@dataclass(frozen=True)
class CaseView:
    """Everything on the page of a case; tables are cut, the export has all of them."""

    cameras: list[ShownCamera]
    orders: list[PtzOrder]
    viewings: list[tuple[str, records.ViewingRecord]]
    away: list[records.StatusPeriod]
    alarms: list[Alarm]
    logs: list[tuple[BehaviourLog, list[tuple[str, str]]]]
    most_rows: int = _MOST_ROWS

    @property
    def pictures(self) -> int:
        return sum(camera.pictures for camera in self.cameras)


def case_view(user: User, case: CaseFile) -> CaseView:
    entries, now = list(entries_of(case)), timezone.now()
    slots = case_slots(entries)
    names = {entry.camera_id: entry.name for entry in entries}
    viewings = [(names[record.camera_id], record) for record in records.viewings(entries)]
    logs = BehaviourLog.objects.filter(object_kind="case", object_id=str(case.pk)).order_by("-id")
    return CaseView(
        cameras=[_shown(case, entry, slots[entry.pk]) for entry in entries],
        orders=list(records.ptz_orders(entries)[:_MOST_ROWS]),
        viewings=viewings[:_MOST_ROWS],
        away=[period for period in records.status_periods(entries, now) if not period.is_online][:_MOST_ROWS],
        alarms=records.alarms(user, entries)[:_MOST_ROWS],
        logs=[(log, detail_words(log.detail)) for log in logs[:_MOST_ROWS]],
    )


def _shown(case: CaseFile, entry: CaseCamera, slots: Sequence[CaseSlot]) -> ShownCamera:
    event_slot = unix_slot(case.event_at)
    middle = bisect_left([slot.unix for slot in slots], event_slot)
    near = slots[max(0, middle - _SHOWN_EACH_SIDE) : middle + _SHOWN_EACH_SIDE + 1]
    return ShownCamera(
        entry=entry,
        metres=entry.stake_m - case.stake_m,
        pictures=sum(not slot.reason for slot in slots),
        gaps=sum(bool(slot.reason) for slot in slots),
        shown=[_shown_slot(case, entry, slot, event_slot) for slot in near],
        event_slot=event_slot,
    )


def _shown_slot(case: CaseFile, entry: CaseCamera, slot: CaseSlot, event_slot: int) -> ShownSlot:
    url = "" if slot.reason else reverse("console:case_picture", args=[case.pk, entry.pk, slot.unix])
    return ShownSlot(slot.slot_at, url, slot.reason, slot.unix == event_slot)
