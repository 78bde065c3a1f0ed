"""How the upper platforms stand, in one word for the top bar."""

from dataclasses import dataclass
from typing import Final, TypedDict

from django.utils import timezone

from access.models import User
from console.cards import unix
from console.headline import lag_of
from console.waiting import waiting_at
from ministry.models import InterfaceState, UpperPlatform
from ministry.selectors.platforms import platforms_managed_by
from ministry.services.health import FAILURES_TO_OPEN

_ORDER: Final = ("online", "busy", "unknown", "fault")


class UpperState(TypedDict):
    """The worst of all upper platforms; `reason` only for those who look after them."""

    state: str
    words: str
    success_at: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class _Standing:
    platform: UpperPlatform
    state: str
    words: str
    error: str = ""


def upper_state(user: User) -> UpperState | None:
    """None when there is no upper platform."""
    platforms = list(
        UpperPlatform.objects.filter(is_active=True).select_related("organisation").order_by("name")
    )
    if not platforms:
        return None
    refused = InterfaceState.objects.filter(platform__in=platforms, failures__gte=FAILURES_TO_OPEN)
    open_of: dict[int, InterfaceState] = {}
    for interface in refused.order_by("platform", "interface"):
        open_of.setdefault(interface.platform_id, interface)
    standings = [_standing(platform, open_of.get(platform.pk)) for platform in platforms]
    worst = max(standings, key=lambda standing: _ORDER.index(standing.state))
    tells_why = platforms_managed_by(user).filter(pk=worst.platform.pk).exists()
    return UpperState(
        state=worst.state,
        words=f"部级平台 {worst.words}",
        success_at=unix(worst.platform.last_success_at),
        reason=f"{worst.platform.name}：{worst.error}" if tells_why and worst.error else "",
    )


def _standing(platform: UpperPlatform, refused: InterfaceState | None) -> _Standing:
    if platform.failures:
        return _Standing(platform, "fault", "上报受阻", platform.last_error)
    if refused is not None:
        label = refused.get_interface_display()
        return _Standing(platform, "fault", f"{label}被拒绝", refused.last_error)
    if platform.last_success_at is None:
        return _Standing(platform, "unknown", "尚未上报")
    if count := lag_of(waiting_at(platform).values(), timezone.now()).count:
        return _Standing(platform, "busy", f"正在追赶 {count:,} 项")
    return _Standing(platform, "online", "已同步")
