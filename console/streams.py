"""What the page 视频上云 shows, each person the cameras whose ledger they keep."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone

from access.choices import Action
from access.days import day_of
from access.models import Partner, User
from access.selectors import may_province_wide
from access.words import duration
from cameras.models import Camera
from cameras.selectors import cameras_visible_to
from console.cards import CameraRow, row_of
from console.gateway_rows import GatewayRow, gateway_rows
from console.headline import Headline
from console.words import moment
from protocol.play_urls import ORIGIN_UID
from streaming.choices import PeakKind
from streaming.models import MediaServer, PlayCheck, PlayDomain, ViewerLimit, ViewerPeak
from streaming.selectors import (
    StreamCounts,
    peaks_of,
    stream_counts,
    unplayable,
    viewers_by,
)
from streaming.services.egress import egress_limit_kbps
from streaming.uids import partner_in, partner_uid, staff_in, staff_uid

MOST_ROWS: Final = 50
# A province of 20,000 cameras has 200.
MOST_GATEWAYS: Final = 300
MOST_VIEWED: Final = 20
_NO_STREAMS: Final = StreamCounts()


@dataclass(frozen=True, slots=True)
class ServerRow:
    server: MediaServer
    state: str
    words: str
    streams: StreamCounts
    viewers: int
    egress_mbps: float
    seen: str


@dataclass(frozen=True, slots=True)
class AskerRow:
    """Who watches; `most` is 0 without a limit."""

    name: str
    kind: str
    viewers: int
    peak: int
    most: int


@dataclass(frozen=True, slots=True)
class WatchedRow:
    camera: CameraRow
    viewers: int
    peak: int
    most: int


@dataclass(frozen=True, slots=True)
class UnplayableRow:
    camera: CameraRow
    reason: str
    detail: str
    checked: str
    failures: int


@dataclass(frozen=True, slots=True)
class DomainRow:
    domain: PlayDomain
    state: str
    words: str
    checked: str


@dataclass(frozen=True, slots=True)
class Totals:
    """`peak` and `egress` are those of the whole platform, and shown to whom all of it is open."""

    streams: StreamCounts
    viewers: int
    peak: ViewerPeak | None
    egress_mbps: float
    planned_mbps: float

    @property
    def is_over(self) -> bool:
        return self.egress_mbps > self.planned_mbps


@dataclass(frozen=True, slots=True)
class StreamsView:
    headline: Headline
    is_whole: bool
    totals: Totals
    servers: list[ServerRow]
    domains: list[DomainRow]
    gateways: list[GatewayRow]
    gateway_count: int
    failing_gateways: int
    unplayable: list[UnplayableRow]
    unplayable_count: int
    askers: list[AskerRow]
    watched: list[WatchedRow]


def streams_view(user: User) -> StreamsView:
    cameras = cameras_visible_to(user, Action.LEDGER)
    today = day_of(timezone.now())
    is_whole = may_province_wide(user, Action.LEDGER)
    servers = _server_rows(cameras)
    gateways = gateway_rows(user, cameras)
    failing_gateways = sum(row.state == "fault" for row in gateways)
    failing = unplayable(cameras)
    failing_count = failing.count()
    by_asker = viewers_by("uid", cameras)
    totals = _totals(servers, by_asker.total(), today)
    return StreamsView(
        headline=_headline(servers, totals.streams, failing_gateways, failing_count),
        is_whole=is_whole,
        totals=totals,
        servers=servers,
        domains=[_domain_row(domain) for domain in PlayDomain.objects.order_by("name")] if is_whole else [],
        gateways=gateways[:MOST_GATEWAYS],
        gateway_count=len(gateways),
        failing_gateways=failing_gateways,
        unplayable=[_unplayable_row(check) for check in failing[:MOST_ROWS]],
        unplayable_count=failing_count,
        askers=_asker_rows(by_asker, today) if is_whole else [],
        watched=_watched_rows(viewers_by("camera_id", cameras), today),
    )


def _headline(servers: list[ServerRow], streams: StreamCounts, gateways: int, failing: int) -> Headline:
    """The worst of it, in one line."""
    is_dark = streams.low_wanted > 0 and streams.low == 0
    silent = sum(row.state == "fault" for row in servers)
    faults = [
        *([f"{silent} 台媒体服务器无应答"] if silent else []),
        *([f"应有的 {streams.low_wanted:,} 路低码流一路也没有"] if is_dark else []),
        *([f"{failing:,} 路在线但无法播放"] if failing else []),
        *([f"{gateways:,} 个网关有异常"] if gateways else []),
    ]
    if faults:
        return Headline("fault", "，".join(faults))
    if not any(row.server.is_active for row in servers):
        return Headline("unknown", "没有启用的媒体服务器")
    return Headline("online", "一切正常")


def _totals(servers: list[ServerRow], viewers: int, today: date) -> Totals:
    columns = zip(*(row.streams for row in servers), strict=True)
    return Totals(
        streams=StreamCounts(*map(sum, columns)),
        viewers=viewers,
        peak=peaks_of(PeakKind.ALL, today, [0]).get(0),
        egress_mbps=sum(row.egress_mbps for row in servers),
        planned_mbps=egress_limit_kbps() / 1000,
    )


def _server_rows(cameras: QuerySet[Camera]) -> list[ServerRow]:
    counts, viewers = stream_counts(cameras), viewers_by("media_server_id", cameras)
    rows = []
    for server in MediaServer.objects.order_by("-is_active", "name"):
        state, words = _server_words(server)
        rows.append(
            ServerRow(
                server=server,
                state=state,
                words=words,
                streams=counts.get(server.pk, _NO_STREAMS),
                viewers=viewers[server.pk],
                egress_mbps=server.egress_kbps / 1000,
                seen=moment(server.last_seen_at),
            )
        )
    return rows


def _server_words(server: MediaServer) -> tuple[str, str]:
    if not server.is_active:
        return "offline", "已停用"
    if server.silent_since is not None:
        return "fault", f"无应答 {duration(timezone.now() - server.silent_since)}"
    return ("online", "正常") if server.last_seen_at else ("unknown", "尚未应答")


def _domain_row(domain: PlayDomain) -> DomainRow:
    checked = moment(domain.checked_at)
    if domain.faults:
        return DomainRow(domain, "fault", "；".join(domain.faults), checked)
    if domain.is_proven:
        return DomainRow(domain, "online", "通过", checked)
    return DomainRow(domain, "unknown", "未验收，或验收后改过设置", checked)


def _unplayable_row(check: PlayCheck) -> UnplayableRow:
    return UnplayableRow(
        camera=row_of(check.camera),
        reason=str(check.get_result_display()),
        detail=check.detail,
        checked=moment(check.checked_at),
        failures=check.failures,
    )


def _asker_rows(viewers: Counter[str], today: date) -> list[AskerRow]:
    partners = Partner.objects.in_bulk(set(map(partner_in, viewers)) - {None})
    staff = User.objects.in_bulk(set(map(staff_in, viewers)) - {None})
    peaks = {
        **{partner_uid(pk): row.peak for pk, row in peaks_of(PeakKind.PARTNER, today, partners).items()},
        **{staff_uid(pk): row.peak for pk, row in peaks_of(PeakKind.STAFF, today, staff).items()},
    }
    rows = []
    for uid, count in viewers.most_common(MOST_VIEWED):
        name, kind, most = "未知", "—", 0
        if uid == ORIGIN_UID:
            name, kind = "播放域名回源", "CDN"
        elif partner := partners.get(partner_in(uid) or 0):
            name, kind, most = partner.name, "接入方", partner.most_viewers
        elif user := staff.get(staff_in(uid) or 0):
            name, kind = user.display_name, "用户"
        rows.append(AskerRow(name, kind, count, max(count, peaks.get(uid, 0)), most))
    return rows


def _watched_rows(viewers: Counter[int], today: date) -> list[WatchedRow]:
    most = dict(viewers.most_common(MOST_VIEWED))
    cameras = Camera.objects.in_bulk(list(most))
    peaks = peaks_of(PeakKind.CAMERA, today, most)
    limits = dict(ViewerLimit.objects.filter(camera__in=most).values_list("camera", "most_viewers"))
    return [
        WatchedRow(
            row_of(cameras[pk]),
            count,
            max(count, peaks[pk].peak if pk in peaks else 0),
            limits.get(pk, 0),
        )
        for pk, count in most.items()
    ]
