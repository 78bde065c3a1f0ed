"""Where one goes to see to an alarm; its key says what it concerns."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.urls import reverse

from access.choices import Action


@dataclass(frozen=True, slots=True)
class Link:
    url: str
    label: str


# Beginning of the key: view, what the page is called, whom it lets in. The first that fits counts.
_PAGES: Final = (
    ("media-", "console:streams", "视频上云", Action.LEDGER),
    ("play-check", "console:streams", "视频上云", Action.LEDGER),
    ("gateway-configuration-", "console:streams", "视频上云", Action.LEDGER),
    ("ptz:no-stop:", "console:streams", "视频上云", Action.LEDGER),
    ("upper-platform:", "console:ministry", "部级对接", Action.MINISTRY),
    ("snapshots:", "console:snapshots", "截图回看", Action.SNAPSHOT),
)
# Those whose key ends with the id of what they concern: admin page of it, and the permission that opens it.
_ADMIN: Final = (
    ("token-replay:", "admin:access_partner_change", "接入方", "access.view_partner"),
    ("alarm-target:", "admin:access_alarmtarget_change", "外发设置", "access.view_alarmtarget"),
)


def link_of(
    key: str, incident_id: int | None, actions: frozenset[str], has_perm: Callable[[str], bool]
) -> Link | None:
    """None where there is nothing to go to, or the user is not let in there."""
    if incident_id is not None:
        return Link(reverse("console:incident", args=[incident_id]), "涉及的摄像机")
    number = key.rpartition(":")[2]
    if key.startswith("ptz:stop-failed:") and number.isdigit():
        return Link(f"{reverse('console:wall')}?camera={number}", "视频监控")
    for beginning, view, label, action in _PAGES:
        if key.startswith(beginning):
            return Link(reverse(view), label) if action in actions else None
    for beginning, view, label, permission in _ADMIN:
        if key.startswith(beginning) and number.isdigit():
            return Link(reverse(view, args=[number]), label) if has_perm(permission) else None
    return None
