"""统计报表 as rows of a CSV and sheets of a workbook: figures as numbers."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from django.utils import timezone

from access.csv_rows import Cell
from console.reports import RankRow, Report
from console.workbook import Sheet
from rates.selectors import Counts, in_percent

_HEAD: Final[list[Cell]] = [
    *("名次", "上期名次", "名称", "摄像机", "报告在线率%", "真实在线率%", "上期真实在线率%", "变化（百分点）"),
    *("画面良好率%", "报告在线而无画面时段", "离线秒数", "掉线次数", "离线事件", "图像异常", "查看视频", "云台操作"),
    *("应计时段", "未计时段"),
]


def rank_table(report: Report) -> Iterator[list[Cell]]:
    yield _HEAD
    for row in (*report.rows, report.total):
        yield _rank(row)


def sheets_of(report: Report, title: str) -> list[Sheet]:
    return [
        Sheet(title, [6, 9, 22, *[13] * (len(_HEAD) - 3)], rank_table(report)),
        Sheet("逐日", [12, *[16] * 6], _day_table(report)),
        Sheet("离线事件", [12, 36, 18, 20, 20, 10, 10], _incident_table(report)),
    ]


def _rank(row: RankRow) -> list[Cell]:
    counts, tally = row.counts, row.tally
    return [
        *(row.rank or None, row.rank_before or None, row.name, counts.cameras),
        *(in_percent(counts.claimed_share), in_percent(counts.pictured_share), in_percent(row.before), row.points),
        *(in_percent(counts.good_share), counts.hollow, counts.offline_seconds, counts.flaps),
        *(len(tally.incidents), tally.worsened, tally.viewings, tally.moves),
        *(counts.slots, counts.missed),
    ]


def _day_table(report: Report) -> Iterator[list[Cell]]:
    yield ["日期", "摄像机", "报告在线率%", "真实在线率%", "画面良好率%", "离线秒数", "掉线次数"]
    for row in report.days:
        counts = row.counts
        yield [f"{row.day}", counts.cameras, *_shares(counts), counts.offline_seconds, counts.flaps]


def _incident_table(report: Report) -> Iterator[list[Cell]]:
    yield ["范围", "对象", "单位", "开始", "结束", "最多路数", "共有路数"]
    for row in report.incidents:
        incident = row.incident
        yield [
            *(str(incident.get_kind_display()), incident.name),
            incident.organisation.name if incident.organisation else "平台",
            *(_time(incident.began_at), _time(incident.ended_at), incident.peak, incident.total),
        ]


def _shares(counts: Counts) -> list[Cell]:
    return [in_percent(share) for share in (counts.claimed_share, counts.pictured_share, counts.good_share)]


def _time(at: datetime | None) -> str:
    return timezone.localtime(at).strftime("%F %T") if at else ""
