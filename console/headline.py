"""How one upper platform stands, in one line of words: what a person reads first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from django.conf import settings

from access.words import duration
from ministry.choices import Interface
from ministry.models import UpperPlatform
from ministry.selectors import current_hour
from ministry.services.health import FAILURES_TO_OPEN, is_probing

# What is told within so many seconds was never late.
PROMPT_SECONDS: Final = 10


class Waiting(Protocol):
    """What waits at one interface; `waiting` has what is parked among it."""

    @property
    def waiting(self) -> int: ...
    @property
    def hourly(self) -> int: ...
    @property
    def oldest(self) -> datetime | None: ...
    @property
    def parked(self) -> int: ...


class Answering(Waiting, Protocol):
    """The same, and how it has answered."""

    @property
    def interface(self) -> Interface: ...
    @property
    def failures(self) -> int: ...
    @property
    def retry_at(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Lag:
    """What should have been told by now: not what came in this moment, not what is parked."""

    count: int = 0
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Headline:
    """`state` is a shape of signs.css."""

    state: str
    words: str


def lag_of(waiting: Iterable[Waiting], now: datetime) -> Lag:
    count, oldest = 0, []
    is_hour_over = now - current_hour(now) > _hourly_spread()
    for one in waiting:
        if one.oldest is not None and (now - one.oldest).total_seconds() > PROMPT_SECONDS:
            count += max(0, one.waiting - one.parked)
            oldest.append(one.oldest)
        if is_hour_over:
            count += one.hourly
    return Lag(count, min(oldest, default=None))


def headline_of(
    platform: UpperPlatform, interfaces: Sequence[Answering], *, is_forbidden: bool, now: datetime
) -> Headline:
    """The worst of it; `is_forbidden` says that the newest answer was code 403."""
    if not platform.is_active:
        return Headline("offline", "已停用，不上报")
    if platform.failures:
        return _broken(platform, is_forbidden, now)
    if refused := [one for one in interfaces if is_probing(one.failures)]:
        return _refused(refused, now)
    lag = lag_of(interfaces, now)
    if lag.count:
        waited = f"，最早的等了 {duration(now - lag.oldest)}" if lag.oldest else ""
        return Headline("busy", f"正在追赶 {lag.count:,} 项{waited}")
    if platform.last_success_at is None:
        return Headline("unknown", "尚未上报")
    return Headline("online", "已同步")


def _next_try(retry_at: datetime | None, now: datetime) -> str:
    return f"在 {duration(retry_at - now)}后" if retry_at and retry_at > now else "就在此刻"


def _broken(platform: UpperPlatform, is_forbidden: bool, now: datetime) -> Headline:
    is_open = is_probing(platform.failures)
    if is_open and is_forbidden:
        return Headline("fault", "令牌被拒绝，请更换令牌；换不成时请重新录入")
    if is_open:
        number = platform.failures - FAILURES_TO_OPEN + 1
        return Headline("fault", f"连接中断，第 {number} 次重试{_next_try(platform.retry_at, now)}")
    if platform.retry_at and platform.retry_at > now:
        return Headline("busy", f"对方要求稍候，{duration(platform.retry_at - now)}后继续")
    return Headline("fault", f"连续 {platform.failures} 次没有成功，正在重试")


def _refused(refused: Sequence[Answering], now: datetime) -> Headline:
    names = "、".join(f"“{one.interface.label}”" for one in refused)
    soonest = min((one.retry_at for one in refused if one.retry_at), default=None)
    return Headline("fault", f"{names}接口连续被拒绝，下次尝试{_next_try(soonest, now)}")


def _hourly_spread() -> timedelta:
    # The last of them is planned when the time is over, and then still travels.
    return timedelta(seconds=int(settings.MINISTRY_HOURLY_SPREAD_SECONDS) + PROMPT_SECONDS)
