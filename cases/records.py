"""What the platform wrote down of the cameras of a case in its time: PTZ, viewing, status, alarms."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from access.models import Alarm, BehaviourLog, User
from cameras.choices import OnlineStatus
from cameras.models import StatusChange
from cameras.visibility import alarms_visible_to
from cases.models import CaseCamera
from ptz.models import PtzOrder
from streaming.models import Viewing

# As streaming.services.viewing_log and snapshots.services write them.
_BEGUN, _ENDED, _SAVED = "查看视频", "结束观看", "下载截图"
# A viewing that ended later may have begun before: no further back than this.
_LONGEST_VIEWING = timedelta(days=1)
_UNKNOWN = "未知"


@dataclass(frozen=True)
class ViewingRecord:
    """Who looked at a camera; `at` is when it began where that is known."""

    camera_id: int
    at: datetime
    what: str
    actor: str
    address: str
    detail: str


@dataclass(frozen=True)
class StatusPeriod:
    """What a camera was, from when to when, within the time of the case."""

    entry: CaseCamera
    begins_at: datetime
    ends_at: datetime
    status: str
    reason: str

    @property
    def is_online(self) -> bool:
        return self.status == OnlineStatus.ONLINE.label


def ptz_orders(entries: Sequence[CaseCamera]) -> QuerySet[PtzOrder]:
    return PtzOrder.objects.filter(_within(entries, "at")).select_related("camera").order_by("at", "pk")


def viewings(entries: Sequence[CaseCamera]) -> list[ViewingRecord]:
    """By time: beginnings and downloads within the time of a case, viewings that reach into it, and those that last."""
    found = [
        *(_logged(row) for row in _logs(entries, (_BEGUN, _SAVED), after=timedelta(0))),
        *_ended(entries),
        *_lasting(entries),
    ]
    return sorted(found, key=lambda record: (record.at, record.camera_id, record.what))


def status_periods(entries: Sequence[CaseCamera]) -> list[StatusPeriod]:
    """By camera, in order; the first one is what it was when its stretch began."""
    ids = {entry.camera_id for entry in entries}
    periods: list[StatusPeriod] = []
    if not entries:
        return periods
    end = max(entry.hold.ends_at for entry in entries)
    begin = min(entry.hold.begins_at for entry in entries)
    within = list(
        StatusChange.objects.filter(camera__in=ids, at__gt=begin, at__lt=end).order_by("camera_id", "at", "pk")
    )
    before = StatusChange.objects.filter(camera__in=ids, at__lte=begin)
    first = {row.camera_id: row for row in before.order_by("camera_id", "-at", "-pk").distinct("camera_id")}
    for entry in entries:
        changes = [row for row in within if row.camera_id == entry.camera_id]
        periods += _periods(entry, first.get(entry.camera_id), changes)
    return periods


def alarms(user: User, entries: Sequence[CaseCamera]) -> QuerySet[Alarm]:
    """Of the organisations that keep the cameras, as far as `user` sees them; those of the whole province say nothing
    of a camera.
    """
    condition = Q(pk__in=[])
    for entry in entries:
        path = [int(part) for part in entry.camera.organisation.path.strip("/").split("/")][1:]
        lasting = Q(closed_at=None) | Q(closed_at__gte=entry.hold.begins_at)
        condition |= Q(lasting, organisation__in=path, began_at__lt=entry.hold.ends_at)
    return alarms_visible_to(user).filter(condition).select_related("organisation").order_by("began_at", "pk")


def _within(entries: Iterable[CaseCamera], field: str) -> Q:
    condition = Q(pk__in=[])
    for entry in entries:
        stretch = {f"{field}__gte": entry.hold.begins_at, f"{field}__lt": entry.hold.ends_at}
        condition |= Q(camera=entry.camera_id, **stretch)
    return condition


def _logs(
    entries: Iterable[CaseCamera], verbs: Sequence[str], *, after: timedelta
) -> QuerySet[BehaviourLog]:
    condition = Q(pk__in=[])
    for entry in entries:
        stretch = (entry.hold.begins_at, entry.hold.ends_at + after)
        condition |= Q(object_id=str(entry.camera_id), at__range=stretch)
    return BehaviourLog.objects.filter(condition, object_kind="camera", verb__in=verbs).order_by("pk")


def _logged(row: BehaviourLog, at: datetime | None = None) -> ViewingRecord:
    detail = "，".join(f"{name} {value}" for name, value in row.detail.items())
    address = row.address or ""
    return ViewingRecord(int(row.object_id), at or row.at, row.verb, row.actor_name, address, detail)


def _ended(entries: Sequence[CaseCamera]) -> Iterator[ViewingRecord]:
    for row in _logs(entries, (_ENDED,), after=_LONGEST_VIEWING):
        seconds = row.detail.get("秒")
        began_at = row.at - timedelta(seconds=seconds) if isinstance(seconds, int) else row.at
        own = [entry.hold for entry in entries if entry.camera_id == int(row.object_id)]
        if any(began_at < hold.ends_at and row.at >= hold.begins_at for hold in own):
            yield _logged(row, began_at)


def _lasting(entries: Sequence[CaseCamera]) -> Iterator[ViewingRecord]:
    ends = {entry.camera_id: entry.hold.ends_at for entry in entries}
    for row in Viewing.objects.filter(camera__in=ends).order_by("began_at", "pk"):
        if row.began_at < ends[row.camera_id]:
            detail = f"码流 {row.get_video_type_display()}，方式 {row.protocol}，取得者 {row.uid}"
            yield ViewingRecord(
                row.camera_id, row.began_at, "正在观看", row.uid, row.address or "", detail
            )


def _periods(
    entry: CaseCamera, first: StatusChange | None, changes: Iterable[StatusChange]
) -> Iterator[StatusPeriod]:
    begins_at, hold = entry.hold.begins_at, entry.hold
    last = first
    for change in changes:
        if change.at <= begins_at:
            last = change
        elif change.at < hold.ends_at:
            yield _period(entry, begins_at, change.at, last)
            begins_at, last = change.at, change
    yield _period(entry, begins_at, hold.ends_at, last)


def _period(
    entry: CaseCamera, begins_at: datetime, ends_at: datetime, change: StatusChange | None
) -> StatusPeriod:
    if change is None:
        return StatusPeriod(entry, begins_at, ends_at, _UNKNOWN, "")
    return StatusPeriod(entry, begins_at, ends_at, change.get_status_display(), change.reason)
