"""Reads of pictures and gaps."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import starmap
from typing import Any

import msgspec
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField, Func, OuterRef, QuerySet, Subquery
from django.utils import timezone

from access.days import day_of, day_start
from cameras.models import Camera
from snapshots.choices import SnapshotResult
from snapshots.models import HeldPicture, Snapshot
from snapshots.slots import oldest_kept_day, slot_at, unix_slot, unix_slots

# Rows fetched at a time; half a million never lie in memory together.
CHUNK = 2000
# Cameras of one statement when many pictures are asked for.
_MOST_STRIP = 2000
# End of the year 9999.
_LAST_SECOND = 253_402_300_799


@dataclass(frozen=True)
class Slot:
    """One slot of one camera. `reason` is empty where there is a picture."""

    slot_at: datetime
    taken_at: datetime | None
    result: SnapshotResult
    reason: str

    @property
    def unix_slot(self) -> int:
        return int(self.slot_at.timestamp())

    @property
    def has_picture(self) -> bool:
        return self.result == SnapshotResult.TAKEN


class PictureEntry(msgspec.Struct, frozen=True, gc=False):
    """One picture as the SnapShot verb tells it; times are unix seconds. There may be half a million of them."""

    camera_id: int
    camera_num: str
    slot: int
    taken: int


def day_strip(camera: Camera, day: date) -> list[Slot]:
    """Every slot of a day in which the camera was in the ledger, in order; one without a row is a gap as well.

    Of a day that was dropped: the pictures that are held for a case.
    """
    first_at, end_at = day_start(day), day_start(day + timedelta(days=1))
    rows = Snapshot.objects.filter(camera=camera, slot_at__gte=first_at, slot_at__lt=end_at)
    known = {row.unix_slot: row for row in rows}
    if not known and day < oldest_kept_day(day_of(timezone.now())):
        held = held_pictures(camera).filter(slot_at__gte=first_at, slot_at__lt=end_at)
        # Two cases may hold the same picture.
        taken = dict(held.order_by("slot_at").values_list("slot_at", "taken_at"))
        return [Slot(at, taken_at, SnapshotResult.TAKEN, "") for at, taken_at in taken.items()]
    first, present = unix_slot(camera.created_at), unix_slot(timezone.now())
    # The present slot may still get its picture.
    return [
        _slot(unix, known.get(unix)) for unix in unix_slots(day) if unix in known or first <= unix < present
    ]


def _slot(unix: int, row: Snapshot | None) -> Slot:
    if row is None:
        return Slot(slot_at(unix), None, SnapshotResult.NOT_RUN, SnapshotResult.NOT_RUN.label)
    result = SnapshotResult(row.result)
    reason = "" if row.has_picture else result.label
    return Slot(row.slot_at, row.taken_at, result, reason)


def latest_pictures(cameras: Iterable[Camera]) -> dict[int, Slot]:
    """By camera id; cameras without any picture are missing."""
    entries = latest_of(Camera.objects.filter(pk__in=[camera.pk for camera in cameras]))
    return {
        entry.camera_id: Slot(slot_at(entry.slot), slot_at(entry.taken), SnapshotResult.TAKEN, "")
        for entry in entries
    }


def latest_of(cameras: QuerySet[Camera]) -> Iterator[PictureEntry]:
    """The latest picture of each camera that has one, by camera: one index look-up each."""
    # A clock that was wrong once may not hide what is taken since.
    until = timezone.now() + timedelta(seconds=settings.SNAPSHOT_PERIOD_SECONDS)
    taken = Snapshot.objects.filter(camera=OuterRef("pk"), result=SnapshotResult.TAKEN, slot_at__lte=until)
    newest = taken.order_by("-slot_at")
    pair = Func(
        _Epoch("slot_at"),
        _Epoch("taken_at"),
        template="ARRAY[%(expressions)s]",
        output_field=ArrayField(BigIntegerField()),
    )
    # Cameras without a picture are left out here: in SQL each look-up would be made twice.
    rows = cameras.order_by("pk").annotate(latest=Subquery(newest.values(pair=pair)[:1]))
    for pk, number, latest in rows.values_list("pk", "number", "latest").iterator(chunk_size=CHUNK):
        if latest is not None:
            yield PictureEntry(pk, number, *latest)


def pictures_between(cameras: QuerySet[Camera], start: float, end: float) -> Iterator[PictureEntry]:
    """Pictures taken from unix second `start` to `end`, both included, by camera, then time.

    Strip by strip of cameras: as one answer, the database would put millions of rows aside before it gave the first.
    """
    first, last = slot_at(int(start)), slot_at(min(int(end) + 1, _LAST_SECOND))
    # The slot finds partitions and index, the time of the picture decides.
    rows = Snapshot.objects.filter(
        slot_at__gte=slot_at(unix_slot(first) - settings.SNAPSHOT_PERIOD_SECONDS),
        slot_at__lt=last,
        taken_at__gte=first,
        taken_at__lt=last,
        result=SnapshotResult.TAKEN,
    ).order_by("camera_id", "slot_at")
    ids = list(cameras.order_by("pk").values_list("pk", flat=True))
    slots = (last - first).total_seconds() // settings.SNAPSHOT_PERIOD_SECONDS + 1
    begin, strip = 0, max(1, min(_MOST_STRIP, int(CHUNK // slots)))
    while begin < len(ids):
        columns = rows.filter(camera__in=ids[begin : begin + strip])
        found = list(
            columns.values_list("camera_id", "camera__number", _Epoch("slot_at"), _Epoch("taken_at"))
        )
        yield from starmap(PictureEntry, found)
        begin += strip
        # As many cameras as give some thousand rows, whatever the time asked for.
        strip = max(1, min(_MOST_STRIP, strip * CHUNK // max(1, len(found))))


def pictures_at(slots: Iterable[tuple[int, int]]) -> dict[tuple[int, int], datetime]:
    """Of these pairs of camera id and unix slot those with a picture, and when it was taken."""
    wanted = set(slots)
    rows = Snapshot.objects.filter(
        camera__in={camera_id for camera_id, _ in wanted},
        slot_at__in={slot_at(unix) for _, unix in wanted},
        result=SnapshotResult.TAKEN,
    )
    found = {(row.camera_id, row.unix_slot): row.taken_at or row.slot_at for row in rows}
    return {pair: taken_at for pair, taken_at in found.items() if pair in wanted}


class _Epoch(Func):
    """A time as whole unix seconds."""

    template = "floor(extract(epoch from %(expressions)s))::bigint"
    output_field = BigIntegerField()

    def get_db_converters(self, connection: object) -> list[Any]:
        # Django would call int() on each of a million integers.
        return []


def find_picture(camera_id: int, unix: int) -> Snapshot | None:
    """None for a gap, and for what is no slot or no camera at all."""
    if (moment := _moment(camera_id, unix)) is None:
        return None
    return Snapshot.objects.filter(camera_id=camera_id, slot_at=moment, result=SnapshotResult.TAKEN).first()


def find_held_picture(camera_id: int, unix: int) -> HeldPicture | None:
    """One that is held for a case; its day may have been dropped long ago."""
    if (moment := _moment(camera_id, unix)) is None:
        return None
    held = HeldPicture.objects.filter(camera_id=camera_id, slot_at=moment, hold__released_at=None)
    return held.select_related("hold__camera__organisation").order_by("hold").first()


def held_pictures(camera: Camera) -> QuerySet[HeldPicture]:
    """Those of holds that were not released; one of several holds comes several times."""
    return HeldPicture.objects.filter(camera=camera, hold__released_at=None)


def _moment(camera_id: int, unix: int) -> datetime | None:
    try:
        moment = slot_at(unix)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if camera_id <= BigIntegerField.MAX_BIGINT else None
