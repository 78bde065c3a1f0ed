"""Reads of the online rate: the slots of one camera as they count, days of many cameras as sums."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import starmap
from typing import Final, NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, QuerySet, Sum

from access.choices import Action
from access.days import day_start, days_between
from access.models import User
from cameras.choices import OnlineStatus
from cameras.models import Camera, StatusChange
from cameras.visibility import visible_condition
from quality.selectors import flags_between
from rates.definition import History, Life, SlotState, is_bad, judge_slots
from rates.models import CameraDay
from snapshots.choices import SnapshotResult
from snapshots.models import Snapshot
from snapshots.slots import unix_slots

_PLACE: Final = ("camera_id", "organisation_id", "gateway_id", "road")


def in_percent(share: float | None) -> float | None:
    """Two decimals, rounded down, so that only what is whole is 100. The only rounding, on pages and in tables."""
    # A share of few slots may lie a hair below what it is.
    return None if share is None else math.floor(share * 10_000 + 1e-6) / 100


@dataclass(frozen=True, slots=True)
class Counts:
    """Sums over days of some cameras; shares are of `slots`, None where no slot counts."""

    cameras: int = 0
    slots: int = 0
    missed: int = 0
    claimed: int = 0
    pictured: int = 0
    good: int = 0
    hollow: int = 0
    offline_seconds: int = 0
    flaps: int = 0

    @property
    def claimed_share(self) -> float | None:
        return self._share(self.claimed)

    @property
    def pictured_share(self) -> float | None:
        """The true online rate."""
        return self._share(self.pictured)

    @property
    def good_share(self) -> float | None:
        return self._share(self.good)

    def _share(self, count: int) -> float | None:
        return count / self.slots if self.slots else None


class CameraSum(NamedTuple):
    """One camera over some days, once for each place it had in them; the counts are those of CameraDay."""

    camera_id: int
    organisation_id: int
    gateway_id: int | None
    road: str
    slots: int
    missed: int
    claimed: int
    pictured: int
    good: int
    hollow: int
    offline_seconds: int
    flaps: int


class PlaceSum(NamedTuple):
    """All cameras of one place over some days."""

    organisation_id: int
    gateway_id: int | None
    road: str
    slots: int
    missed: int
    claimed: int
    pictured: int
    good: int
    hollow: int
    offline_seconds: int
    flaps: int


# In the order of CameraSum and Counts.
COUNTED: Final = CameraSum._fields[len(_PLACE) :]


@dataclass(frozen=True, slots=True)
class CameraSlots:
    """Some days of one camera: slots that are over, all rows there are (result and time of the picture by unix
    slot), the nine flags since when (unix seconds)."""

    states: list[SlotState]
    rows: dict[int, tuple[SnapshotResult, datetime | None]]
    flags: list[tuple[float, str]]


def camera_slots(camera: Camera, first: date, last: date, *, now: datetime) -> CameraSlots:
    """The slots of these days (both included) that `camera` answers for, by definition and as of now."""
    begin, end = day_start(first), day_start(last + timedelta(days=1))
    rows = Snapshot.objects.filter(camera=camera, slot_at__gte=begin, slot_at__lt=end)
    known = {
        int(slot_at.timestamp()): (SnapshotResult(result), taken_at)
        for slot_at, result, taken_at in rows.values_list("slot_at", "result", "taken_at")
    }
    flags = flags_between([camera], begin, end)[camera.pk]
    states = judge_slots(
        [slot for day in days_between(first, last) for slot in unix_slots(day)],
        now=now.timestamp(),
        period=settings.SNAPSHOT_PERIOD_SECONDS,
        life=_life(camera),
        online=_online(camera, begin, end),
        bad=History([since for since, _ in flags], [is_bad(text) for _, text in flags]),
        results={slot: result for slot, (result, _) in known.items()},
    )
    return CameraSlots(states, known, flags)


def _life(camera: Camera) -> Life:
    deleted_at = camera.deleted_at.timestamp() if camera.deleted_at else None
    return Life(camera.created_at.timestamp(), deleted_at, camera.is_pending)


def _online(camera: Camera, begin: datetime, end: datetime) -> History:
    changes = StatusChange.objects.filter(camera=camera)
    before = changes.filter(at__lte=begin).order_by("-at", "-pk").values_list("status", flat=True).first()
    within = changes.filter(at__gt=begin, at__lt=end).order_by("at", "pk").values_list("at", "status")
    times, values = [float("-inf")], [before == OnlineStatus.ONLINE]
    for at, status in within:
        times.append(at.timestamp())
        values.append(status == OnlineStatus.ONLINE)
    return History(times, values)


def days_visible_to(user: User, first: date, last: date) -> QuerySet[CameraDay]:
    """Days, both included, of cameras that then belonged to organisations the user watches.

    Deleted cameras are among them: a rate of the past does not rise because a dead camera was deleted.
    """
    within = visible_condition(user, Action.WATCH, camera="camera")
    return CameraDay.objects.filter(within, day__gte=first, day__lte=last)


def camera_sums(days: QuerySet[CameraDay]) -> list[CameraSum]:
    """All of `days` in one statement: a page groups and ranks them, which would take one for each."""
    rows = days.order_by().values_list(*_PLACE).annotate(*(Sum(name) for name in COUNTED))
    with transaction.atomic(), connection.cursor() as cursor:
        # With the usual memory a month of a province is sorted on disk instead of being summed in one pass.
        cursor.execute("SET LOCAL work_mem = '64MB'")
        return list(starmap(CameraSum, rows))


def place_sums(days: QuerySet[CameraDay]) -> list[PlaceSum]:
    """The same without the cameras, a few hundred rows: how a time was that another is compared with."""
    rows = days.order_by().values_list(*_PLACE[1:]).annotate(*(Sum(name) for name in COUNTED))
    return list(starmap(PlaceSum, rows))


def day_sums(days: QuerySet[CameraDay]) -> dict[date, Counts]:
    """Day by day; days without any row are missing."""
    rows = days.order_by().values_list("day").annotate(Count("camera_id"), *(Sum(name) for name in COUNTED))
    return {day: Counts(*counts) for day, *counts in sorted(rows)}


def counts_of(sums: Collection[CameraSum]) -> Counts:
    if not sums:
        return Counts()
    columns = list(zip(*sums, strict=True))
    return Counts(len(set(columns[0])), *(sum(column) for column in columns[len(_PLACE) :]))
