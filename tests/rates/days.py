"""Cameras with a past: what a day of slots, statuses and verdicts looks like in the database."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from access.days import day_of, day_start
from cameras.choices import OnlineStatus, StatusSource
from cameras.models import Camera, StatusChange
from quality.choices import ALL_GOOD, QualitySource
from quality.models import QualityChange
from snapshots.choices import SnapshotResult
from snapshots.models import Snapshot
from snapshots.services.partitions import ensure_day

# 00:00 to 24:00 in Shanghai.
DAY = day_of(datetime(2026, 11, 21, 4, tzinfo=UTC))
BEGIN = day_start(DAY)
END = BEGIN + timedelta(days=1)
# An hour and more after it: what is counted now stays.
LATER = END + timedelta(minutes=92)
SLOT = timedelta(minutes=5)
SLOTS = 288
BLURRED = "000100000"


def slot(number: int, seconds: int = 0) -> datetime:
    """`seconds` after the beginning of slot `number` of the day."""
    return BEGIN + number * SLOT + timedelta(seconds=seconds)


def register(camera: Camera, at: datetime = BEGIN - timedelta(days=9), **fields: object) -> None:
    Camera.objects.filter(pk=camera.pk).update(created_at=at, **fields)
    camera.refresh_from_db()
    ensure_day(DAY)


def take(
    camera: Camera, numbers: Iterable[int], result: SnapshotResult = SnapshotResult.TAKEN
) -> None:
    """Rows of these slots of the day."""
    Snapshot.objects.bulk_create(
        Snapshot(
            camera=camera,
            slot_at=slot(number),
            taken_at=slot(number, 20) if result == SnapshotResult.TAKEN else None,
            result=result,
        )
        for number in numbers
    )


def status(camera: Camera, *changes: tuple[datetime, OnlineStatus]) -> None:
    StatusChange.objects.bulk_create(
        StatusChange(camera=camera, at=at, status=value, source=StatusSource.STREAM) for at, value in changes
    )


def flag(camera: Camera, changes: Mapping[datetime, str]) -> None:
    """What holds from when on; the row of what holds now is left to the test."""
    before = ALL_GOOD
    for at, after in sorted(changes.items()):
        QualityChange.objects.create(
            camera=camera, at=at, before=before, after=after, source=QualitySource.DIAGNOSIS
        )
        before = after
