"""Pictures held for a case (留存): copied out of their day, so that the day itself still goes as a whole."""

import logging
import time
from collections import deque
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from access.actors import Actor
from access.days import day_start
from access.services.alarms import close_alarm, raise_alarm
from access.services.logs import record
from cameras.models import Camera
from protocol.errors import MalformedError
from snapshots.capture.store import held_folder, held_name, name_of
from snapshots.choices import SnapshotResult
from snapshots.models import HeldPicture, PictureHold, Snapshot
from snapshots.slots import slot_at, unix_slot
from snapshots.storage.contract import pictures

logger = logging.getLogger(__name__)

# Of one hold; a longer case has several.
MOST_DAYS = 31
# A picture of a slot may come until its slot is over, and its row a little later.
_SETTLED_PERIODS = 2
# One bad picture is no failing storage; a storage that fails costs seconds for each.
_MOST_FAILURES = 3
# For copying, while somebody waits for the answer, and of one hourly run, which has days to drop besides.
_WAIT_SECONDS, _RUN_SECONDS = 3.0, 120.0
HELD_ALARM = "snapshots:held"


def hold_pictures(
    *, camera: Camera, begins_at: datetime, ends_at: datetime, reason: str, actor: Actor
) -> PictureHold:
    """Keep the pictures of a camera from `begins_at` up to `ends_at`, which may lie ahead, until they are released.

    Raises MalformedError. What cannot be copied now is copied within the hour, and its day stays until it is.
    """
    with transaction.atomic():
        hold = begin_hold(
            camera=camera, begins_at=begins_at, ends_at=ends_at, reason=reason, actor=actor
        )
    secure_begun([hold])
    return hold


def begin_hold(
    *, camera: Camera, begins_at: datetime, ends_at: datetime, reason: str, actor: Actor
) -> PictureHold:
    """The promise alone, for a transaction that makes several; `secure_begun` after it. Raises MalformedError."""
    check_hold(begins_at, ends_at, reason)
    hold = PictureHold.objects.create(
        camera=camera, begins_at=begins_at, ends_at=ends_at, reason=reason[:200], held_by=actor.name[:64]
    )
    record(
        actor,
        "留存截图",
        object_kind="camera",
        object_id=camera.pk,
        object_name=camera.name,
        reason=reason,
        detail={"hold": hold.pk, "from": begins_at.isoformat(), "to": ends_at.isoformat()},
    )
    return hold


def secure_begun(holds: Iterable[PictureHold]) -> None:
    """Copy what is there as long as somebody waits for a page; the rest within the hour."""
    now, until = timezone.now(), time.monotonic() + _WAIT_SECONDS
    for hold in holds:
        _try_to_secure(hold, now, until=until)


def check_hold(begins_at: datetime, ends_at: datetime, reason: str) -> None:
    """Raises MalformedError."""
    if not reason.strip():
        raise MalformedError("请写明留存的事由")
    if not begins_at < ends_at <= begins_at + timedelta(days=MOST_DAYS):
        raise MalformedError(f"留存的时段应有先后，且不超过 {MOST_DAYS} 天")


def release_hold(*, hold: PictureHold, actor: Actor) -> bool:
    """Its pictures go, those within the retention stay where they were; False when it was released before."""
    with transaction.atomic():
        active = PictureHold.objects.filter(pk=hold.pk, released_at=None)
        if not active.update(released_at=timezone.now(), released_by=actor.name[:64]):
            return False
        record(
            actor,
            "解除截图留存",
            object_kind="camera",
            object_id=hold.camera_id,
            object_name=hold.camera.name,
            reason=hold.reason,
            detail={"hold": hold.pk},
        )
    _drop_released()
    hold.refresh_from_db()
    return True


def secure_holds(*, now: datetime) -> None:
    """Copy what came since the last time for all holds, and delete what was released.

    What one run has no time for is left to the next; until then its days stay.
    """
    until = time.monotonic() + _RUN_SECONDS
    failed = [
        hold
        for hold in PictureHold.objects.filter(released_at=None, begins_at__lt=now)
        if not _is_secured(hold) and not _try_to_secure(hold, now, until=until)
    ]
    _tell(failed)
    _drop_released()


