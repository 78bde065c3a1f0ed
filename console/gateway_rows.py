"""Gateways of the page 视频上云: what each has to push, whether it does, and whether it could be spoken to."""

from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils import timezone

from access.choices import Action
from access.models import User
from access.selectors import TokenStanding, below_paths, paths_allowed, token_standings
from cameras.models import Camera, Gateway
from cameras.services.certificates import WARNING_DAYS
from console.words import moment
from streaming.selectors import StreamCounts, low_stream_counts

_NO_STREAMS = StreamCounts()


@dataclass(frozen=True, slots=True)
class GatewayRow:
    gateway: Gateway
    streams: StreamCounts
    state: str
    words: str
    token_state: str
    token: str
    certificate_state: str
    certificate: str
    answered: str


def gateway_rows(user: User, cameras: QuerySet[Camera]) -> list[GatewayRow]:
    """Those with trouble first, and of them the one with the most streams missing."""
    counts = low_stream_counts(cameras)
    within = below_paths(paths_allowed(user, Action.LEDGER), "partner__organisation__path")
    gateways = list(Gateway.objects.filter(within, is_active=True).exclude(base_url=""))
    standings = token_standings(gateway.partner_id for gateway in gateways)
    rows = []
    for gateway in gateways:
        streams = counts.get(gateway.pk, _NO_STREAMS)
        words = _words(gateway, streams)
        certificate_state, certificate = _certificate_words(gateway)
        token_state, token = _token_words(standings.get(gateway.partner_id))
        rows.append(
            GatewayRow(
                gateway=gateway,
                streams=streams,
                state="fault" if words else "online",
                words=words or "正常",
                token_state=token_state,
                token=token,
                certificate_state=certificate_state,
                certificate=certificate,
                answered=moment(gateway.last_answer_at),
            )
        )
    return sorted(rows, key=_urgency)


def _urgency(row: GatewayRow) -> tuple[bool, int, str]:
    return row.state != "fault", row.streams.low - row.streams.low_wanted, row.gateway.code


def _words(gateway: Gateway, streams: StreamCounts) -> str:
    if gateway.last_error:
        return gateway.last_error
    if missing := streams.low_wanted - streams.low:
        return f"{missing:,} 路低码流没有推上来"
    if streams.low_wanted > gateway.capacity:
        return f"超过路数上限 {gateway.capacity:,}"
    return ""


def _certificate_words(gateway: Gateway) -> tuple[str, str]:
    """Of the one it showed last; one that is refused is told by the failed order."""
    until = gateway.certificate_until
    if not gateway.base_url.startswith("https:"):
        return "offline", "不加密"
    if until is None:
        return "unknown", "尚未见到"
    days = (until - timezone.now()).days
    if days < WARNING_DAYS:
        return "fault", f"已过期 {moment(until)}" if days < 0 else f"{days} 天后到期"
    return "online", f"至 {moment(until)}"


def _token_words(standing: TokenStanding | None) -> tuple[str, str]:
    """The gateway is shown the newest token it has used: without one no order can be given (appendix 2)."""
    if standing is None:
        return "fault", "已全部吊销"
    if standing.used_at is None:
        return "unknown", "尚未使用"
    if standing.expires_at <= timezone.now():
        return "fault", f"已过期 {moment(standing.expires_at)}"
    return "online", f"至 {moment(standing.expires_at)}"
