"""What the platform wrote down of the cameras of a case in its time: PTZ, viewing, status, alarms."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from access.days import ZONE
from access.log_words import detail_line
from access.models import Alarm, BehaviourLog, User
from cameras.choices import OnlineStatus
from cameras.models import StatusChange
from cases.models import CaseCamera
from incidents.models import IncidentCamera
from incidents.selectors import alarms_told_to
from incidents.services.telling import worded_for
from ptz.models import PtzOrder
from streaming.models import Viewing
from streaming.selectors import viewer_names

# As streaming.services.viewing_log and snapshots.services write them.
_BEGUN, _ENDED, _SAVED = "查看视频", "结束观看", "下载截图"
# A viewing that ended later may have begun before: no further back than this.
_LONGEST_VIEWING = timedelta(days=1)
_UNKNOWN = "未知"
# As 截图回看 calls the time before a camera was entered.
_NOT_THERE = "当时不在台账中"


@dataclass(frozen=True)
class ViewingRecord:
    """Who looked at a camera; `at` is when that was done: of an end its end, of what lasts its beginning."""

    camera_id: int
    at: datetime
    what: str
    actor: str
    address: str
    detail: str


@dataclass(frozen=True)
class StatusPeriod:
    """What a camera was, from when to when, within the time of the case.

    `is_last`: the time of the case goes on, and nothing is known beyond `ends_at`.
    """

    entry: CaseCamera
    begins_at: datetime
    ends_at: datetime
    status: str
    reason: str
    is_last: bool = False

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


def status_periods(entries: Sequence[CaseCamera], now: datetime) -> list[StatusPeriod]:
    """By camera, in order; the first one is what it was when its stretch began. None reaches beyond `now`."""
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
        periods += _periods(entry, first.get(entry.camera_id), changes, now)
    return periods


def alarms(user: User, entries: Sequence[CaseCamera]) -> list[Alarm]:
    """Of the organisations that keep the cameras, and of incidents that took the cameras along, whosever they are; as
    far as `user` sees them. Others of the whole province say nothing of a camera.
    """
    condition, taken = Q(pk__in=[]), Q(pk__in=[])
    for entry in entries:
        hold = entry.hold
        path = [int(part) for part in entry.camera.organisation.path.strip("/").split("/")][1:]
        lasting = Q(closed_at=None) | Q(closed_at__gte=hold.begins_at)
        condition |= Q(lasting, organisation__in=path, began_at__lt=hold.ends_at)
        away = Q(left_at=None) | Q(left_at__gte=hold.begins_at)
        taken |= Q(away, camera=entry.camera_id, since__lt=hold.ends_at)
    members = IncidentCamera.objects.filter(taken, incident__alarm=OuterRef("pk"))
    found = alarms_told_to(user).filter(condition | Exists(members))
    return worded_for(user, found.select_related("organisation").order_by("began_at", "pk"))


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


def _logged(row: BehaviourLog, began: str = "") -> ViewingRecord:
    detail = "，".join(filter(None, [began, detail_line(row.detail)]))
    return ViewingRecord(int(row.object_id), row.at, row.verb, row.actor_name, row.address or "", detail)


def _ended(entries: Sequence[CaseCamera]) -> Iterator[ViewingRecord]:
    for row in _logs(entries, (_ENDED,), after=_LONGEST_VIEWING):
        seconds = row.detail.get("秒")
        began_at = row.at - timedelta(seconds=seconds) if isinstance(seconds, int) else row.at
        own = [entry.hold for entry in entries if entry.camera_id == int(row.object_id)]
        if any(began_at < hold.ends_at and row.at >= hold.begins_at for hold in own):
            yield _logged(row, f"{began_at.astimezone(ZONE):%m-%d %H:%M:%S} 起")


def _lasting(entries: Sequence[CaseCamera]) -> Iterator[ViewingRecord]:
    ends = {entry.camera_id: entry.hold.ends_at for entry in entries}
    rows = [row for row in Viewing.objects.filter(camera__in=ends) if row.began_at < ends[row.camera_id]]
    names = viewer_names(row.uid for row in rows)
    for row in rows:
        detail = detail_line({"方式": row.protocol, "码流": str(row.get_video_type_display())})
        who = names.get(row.uid, _UNKNOWN)
        yield ViewingRecord(row.camera_id, row.began_at, "正在观看", who, row.address or "", detail)


def _periods(
    entry: CaseCamera, first: StatusChange | None, changes: Iterable[StatusChange], now: datetime
) -> Iterator[StatusPeriod]:
    begins_at, ends_at = entry.hold.begins_at, min(entry.hold.ends_at, now)
    last = first
    for change in changes:
        if change.at <= begins_at:
            last = change
        elif change.at < ends_at:
            yield from _period(entry, begins_at, change.at, last)
            begins_at, last = change.at, change
    if begins_at < ends_at:
        *before, final = _period(entry, begins_at, ends_at, last)
        yield from before
        yield replace(final, is_last=ends_at < entry.hold.ends_at)


def _period(
    entry: CaseCamera, begins_at: datetime, ends_at: datetime, change: StatusChange | None
) -> Iterator[StatusPeriod]:
    """One, or two where the camera was entered meanwhile."""
    if change is not None:
        yield StatusPeriod(entry, begins_at, ends_at, change.get_status_display(), change.reason)
        return
    entered_at = min(max(begins_at, entry.camera.created_at), ends_at)
    if begins_at < entered_at:
        yield StatusPeriod(entry, begins_at, entered_at, _NOT_THERE, "")
    if entered_at < ends_at:
        yield StatusPeriod(entry, entered_at, ends_at, _UNKNOWN, "")
