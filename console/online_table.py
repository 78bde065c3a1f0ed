"""在线统计 as rows of a CSV: figures as numbers, so that a spreadsheet calculates with them."""

from collections.abc import Iterator
from typing import Final

from django.db.models import QuerySet, Sum

from access.csv_rows import Cell
from access.models import User
from cameras.selectors import cameras_visible_to
from console.online import OnlineView, RateRow
from rates.models import CameraDay
from rates.selectors import COUNTED, Counts, in_percent

_FIGURES: Final = [
    *("应计时段", "未计时段", "报告在线时段", "有画面时段", "画面良好时段", "报告在线而无画面时段"),
    *("报告在线率%", "真实在线率%", "画面良好率%", "离线秒数", "掉线次数"),
]
_CAMERA: Final = {
    "camera__number": "摄像机编号",
    "camera__name": "名称",
    "organisation__name": "单位",
    "road": "路线",
    "camera__stake": "桩号",
    "gateway__code": "网关编号",
}


def rate_table(view: OnlineView) -> Iterator[list[Cell]]:
    told = ["此刻报告在线", f"{view.platform}确认在线", "不一致"] if view.platform else []
    yield ["名称", "摄像机", *_FIGURES, *told]
    for row in (*view.rows, view.total):
        yield [row.name, row.counts.cameras, *_figures(row.counts), *_told(row)]


def _told(row: RateRow) -> list[Cell]:
    return [row.reported.ours, row.reported.theirs, row.reported.differing] if row.reported else []


def camera_table(user: User, days: QuerySet[CameraDay]) -> Iterator[list[Cell]]:
    """A row for each camera that can be looked at; 20,000 of them never lie in memory together."""
    yield [*_CAMERA.values(), *_FIGURES]
    shown = days.filter(camera__in=cameras_visible_to(user).order_by())
    rows = shown.order_by("road", "camera__stake_m", "camera_id").values_list(*_CAMERA, "camera_id")
    sums = rows.annotate(*(Sum(name) for name in COUNTED))
    for row in sums.iterator(chunk_size=2000):
        yield [*row[: len(_CAMERA)], *_figures(Counts(1, *row[-len(COUNTED) :]))]


def _figures(counts: Counts) -> list[Cell]:
    shares = (counts.claimed_share, counts.pictured_share, counts.good_share)
    return [
        *(counts.slots, counts.missed, counts.claimed, counts.pictured, counts.good, counts.hollow),
        *map(in_percent, shares),
        *(counts.offline_seconds, counts.flaps),
    ]
