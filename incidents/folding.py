"""Which cameras that are away have one cause. No database, no clock: what is, and what follows from it.

Each run folds anew all that is away; only thresholds remember, being halved for what is an incident already. So a
cause that turns out to be wider takes over what was told of its parts, and what is left over of one that ended is
looked at again.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from incidents.choices import IncidentKind

# Kind and subject, which name one group.
Group = tuple[IncidentKind, str]

# A name cannot hold it: no road has a bar in it.
_BAR: Final = "|"
_WIDE: Final = {IncidentKind.MEDIA, IncidentKind.COMPANY, IncidentKind.ROAD}
_GROUPED: Final = [kind for kind in IncidentKind if kind != IncidentKind.CAMERA]


@dataclass(frozen=True, slots=True)
class Away:
    """One camera that is away or flaps, and where it belongs."""

    camera_id: int
    office_id: int
    company_id: int
    road: str
    gateway_id: int | None
    server_id: int | None
    since: datetime
    is_flapping: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """The thresholds (province/settings.py)."""

    cameras: int
    share: float
    wide_share: float
    after: timedelta
    alone_after: timedelta


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known beside the cameras: sizes of all groups, what is an incident, which servers are silent."""

    totals: Mapping[Group, int]
    running: Collection[Group]
    silent_servers: Collection[str] = ()
    # Just after a restart of the platform nothing new begins.
    may_begin: bool = True


def subject_of(kind: IncidentKind, camera: Away) -> str:
    """Empty where the camera has no such thing."""
    match kind:
        case IncidentKind.MEDIA:
            return str(camera.server_id or "")
        case IncidentKind.COMPANY:
            return str(camera.company_id)
        case IncidentKind.ROAD:
            return f"{camera.company_id}{_BAR}{camera.road}"
        case IncidentKind.GATEWAY:
            return str(camera.gateway_id or "")
        case IncidentKind.SECTION:
            return f"{camera.office_id}{_BAR}{camera.road}"
        case IncidentKind.CAMERA:
            return str(camera.camera_id)


def parts_of(subject: str) -> tuple[int, str]:
    """The id that a subject begins with, and its road if it has one."""
    number, _, road = subject.partition(_BAR)
    return int(number), road


def fold(
    away: Sequence[Away], standing: Standing, rules: Rules, now: datetime
) -> dict[Group, list[Away]]:
    """Every incident there is now with its cameras; those in none are not away long enough."""
    incidents: dict[Group, list[Away]] = {}
    left = list(away)
    for kind in _GROUPED:
        groups: dict[str, list[Away]] = defaultdict(list)
        for camera in left:
            groups[subject_of(kind, camera)].append(camera)
        groups.pop("", None)
        held = {subject for subject, found in groups.items() if _holds((kind, subject), found, standing, rules, now)}
        if held:
            incidents |= {(kind, subject): groups[subject] for subject in held}
            left = [camera for camera in left if subject_of(kind, camera) not in held]
    for camera in left:
        group = (IncidentKind.CAMERA, subject_of(IncidentKind.CAMERA, camera))
        is_long = camera.is_flapping or now - camera.since >= rules.alone_after
        if group in standing.running or (standing.may_begin and is_long):
            incidents[group] = [camera]
    return incidents


def _holds(group: Group, found: list[Away], standing: Standing, rules: Rules, now: datetime) -> bool:
    kind, subject = group
    share = rules.wide_share if kind in _WIDE else rules.share
    if group in standing.running:
        return len(found) >= rules.cameras / 2 and len(found) >= standing.totals.get(group, 0) * share / 2
    if not standing.may_begin:
        return False
    count = sum(camera.is_flapping or now - camera.since >= rules.after for camera in found)
    if count < rules.cameras:
        return False
    if kind == IncidentKind.MEDIA and subject in standing.silent_servers:
        return True
    return count >= standing.totals.get(group, 0) * share and _is_wide_enough(kind, found)


def _is_wide_enough(kind: IncidentKind, found: list[Away]) -> bool:
    """What lies behind one gateway is the gateway's, and what is one company's not the media server's."""
    if kind == IncidentKind.MEDIA:
        return len({camera.company_id for camera in found}) > 1
    return kind not in _WIDE or len({camera.gateway_id for camera in found}) > 1
