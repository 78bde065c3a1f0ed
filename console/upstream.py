"""One upper platform as the page 部级对接 shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import timezone

from access.words import duration
from console.cards import CameraRow, row_of
from console.differences import CheckView, check_view
from console.headline import Headline, headline_of
from console.waiting import waiting_at
from console.words import moment, shown
from ministry.choices import Interface
from ministry.models import UpperPlatform
from ministry.selectors.overview import (
    HourlyState,
    InterfaceOverview,
    hourly_state,
    interface_overview,
    next_hourly_report,
    parked_items,
    recent_calls,
    token_expires_at,
)
from ministry.selectors.pulse import Minute, pulse
from ministry.services.health import is_probing
from protocol.codes import Code

MOST_PARKED: Final = 50
PULSE_HEIGHT: Final = 32


@dataclass(frozen=True, slots=True)
class InterfaceRow:
    interface: Interface
    state: str
    words: str
    success: str
    waiting: str
    oldest: str
    hourly: str
    parked: int
    error: str
    failed: str
    retry: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One minute of the pulse, in units of its picture; failures stand at the bottom."""

    x: int
    top: int
    calls: int
    failures: int
    failed_top: int
    words: str


@dataclass(frozen=True, slots=True)
class Pulse:
    bars: list[Bar]
    calls: int
    failures: int


@dataclass(frozen=True, slots=True)
class ParkedRow:
    interface: Interface
    reason: str
    since: datetime
    camera: CameraRow


@dataclass(frozen=True, slots=True)
class PlatformView:
    platform: UpperPlatform
    headline: Headline
    hands: list[str]
    error: str
    held_back: str
    interfaces: list[InterfaceRow]
    parked_count: int
    parked: list[ParkedRow]
    token_changed: str
    token_expires: str
    hours: list[HourlyState]
    next_hourly: str
    pulse: Pulse
    check: CheckView


def view_of(platform: UpperPlatform) -> PlatformView:
    now = timezone.now()
    interfaces = interface_overview(platform, waiting_at(platform))
    newest = recent_calls(platform, limit=1) if platform.failures else []
    is_forbidden = any(call.code == Code.FORBIDDEN for call in newest)
    hours = hourly_state(platform)
    due_at = next_hourly_report(hours, now)
    parked_count = sum(one.parked for one in interfaces)
    check = check_view(platform)
    return PlatformView(
        platform=platform,
        headline=headline_of(platform, interfaces, is_forbidden=is_forbidden, now=now),
        hands=_hands(parked_count, check),
        error=platform.last_error if platform.failures else "",
        held_back=_held_back(interfaces, now) if platform.failures else "",
        interfaces=[_interface_row(one, platform, now) for one in interfaces],
        parked_count=parked_count,
        parked=_parked_rows(platform) if parked_count else [],
        token_changed=moment(platform.token_at) if platform.token_at else "录入后未更换",
        token_expires=_until(token_expires_at(platform), now),
        hours=hours,
        next_hourly=moment(due_at) if due_at > now else "正在进行",
        pulse=_pulse(pulse(platform, now)),
        check=check
    )


def _hands(parked: int, check: CheckView) -> list[str]:
    """What needs a hand although everything else goes on."""
    return [
        *([f"{parked:,} 项被对方拒绝，已搁置"] if parked else []),
        *([f"{check.open_count:,} 处台账差异待修复"] if check.open_count else []),
    ]


def _held_back(interfaces: Sequence[InterfaceOverview], now: datetime) -> str:
    """What waits meanwhile; it is sent by itself."""
    count = sum(max(0, one.waiting - one.parked) for one in interfaces)
    oldest = min((one.oldest for one in interfaces if one.oldest), default=None)
    waited = f"，最早的等了 {duration(now - oldest)}" if oldest else ""
    return f"{count:,} 项在等{waited}；恢复后自动补报" if count else "没有等待上报的变化"


def _interface_row(one: InterfaceOverview, platform: UpperPlatform, now: datetime) -> InterfaceRow:
    state, words = _interface_words(one, platform)
    retries = [at for at in (one.retry_at, platform.retry_at) if at is not None and at > now]
    return InterfaceRow(
        interface=one.interface,
        state=state,
        words=words,
        success=moment(one.last_success_at),
        waiting=shown(max(0, one.waiting - one.parked)),
        oldest=duration(now - one.oldest) if one.oldest else "—",
        hourly=shown(one.hourly),
        parked=one.parked,
        error=one.last_error,
        failed=moment(one.last_failure_at),
        retry=f"{duration(max(retries) - now)}后" if retries else "",
    )


def _interface_words(one: InterfaceOverview, platform: UpperPlatform) -> tuple[str, str]:
    if is_probing(one.failures):
        return "fault", f"连续 {one.failures} 次被拒绝"
    if platform.failures:
        return "offline", "等待平台恢复"
    if one.failures:
        return "busy", f"被拒绝 {one.failures} 次，重试中"
    if one.waiting - one.parked > 0:
        return "busy", "上报中"
    return ("online", "正常") if one.last_success_at else ("unknown", "尚未上报")


def _until(at: datetime | None, now: datetime) -> str:
    if at is None:
        return "未知，被拒时自动更换"
    if at <= now:
        return f"{moment(at)} 已到，被拒时自动更换"
    return f"{moment(at)}（还有 {duration(at - now)}）"


def _parked_rows(platform: UpperPlatform) -> list[ParkedRow]:
    return [
        ParkedRow(item.interface, item.reason, item.since, row_of(item.camera))
        for item in parked_items(platform, MOST_PARKED)
    ]


def _pulse(minutes: Sequence[Minute]) -> Pulse:
    highest = max(1, *(minute.calls for minute in minutes))
    return Pulse(
        bars=[_bar(number, minute, highest) for number, minute in enumerate(minutes) if minute.calls],
        calls=sum(minute.calls for minute in minutes),
        failures=sum(minute.failures for minute in minutes),
    )


def _bar(number: int, minute: Minute, highest: int) -> Bar:
    # A minute with one request is seen beside one with a thousand.
    calls = max(2, round(PULSE_HEIGHT * minute.calls / highest))
    failures = max(2, round(calls * minute.failures / minute.calls)) if minute.failures else 0
    words = f"{moment(minute.at)[:5]} {minute.calls} 次请求，{minute.failures} 次失败"
    return Bar(number * 6, PULSE_HEIGHT - calls, calls, failures, PULSE_HEIGHT - failures, words)
