"""The records of a case as rows, for CSV and for the page that lies beside them."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from django.db.models import QuerySet

from access.csv_rows import Cell
from access.days import ZONE
from access.models import User
from cases import records
from cases.models import CaseCamera, CaseFile

Row = list[Cell]

_CAMERA = ["摄像机", "编号", "路线", "桩号", "方向"]


def entries_of(case: CaseFile) -> QuerySet[CaseCamera]:
    return case.cameras.select_related("hold", "camera__organisation")


def clock(at: datetime | None) -> str:
    return f"{at.astimezone(ZONE):%Y-%m-%d %H:%M:%S}" if at else ""


def gap_row(entry: CaseCamera, slot: str, reason: str) -> Row:
    return [*_camera(entry), slot, reason]


def tables_of(
    user: User, case: CaseFile, entries: Sequence[CaseCamera], gaps: Iterable[Row], now: datetime
) -> Iterator[tuple[str, Iterator[Row]]]:
    """For `user`, as it is `now`: name and rows of each CSV; rows are read while they are written."""
    yield "摄像机", _cameras(entries)
    yield "云台", _ptz(entries)
    yield "观看", _viewings(entries)
    yield "状态", _statuses(entries, now)
    yield "告警", _alarms(user, entries)
    yield "缺失时段", _with_head([*_CAMERA, "时段", "原因"], gaps)
    yield "记录", _notes(case)


def shown_tables(user: User, entries: Sequence[CaseCamera], now: datetime) -> dict[str, object]:
    """The same for the page, which tells of cameras only when they were not online."""
    return {
        "orders": records.ptz_orders(entries),
        "viewings": _named(entries),
        "away": [period for period in records.status_periods(entries, now) if not period.is_online],
        "alarms": records.alarms(user, entries),
    }


def _named(entries: Sequence[CaseCamera]) -> list[tuple[str, records.ViewingRecord]]:
    names = {entry.camera_id: entry.name for entry in entries}
    return [(names[record.camera_id], record) for record in records.viewings(entries)]


def _camera(entry: CaseCamera) -> Row:
    return [entry.name, entry.number, entry.road, entry.stake, entry.direction]


def _with_head(head: Sequence[str], rows: Iterable[Row]) -> Iterator[Row]:
    yield list(head)
    yield from rows


def _cameras(entries: Sequence[CaseCamera]) -> Iterator[Row]:
    yield [*_CAMERA, "单位", "截图自", "截图至", "加入人", "加入时间", "解除留存人", "解除留存时间"]
    for entry in entries:
        hold = entry.hold
        stretch = [clock(hold.begins_at), clock(hold.ends_at)]
        released = [hold.released_by, clock(hold.released_at)]
        yield [*_camera(entry), entry.organisation, *stretch, entry.added_by, clock(entry.added_at), *released]


def _ptz(entries: Sequence[CaseCamera]) -> Iterator[Row]:
    by_camera = {entry.camera_id: entry for entry in entries}
    yield ["时间", *_CAMERA, "操作者", "级别", "来源地址", "动作", "步长", "结果", "说明", "用时毫秒"]
    for order in records.ptz_orders(entries).iterator(chunk_size=2000):
        yield [
            clock(order.at),
            *_camera(by_camera[order.camera_id]),
            order.actor_name,
            order.get_level_display(),
            order.address,
            order.get_action_display(),
            order.step,
            order.get_outcome_display(),
            order.message,
            order.duration_ms,
        ]


def _viewings(entries: Sequence[CaseCamera]) -> Iterator[Row]:
    by_camera = {entry.camera_id: entry for entry in entries}
    yield ["时间", *_CAMERA, "操作", "操作者", "来源地址", "明细"]
    for record in records.viewings(entries):
        who = [record.actor, record.address, record.detail]
        yield [clock(record.at), *_camera(by_camera[record.camera_id]), record.what, *who]


def _statuses(entries: Sequence[CaseCamera], now: datetime) -> Iterator[Row]:
    yield [*_CAMERA, "自", "至", "状态", "说明"]
    for period in records.status_periods(entries, now):
        stretch = [clock(period.begins_at), f"{clock(period.ends_at)}{'（至导出时）' if period.is_last else ''}"]
        yield [*_camera(period.entry), *stretch, period.status, period.reason]


def _alarms(user: User, entries: Sequence[CaseCamera]) -> Iterator[Row]:
    yield ["发生时间", "恢复时间", "级别", "告警", "说明", "单位"]
    for alarm in records.alarms(user, entries):
        office = alarm.organisation.name if alarm.organisation else ""
        times = [clock(alarm.began_at), clock(alarm.closed_at)]
        yield [*times, alarm.get_severity_display(), alarm.title, alarm.message, office]


def _notes(case: CaseFile) -> Iterator[Row]:
    yield ["时间", "记录人", "记录"]
    for note in case.notes.all():
        yield [clock(note.at), note.by, note.text]
