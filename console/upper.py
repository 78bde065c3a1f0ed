"""How the upper platforms stand, in one word for the top bar."""

from typing import TypedDict

from access.choices import Action
from access.models import User
from access.selectors import paths_allowed
from console.cards import unix
from ministry.models import UpperPlatform


class UpperState(TypedDict):
    """The worst of all upper platforms; `reason` only for those who look after them."""

    state: str
    words: str
    success_at: float | None
    reason: str


def upper_state(user: User) -> UpperState | None:
    """None when there is no upper platform."""
    platforms = list(UpperPlatform.objects.filter(is_active=True).order_by("name"))
    if not platforms:
        return None
    worst = max(platforms, key=_badness)
    state, words = _told(worst)
    tells_why = bool(paths_allowed(user, Action.MINISTRY))
    return UpperState(
        state=state,
        words=words,
        success_at=unix(worst.last_success_at),
        reason=f"{worst.name}：{worst.last_error}" if tells_why and worst.last_error else "",
    )


def _badness(platform: UpperPlatform) -> int:
    return 2 if platform.failures else int(platform.last_success_at is None)


def _told(platform: UpperPlatform) -> tuple[str, str]:
    if platform.failures:
        return "fault", "部级平台 上报受阻"
    if platform.last_success_at is None:
        return "unknown", "部级平台 尚未上报"
    return "online", "部级平台 已同步"