def _tell(failed: list[PictureHold]) -> None:
    if not failed:
        close_alarm(key=HELD_ALARM)
        return
    raise_alarm(
        key=HELD_ALARM,
        title="留存的截图无法复制",
        message=f"共 {len(failed)} 项，第一项是 {failed[0].camera.name}；复制完成之前这些天的截图都不删除，请检查存储",
    )


def unsecured_days(days: Iterable[date]) -> set[date]:
    """Those of these days that have pictures of a hold which are not copied yet."""
    holds = [hold for hold in PictureHold.objects.filter(released_at=None) if not _is_secured(hold)]
    return {day for day in days if any(_needs(hold, day) for hold in holds)}


def _needs(hold: PictureHold, day: date) -> bool:
    first = max(hold.begins_at, hold.secured_until or hold.begins_at)
    return first < day_start(day + timedelta(days=1)) and hold.ends_at > day_start(day)


def _is_secured(hold: PictureHold) -> bool:
    return hold.secured_until is not None and hold.secured_until >= hold.ends_at


def _try_to_secure(hold: PictureHold, now: datetime, *, until: float) -> bool:
    """False when some could not be copied; the others are, and are not copied again."""
    period: int = settings.SNAPSHOT_PERIOD_SECONDS
    settled = slot_at(unix_slot(now) - (_SETTLED_PERIODS - 1) * period)
    rows = _to_copy(hold, min(hold.ends_at, settled))
    failed: list[Snapshot] = []
    while rows and len(failed) < _MOST_FAILURES and time.monotonic() < until:
        row = rows.popleft()
        try:
            _copy(hold, row)
        except OSError:
            failed.append(row)
            logger.exception("a picture of hold %s could not be copied, its day stays until it is", hold.pk)
    left = [*failed, *rows]
    # All before this moment are taken care of.
    _count(hold, left[0].slot_at if left else min(hold.ends_at, settled))
    return not failed


def _to_copy(hold: PictureHold, end: datetime) -> deque[Snapshot]:
    # A slot belongs to the hold when any of its time does.
    first = hold.secured_until or slot_at(unix_slot(hold.begins_at))
    rows = Snapshot.objects.filter(
        camera=hold.camera_id, slot_at__gte=first, slot_at__lt=end, result=SnapshotResult.TAKEN
    )
    held = HeldPicture.objects.filter(hold=hold, slot_at__gte=first).values("slot_at")
    return deque(rows.exclude(slot_at__in=held).order_by("slot_at"))


def _copy(hold: PictureHold, row: Snapshot) -> None:
    try:
        pictures().copy(name_of(row.camera_id, row.slot_at, row.keep_days), held_name(hold.pk, row.slot_at))
    except FileNotFoundError:
        logger.warning("the picture of camera %s at %s is missing", row.camera_id, row.slot_at)
        return
    HeldPicture.objects.get_or_create(
        hold=hold,
        camera_id=row.camera_id,
        slot_at=row.slot_at,
        defaults={
            "taken_at": row.taken_at or row.slot_at,
            "size_bytes": row.size_bytes or 0,
            "width": row.width or 0,
            "height": row.height or 0,
        },
    )


def _count(hold: PictureHold, reached: datetime) -> None:
    sizes = HeldPicture.objects.filter(hold=hold).values_list("size_bytes", flat=True)
    hold.secured_until = max(reached, hold.secured_until or reached)
    hold.pictures, hold.size_bytes = len(sizes), sum(sizes)
    hold.save(update_fields=["secured_until", "pictures", "size_bytes"])


def _drop_released() -> None:
    """The files first: a row that stays is found again by the next call."""
    released = PictureHold.objects.filter(released_at__isnull=False, held__isnull=False).distinct()
    for hold in released:
        try:
            pictures().drop(held_folder(hold.pk), until=float("inf"))
        except OSError:
            logger.exception("the pictures of hold %s are deleted later", hold.pk)
            continue
        HeldPicture.objects.filter(hold=hold).delete()
