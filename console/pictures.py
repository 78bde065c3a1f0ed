"""Snapshots as the console shows them: the newest of each camera, a day, the last hours."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import TypedDict

from django.urls import reverse

from access.days import day_of
from cameras.models import Camera
from snapshots.selectors import Slot, day_strip, latest_pictures

# As many slots as an operator scrolls through before turning to a page of its own: four hours.
_RECENT_SLOTS = 48


class Picture(TypedDict):
    """One picture; `at` is unix seconds."""

    url: str
    at: float


class StripSlot(TypedDict):
    """One slot: a picture (`url`), or a gap and its `reason`. Times are unix seconds."""

    slot: int
    taken_at: float | None
    url: str | None
    reason: str


class Strip(TypedDict):
    """Slots in order; the counts are of the last day shown."""

    day: str
    slots: list[StripSlot]
    taken: int
    total: int


def picture_path(camera_id: int, unix_slot: int) -> str:
    """Address for staff: their session opens it, no signature."""
    return reverse("snapshots:picture", args=[camera_id, unix_slot])


def newest_pictures(cameras: Iterable[Camera]) -> dict[int, Picture]:
    return {
        camera_id: Picture(
            url=picture_path(camera_id, int(row.slot_at.timestamp())),
            at=(row.taken_at or row.slot_at).timestamp(),
        )
        for camera_id, row in latest_pictures(cameras).items()
    }


def day_strip_of(camera: Camera, day: date) -> Strip:
    slots = day_strip(camera, day)
    return _strip(camera, day, slots, shown=slots)


def recent_strip_of(camera: Camera, now: datetime) -> Strip:
    """The last hours; shortly after midnight they reach into yesterday."""
    today = day_of(now)
    slots = shown = day_strip(camera, today)
    if len(slots) < _RECENT_SLOTS:
        shown = day_strip(camera, today - timedelta(days=1)) + slots
    return _strip(camera, today, slots, shown=shown[-_RECENT_SLOTS:])


def _strip(camera: Camera, day: date, slots: list[Slot], *, shown: list[Slot]) -> Strip:
    return Strip(
        day=day.isoformat(),
        slots=[_slot(camera, slot) for slot in shown],
        taken=sum(slot.has_picture for slot in slots),
        total=len(slots),
    )


def _slot(camera: Camera, slot: Slot) -> StripSlot:
    return StripSlot(
        slot=slot.unix_slot,
        taken_at=slot.taken_at.timestamp() if slot.taken_at else None,
        url=picture_path(camera.pk, slot.unix_slot) if slot.has_picture else None,
        reason=slot.reason,
    )
