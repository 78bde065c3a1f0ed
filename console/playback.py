"""A camera's pictures day by day, as the page 截图回看 shows them."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final, TypedDict

from django.conf import settings
from django.db.models import Min

from access.days import day_of, day_start, days_between
from access.models import User
from cameras.models import Camera
from console.cards import CameraCard, cards_of
from console.slot_letters import (
    BAD_PICTURE,
    GAPS,
    MISSED_LETTERS,
    NOTHING,
    PICTURE,
    REASONS,
    wrong_since,
)
from rates.definition import SlotState
from rates.selectors import CameraSlots, camera_slots
from snapshots.choices import SnapshotResult
from snapshots.models import Snapshot
from snapshots.selectors import held_pictures
from snapshots.slots import oldest_kept_day, unix_slot, unix_slots

DAYS: Final = 7



class DayRow(TypedDict):
    """One day from unix second `first` on: `slots` has a letter for each slot, `taken` the seconds after its
    beginning at which each picture was taken. The counts are those of the online rate."""

    day: str
    first: int
    slots: str
    taken: list[int | None]
    counted: int
    missed: int
    claimed: int
    pictured: int
    good: int


class Playback(TypedDict):
    """The days up to one; `reasons` says what the letters of gaps mean, `missed` which of them do not count.

    `oldest` is the first day with a picture, which may be older than `kept`, the first day that all cameras keep.
    `quality` is what was wrong since when (unix seconds).
    """

    camera: CameraCard
    now: float
    period: int
    oldest: str
    days: list[DayRow]
    reasons: dict[str, str]
    missed: str
    kept: str
    quality: list[tuple[float | None, str]]


def playback_of(user: User, camera: Camera, last: date, *, now: datetime) -> Playback:
    """DAYS days, the last of them `last`, but none after today."""
    last = min(last, day_of(now))
    first = last - timedelta(days=DAYS - 1)
    slots = camera_slots(camera, first, last, now=now)
    kept = oldest_kept_day(day_of(now))
    states = {state.slot: state for state in slots.states if _is_kept(state.slot, slots, kept)}
    slots.rows.update(_held(camera, first, last, slots))
    return Playback(
        camera=cards_of(user, [camera])[0],
        now=now.timestamp(),
        period=settings.SNAPSHOT_PERIOD_SECONDS,
        oldest=_oldest(camera, kept).isoformat(),
        kept=kept.isoformat(),
        days=[_day(day, slots, states, now) for day in days_between(first, last)],
        reasons=REASONS,
        missed=MISSED_LETTERS,
        quality=wrong_since(slots.flags),
    )


def _is_kept(slot: int, slots: CameraSlots, kept: date) -> bool:
    """Of days that are not, only what an organisation keeps longer says anything of the platform."""
    return slot >= day_start(kept).timestamp() or slot in slots.rows


def _held(
    camera: Camera, first: date, last: date, slots: CameraSlots
) -> dict[int, tuple[SnapshotResult, datetime | None]]:
    """Pictures that are held for a case, where their day has been dropped."""
    held = held_pictures(camera).filter(
        slot_at__gte=day_start(first), slot_at__lt=day_start(last + timedelta(days=1))
    )
    found = {int(at.timestamp()): taken_at for at, taken_at in held.values_list("slot_at", "taken_at")}
    return {slot: (SnapshotResult.TAKEN, at) for slot, at in found.items() if slot not in slots.rows}


def _oldest(camera: Camera, kept: date) -> date:
    firsts = (
        Snapshot.objects.filter(camera=camera).aggregate(Min("slot_at"))["slot_at__min"],
        held_pictures(camera).aggregate(Min("slot_at"))["slot_at__min"],
    )
    return min([kept, *(day_of(first) for first in firsts if first is not None)])


def _day(day: date, slots: CameraSlots, states: dict[int, SlotState], now: datetime) -> DayRow:
    unix = unix_slots(day)
    present = unix_slot(now)
    own = [states[slot] for slot in unix if slot in states]
    return DayRow(
        day=day.isoformat(),
        first=unix.start,
        slots="".join(_letter(slot, slots, states.get(slot)) for slot in unix if slot <= present),
        taken=_taken(slots, unix),
        counted=sum(state.is_counted for state in own),
        missed=sum(not state.is_counted for state in own),
        claimed=sum(state.is_claimed for state in own),
        pictured=sum(state.is_pictured for state in own),
        good=sum(state.is_good for state in own),
    )


def _letter(slot: int, slots: CameraSlots, state: SlotState | None) -> str:
    result, _ = slots.rows.get(slot, (None, None))
    if result == SnapshotResult.TAKEN:
        return BAD_PICTURE if state is not None and state.is_pictured and not state.is_good else PICTURE
    if result is not None:
        return GAPS[result]
    # Nobody looked: the platform did not run then.
    return NOTHING if state is None else GAPS[SnapshotResult.NOT_RUN]


def _taken(slots: CameraSlots, unix: Sequence[int]) -> list[int | None]:
    times = [slots.rows.get(slot, (None, None))[1] for slot in unix]
    return [int(at.timestamp()) - slot if at else None for slot, at in zip(unix, times, strict=True)]
