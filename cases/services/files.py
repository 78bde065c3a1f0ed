"""Opening a case, and everything that is done with it but handing it out; each act leaves its row in the log."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from access.actors import Actor
from access.services.logs import record
from cameras.models import Camera
from cases.models import CaseCamera, CaseFile, CaseNote
from cases.selectors import case_slots
from protocol.errors import MalformedError
from protocol.sm2 import sm3
from snapshots.models import PictureHold
from snapshots.services.holds import begin_hold, release_hold, secure_begun

# Of one case: 40 cameras and four days are 46,000 pictures.
MOST_CAMERAS: Final = 40
MOST_MINUTES: Final = 2 * 24 * 60
LONGEST_NOTE: Final = 2000
_LONGEST_TITLE: Final = 120
# Somebody may open a case for what is announced.
_MOST_AHEAD: Final = timedelta(days=1)
# A picture of a slot may come until its slot is over, and its row a little later.
_SETTLED_PERIODS: Final = 2
_AT_ONCE: Final = 200


def open_case(
    *,
    title: str,
    road: str,
    stake_m: int,
    event_at: datetime,
    before: timedelta,
    after: timedelta,
    cameras: Sequence[Camera],
    actor: Actor,
    note: str = "",
) -> CaseFile:
    """Hold the pictures of `cameras` (organisation loaded) around `event_at`. Raises MalformedError."""
    words, stretch = _title(title), _stretch(event_at, before, after)
    _ensure_few(len(cameras))
    with transaction.atomic():
        case = CaseFile.objects.create(
            title=words, road=road, stake_m=stake_m, event_at=event_at, opened_by=actor.name[:64]
        )
        entries = [_enter(case, camera, stretch, actor) for camera in cameras]
        detail = {"摄像机": len(entries), "自": stretch[0].isoformat(), "至": stretch[1].isoformat()}
        _record(case, "新建卷宗", actor, detail)
        if note.strip():
            add_note(case=case, text=note, actor=actor)
    # After the transaction: files do not go back with it.
    secure_begun(entry.hold for entry in entries)
    return case


def add_cameras(
    *,
    case: CaseFile,
    cameras: Sequence[Camera],
    before: timedelta,
    after: timedelta,
    actor: Actor,
) -> int:
    """Further cameras, or another stretch of those that are there; how many. Raises MalformedError."""
    begins_at, ends_at = _stretch(case.event_at, before, after)
    with transaction.atomic():
        _ensure_open(case)
        there = case.cameras.select_related("hold")
        known = {(one.camera_id, one.hold.begins_at, one.hold.ends_at) for one in there}
        wanted = [camera for camera in cameras if (camera.pk, begins_at, ends_at) not in known]
        _ensure_few(len(known) + len(wanted))
        entries = [_enter(case, camera, (begins_at, ends_at), actor) for camera in wanted]
        for camera in wanted:
            detail = {"摄像机": camera.name, "编号": camera.number}
            stretch = {"自": begins_at.isoformat(), "至": ends_at.isoformat()}
            _record(case, "卷宗加入摄像机", actor, {**detail, **stretch})
    secure_begun(entry.hold for entry in entries)
    return len(entries)


@transaction.atomic
def add_note(*, case: CaseFile, text: str, actor: Actor) -> CaseNote:
    """Raises MalformedError. The log keeps the SM3 of the text: a note that was changed would no longer fit."""
    words = text.strip()
    if not words or len(words) > LONGEST_NOTE:
        raise MalformedError(f"记录应为 1 至 {LONGEST_NOTE} 字")
    note = CaseNote.objects.create(case=case, by=actor.name[:64], text=words)
    _record(case, "卷宗添加记录", actor, {"记录": note.pk, "SM3": sm3(words.encode()).hex()})
    return note


def close_case(*, case: CaseFile, actor: Actor) -> bool:
    """Nothing is released by it; False when it was closed before."""
    with transaction.atomic():
        found = CaseFile.objects.filter(pk=case.pk, closed_at=None)
        if not found.update(closed_at=timezone.now(), closed_by=actor.name[:64]):
            return False
        _record(case, "结卷", actor)
    case.refresh_from_db()
    return True


def reopen_case(*, case: CaseFile, actor: Actor) -> bool:
    """False when it is open. Raises MalformedError once its pictures are gone."""
    with transaction.atomic():
        _lock(case)
        if case.is_open:
            return False
        if case.released_at is not None:
            raise MalformedError("留存已解除的卷宗不能重新打开")
        CaseFile.objects.filter(pk=case.pk).update(closed_at=None, closed_by="")
        _record(case, "重新打开卷宗", actor)
    case.refresh_from_db()
    return True


def release_case(*, case: CaseFile, reason: str, actor: Actor) -> int:
    """Give the pictures of a closed case back to the retention; how many holds. Raises MalformedError."""
    if not reason.strip():
        raise MalformedError("请写明解除留存的原因")
    with transaction.atomic():
        _lock(case)
        if case.is_open:
            raise MalformedError("先结卷，再解除留存")
        CaseFile.objects.filter(pk=case.pk, released_at=None).update(
            released_at=timezone.now(), released_by=actor.name[:64]
        )
        _record(case, "解除卷宗留存", actor, reason=reason)
    # Each with its files: what fails is released by the next attempt.
    holds = PictureHold.objects.filter(case_camera__case=case, released_at=None).select_related("camera")
    released = sum(release_hold(hold=hold, actor=actor) for hold in list(holds))
    case.refresh_from_db()
    return released


def note_looked(*, case: CaseFile, actor: Actor) -> None:
    """Somebody opened the page of a case."""
    _record(case, "查看卷宗", actor)


def settle_gaps(*, now: datetime) -> int:
    """Keep why slots have no picture, as the rows that say so go with their day; of how many cameras."""
    period = timedelta(seconds=settings.SNAPSHOT_PERIOD_SECONDS)
    open_ones = CaseCamera.objects.filter(gaps__isnull=True, hold__ends_at__lt=now - _SETTLED_PERIODS * period)
    entries = list(open_ones.order_by("pk").select_related("hold", "camera")[:_AT_ONCE])
    slots = case_slots(entries)
    for entry in entries:
        entry.gaps = [[slot.unix, slot.reason] for slot in slots[entry.pk] if slot.reason]
        entry.save(update_fields=["gaps"])
    return len(entries)


def _title(text: str) -> str:
    words = text.strip()
    if not words or len(words) > _LONGEST_TITLE:
        raise MalformedError(f"请写明事件，至多 {_LONGEST_TITLE} 字")
    return words


def _stretch(event_at: datetime, before: timedelta, after: timedelta) -> tuple[datetime, datetime]:
    most = timedelta(minutes=MOST_MINUTES)
    if not (timedelta(0) <= before <= most and timedelta(0) <= after <= most) or not before + after:
        raise MalformedError(f"前后的分钟数应为 0 至 {MOST_MINUTES}，不同时为 0")
    if event_at > timezone.now() + _MOST_AHEAD:
        raise MalformedError("发生时间至多晚于现在一天")
    return event_at - before, event_at + after


def _ensure_few(number: int) -> None:
    if not 0 < number <= MOST_CAMERAS:
        raise MalformedError(f"一份卷宗应有 1 至 {MOST_CAMERAS} 路摄像机")


def _ensure_open(case: CaseFile) -> None:
    _lock(case)
    if not case.is_open:
        raise MalformedError("卷宗已结，先重新打开")


def _lock(case: CaseFile) -> None:
    """Two who close and release at once come one after the other."""
    case.refresh_from_db(from_queryset=CaseFile.objects.select_for_update())


def _enter(case: CaseFile, camera: Camera, stretch: tuple[datetime, datetime], actor: Actor) -> CaseCamera:
    hold = begin_hold(
        camera=camera,
        begins_at=stretch[0],
        ends_at=stretch[1],
        reason=f"卷宗 {case.number} {case.title}",
        actor=actor,
    )
    office = camera.organisation
    return CaseCamera.objects.create(
        case=case,
        camera=camera,
        hold=hold,
        added_by=actor.name[:64],
        number=camera.number,
        name=camera.name,
        road=camera.road,
        stake=camera.stake,
        stake_m=camera.stake_m,
        direction=camera.get_orientation_display(),
        organisation=(f"{office.parent.name} / {office.name}" if office.parent else office.name)[:200],
    )


def _record(
    case: CaseFile,
    verb: str,
    actor: Actor,
    detail: Mapping[str, object] | None = None,
    *,
    reason: str = "",
) -> None:
    record(
        actor,
        verb,
        object_kind="case",
        object_id=case.pk,
        object_name=str(case),
        detail=detail,
        reason=reason,
    )
