"""Which cameras that are away have one cause. No database, no clock: what is, and what follows from it.

Each run folds anew all that is away; only thresholds remember, being halved for what is an incident already. So a
cause that turns out to be wider takes over what was told of its parts, and what is left over of one that ended is
looked at again.

Evidence comes first: a media server that is silent has lost everything on it, and one that answers has not lost what
lies behind gateways that do not. Then what is wide has to explain more than one of its parts does: where a gateway
and all around it have the same cameras, or no more than a few that are away anyway, it is the gateway.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final, NamedTuple

from incidents.choices import IncidentKind

# Kind and subject, which name one group.
Group = tuple[IncidentKind, str]
# Names one part of a group, by what it is divided.
Part = int | str

# A name cannot hold it: no road has a bar in it.
_BAR: Final = "|"
_WIDE: Final = {IncidentKind.MEDIA, IncidentKind.PROVINCE, IncidentKind.COMPANY, IncidentKind.ROAD}
_GROUPED: Final = [kind for kind in IncidentKind if kind != IncidentKind.CAMERA]
# Parts that have to be lost before their whole is the cause.
_FEWEST_PARTS: Final = 2


class Place(NamedTuple):
    """Where cameras belong, as far as causes go; those of one place share it."""

    province_id: int
    company_id: int
    office_id: int
    road: str
    gateway_id: int | None
    server_id: int | None


class Away(NamedTuple):
    """One camera that is away or flaps."""

    camera_id: int
    place: Place
    since: datetime
    is_flapping: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """The thresholds (province/incident_settings.py)."""

    cameras: int
    share: float
    wide_share: float
    province_share: float
    after: timedelta
    alone_after: timedelta


@dataclass(frozen=True)
class Standing:
    """What is known beside the cameras: how many there are at each place, what is an incident, who is silent."""

    census: Mapping[Place, int]
    running: Collection[Group]
    silent_servers: Collection[str] = ()
    # Those that neither answered the last order nor said a word since.
    silent_gateways: Collection[int] = ()
    # Just after a restart of the platform nothing new begins.
    may_begin: bool = True

    @cached_property
    def totals(self) -> Mapping[Group, int]:
        """Sizes of all groups."""
        sizes: dict[Group, int] = defaultdict(int)
        for place, count in self.census.items():
            for kind in _GROUPED:
                sizes[kind, subject_of(kind, place)] += count
        return sizes

    @cached_property
    def places(self) -> Mapping[Group, list[Place]]:
        """All places of the groups that are wide."""
        found: dict[Group, list[Place]] = defaultdict(list)
        for place in self.census:
            for kind in _WIDE:
                found[kind, subject_of(kind, place)].append(place)
        return found


def subject_of(kind: IncidentKind, place: Place) -> str:
    """Empty where there is no such thing; that of a single camera is its id."""
    match kind:
        case IncidentKind.MEDIA:
            return str(place.server_id or "")
        case IncidentKind.PROVINCE:
            return str(place.province_id)
        case IncidentKind.COMPANY:
            return str(place.company_id)
        case IncidentKind.ROAD:
            return f"{place.company_id}{_BAR}{place.road}"
        case IncidentKind.GATEWAY:
            return str(place.gateway_id or "")
        case IncidentKind.SECTION:
            return f"{place.office_id}{_BAR}{place.road}"
        case IncidentKind.CAMERA:
            raise ValueError("a place is no camera")


def parts_of(subject: str) -> tuple[int, str]:
    """The id that a subject begins with, and its road if it has one."""
    number, _, road = subject.partition(_BAR)
    return int(number), road


def fold(
    away: Iterable[Away], standing: Standing, rules: Rules, now: datetime
) -> dict[Group, Sequence[Away]]:
    """Every incident there is now with its cameras; those in none are not away long enough."""
    incidents: dict[Group, Sequence[Away]] = {}
    left: dict[Place, list[Away]] = defaultdict(list)
    for camera in away:
        left[camera.place].append(camera)
    for kind in _GROUPED:
        groups: dict[str, dict[Place, list[Away]]] = defaultdict(dict)
        for place, cameras in left.items():
            groups[subject_of(kind, place)][place] = cameras
        groups.pop("", None)
        for subject, found in groups.items():
            taken = _Cause((kind, subject), found, standing, rules, now).taken()
            if taken:
                incidents[kind, subject] = [camera for place in taken for camera in left.pop(place)]
    for cameras in left.values():
        for camera in cameras:
            group = (IncidentKind.CAMERA, str(camera.camera_id))
            is_long = camera.is_flapping or now - camera.since >= rules.alone_after
            if group in standing.running or (standing.may_begin and is_long):
                incidents[group] = [camera]
    return incidents


@dataclass(frozen=True)
class _Cause:
    """One group of which some are away: whether that is what happened to them."""

    group: Group
    found: Mapping[Place, list[Away]]
    standing: Standing
    rules: Rules
    now: datetime

    def taken(self) -> list[Place]:
        """Places whose cameras are away for this cause; none where it is not the cause."""
        if self.group[0] == IncidentKind.PROVINCE:
            return self._lost_companies()
        return list(self.found) if self._holds() else []

    @property
    def _is_running(self) -> bool:
        return self.group in self.standing.running

    def _holds(self) -> bool:
        kind, subject = self.group
        if kind == IncidentKind.MEDIA and subject in self.standing.silent_servers:
            return self._is_many()
        if not self._is_many() or not self._is_share():
            return False
        if kind == IncidentKind.MEDIA and self._is_gateways():
            return False
        return self._is_running or self._is_wide_enough()

    def _is_many(self) -> bool:
        """Enough that are away for long enough; half as many, however short, of what is an incident already."""
        if self._is_running:
            return sum(map(len, self.found.values())) >= self.rules.cameras / 2
        return self.standing.may_begin and self._due(self.found.values()) >= self.rules.cameras

    def _is_share(self) -> bool:
        total = self.standing.totals.get(self.group, 0)
        if self._is_running:
            return sum(map(len, self.found.values())) >= total * self._share / 2
        return self._due(self.found.values()) >= total * self._share

    @property
    def _share(self) -> float:
        return self.rules.wide_share if self.group[0] in _WIDE else self.rules.share

    def _due(self, found: Iterable[Sequence[Away]]) -> int:
        after = self.rules.after
        return sum(camera.is_flapping or self.now - camera.since >= after for each in found for camera in each)

    def _is_gateways(self) -> bool:
        """Most of it lies behind gateways that are silent themselves, while the server answers."""
        silent = [len(away) for place, away in self.found.items() if place.gateway_id in self.standing.silent_gateways]
        return sum(silent) * 2 > sum(map(len, self.found.values()))

    def _is_wide_enough(self) -> bool:
        """It takes more along than one of its parts: what lies behind one gateway is the gateway's, and what is one
        company's not the media server's.
        """
        kind = self.group[0]
        if kind == IncidentKind.MEDIA and len(self._lost(_company_of, self.rules.share)) < _FEWEST_PARTS:
            return False
        return kind not in _WIDE or len(self._lost(_line_of, self.rules.share)) >= _FEWEST_PARTS

    def _lost_companies(self) -> list[Place]:
        """What is away of companies that are lost, where those are most of the province's and have half its cameras."""
        companies = {place.company_id for place in self.standing.places[self.group]}
        halved = 2 if self._is_running else 1
        lost = self._lost(_company_of, self.rules.wide_share / halved)
        taken = [place for place in self.found if place.company_id in lost]
        count = sum(len(self.found[place]) for place in taken)
        is_most = len(lost) > len(companies) * self.rules.province_share / halved
        if not is_most or count < self.standing.totals[self.group] * self.rules.share / halved or not self._is_many():
            return []
        if not self._is_running and (len(lost) < _FEWEST_PARTS or not self._is_wide_enough()):
            return []
        return taken

    def _lost(self, part_of: Callable[[Place], Part], share: float) -> set[Part]:
        """Parts of the group of which at least `share` is away; one of which only a few are is not lost."""
        totals: dict[Part, int] = defaultdict(int)
        for place in self.standing.places[self.group]:
            totals[part_of(place)] += self.standing.census[place]
        away: dict[Part, int] = defaultdict(int)
        for place, cameras in self.found.items():
            away[part_of(place)] += len(cameras) if self._is_running else self._due([cameras])
        return {part for part, count in away.items() if count and count >= totals[part] * share}


def _company_of(place: Place) -> Part:
    return place.company_id


def _line_of(place: Place) -> Part:
    """What brings the pictures of a place: its gateway, or else the road within its office."""
    return place.gateway_id or subject_of(IncidentKind.SECTION, place)
