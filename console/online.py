"""What the page 在线统计 shows: the online rate over some days, by company, road or gateway."""

import heapq
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from typing import Final

from django.db.models import QuerySet

from access.models import Organisation, User
from access.selectors import organisations_visible_to
from access.words import duration
from cameras.models import Camera, Gateway
from cameras.selectors import cameras_visible_to
from console.cards import CameraRow, main_road, path_ids, row_of
from console.reported import Reported, platform_compared, reported_by
from console.words import percent
from ministry.models import UpperPlatform
from protocol.errors import NotFoundError
from rates.models import CameraDay, CountedDay
from rates.selectors import CameraSum, Counts, PlaceSum, camera_sums, counts_of, days_visible_to

MOST_WORST: Final = 20
# Claimed online and no picture: from this share of the counted slots on it is marked.
MARKED_SHARE: Final = 0.02
_NO_GATEWAY: Final = "未接网关"


class Grouping(StrEnum):
    COMPANY = "company"
    ROAD = "road"
    GATEWAY = "gateway"


class Span(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which days, both included, of which part of the tree, in which order."""

    by: Grouping
    span: Span
    first: date
    last: date
    organisation: Organisation | None


class InWords:
    """What every row of figures says of its `counts`."""

    __slots__ = ()
    counts: Counts

    @property
    def claimed(self) -> str:
        return percent(self.counts.claimed_share)

    @property
    def pictured(self) -> str:
        return percent(self.counts.pictured_share)

    @property
    def good(self) -> str:
        return percent(self.counts.good_share)

    @property
    def offline(self) -> str:
        """Per camera."""
        cameras = self.counts.cameras
        return duration(timedelta(seconds=self.counts.offline_seconds / cameras)) if cameras else "—"


@dataclass(frozen=True, slots=True)
class RateRow(InWords):
    """One company, road or gateway; `below` is the organisation that is looked into by a click."""

    name: str
    counts: Counts
    reported: Reported | None
    below: int | None = None
    road_class: str = ""

    @property
    def hollow(self) -> str:
        return percent(self.counts.hollow / self.counts.slots if self.counts.slots else None)

    @property
    def is_hollow(self) -> bool:
        """Too much of it is claimed online without a picture."""
        return self.counts.hollow > MARKED_SHARE * self.counts.slots

    @property
    def bar(self) -> tuple[float, float, float]:
        """Widths of claimed, pictured and good, in percent."""
        shares = (self.counts.claimed_share, self.counts.pictured_share, self.counts.good_share)
        claimed, pictured, good = (round(100 * (share or 0), 2) for share in shares)
        return claimed, pictured, good


@dataclass(frozen=True, slots=True)
class WorstRow:
    camera: CameraRow
    figure: str
    pictured: str


@dataclass(frozen=True, slots=True)
class WorstList:
    """The cameras with most of something; `key` is the word for it in tests and styles."""

    key: str
    title: str
    figure: str
    rows: list[WorstRow]


@dataclass(frozen=True, slots=True)
class OnlineView:
    """`counted_at` is None where nothing was counted yet; `platform` is who was told what stands in the rows."""

    total: RateRow
    rows: list[RateRow]
    worst: list[WorstList]
    counted_at: datetime | None
    platform: str


def online_view(user: User, wanted: Wanted, *, is_now: bool) -> OnlineView:
    """`is_now`: the days reach up to today, so that what is reported now stands beside them."""
    sums = camera_sums(days_of(user, wanted))
    platform = platform_compared(user) if is_now else None
    reported = _reported(user, wanted, platform) if platform else {}
    newest = CountedDay.objects.filter(day__gte=wanted.first, day__lte=wanted.last).order_by("-day").first()
    return OnlineView(
        total=RateRow("合计", counts_of(sums), sum(reported.values(), Reported()) if platform else None),
        rows=_rows(wanted, sums, reported if platform else None),
        worst=_worst_lists(user, sums),
        counted_at=newest.counted_at if newest else None,
        platform=platform.name if platform else "",
    )


def days_of(user: User, wanted: Wanted) -> QuerySet[CameraDay]:
    days = days_visible_to(user, wanted.first, wanted.last)
    if wanted.organisation is not None:
        days = days.filter(organisation__path__startswith=wanted.organisation.path)
    return days


def organisation_of(user: User, organisation_id: int | None) -> Organisation | None:
    """The part of the tree that was asked for; NotFoundError where the user watches nothing."""
    if organisation_id is None:
        return None
    found = organisations_visible_to(user).filter(pk=organisation_id).first()
    if found is None:
        raise NotFoundError("单位不存在")
    return found


# Rows --------------------------------------------------------------------------------------------


def _rows(
    wanted: Wanted, sums: list[CameraSum], reported: Mapping[Hashable, Reported] | None
) -> list[RateRow]:
    """The worst first."""
    key_of = placing_of(wanted)
    groups: dict[Hashable, list[CameraSum]] = defaultdict(list)
    for each in sums:
        groups[key_of(each)].append(each)
    told = reported or {}
    names = NAMES[wanted.by]([*groups, *told])
    rows = [
        RateRow(
            name=names.get(key, _NO_GATEWAY),
            counts=counts_of(groups.get(key, ())),
            reported=told.get(key, Reported()) if reported is not None else None,
            below=_below(wanted, key),
            road_class=str(key)[:1] if wanted.by == Grouping.ROAD else "",
        )
        for key in {**groups, **told}
    ]
    return sorted(rows, key=lambda row: (row.counts.pictured_share or 0, row.name))


def placing_of(wanted: Wanted) -> Callable[[CameraSum | PlaceSum], Hashable]:
    """In which row of the table something is counted."""
    if wanted.by == Grouping.ROAD:
        return lambda each: each.road
    if wanted.by == Grouping.GATEWAY:
        return lambda each: each.gateway_id
    nodes = nodes_of(wanted)
    return lambda each: nodes.get(each.organisation_id)


def nodes_of(wanted: Wanted) -> dict[int, int]:
    """For each organisation its node one level below the one asked for, or below the province."""
    within = wanted.organisation
    depth = len(path_ids(within.path)) if within else 1
    rows = Organisation.objects.filter(path__startswith=within.path if within else "/")
    nodes = {}
    for pk, path in rows.values_list("pk", "path"):
        ids = path_ids(path)
        nodes[pk] = ids[min(depth, len(ids) - 1)]
    return nodes


def _below(wanted: Wanted, key: Hashable) -> int | None:
    is_other = wanted.organisation is None or wanted.organisation.pk != key
    return key if wanted.by == Grouping.COMPANY and isinstance(key, int) and is_other else None


def _organisation_names(keys: Iterable[Hashable]) -> dict[Hashable, str]:
    return dict(Organisation.objects.filter(pk__in=_numbers(keys)).values_list("pk", "name"))


def _gateway_names(keys: Iterable[Hashable]) -> dict[Hashable, str]:
    return {gateway.pk: str(gateway) for gateway in Gateway.objects.filter(pk__in=_numbers(keys))}


def _numbers(keys: Iterable[Hashable]) -> list[int]:
    return [key for key in keys if isinstance(key, int)]


def _road_names(keys: Iterable[Hashable]) -> dict[Hashable, str]:
    return {key: str(key) for key in keys}


NAMES: Final = {
    Grouping.COMPANY: _organisation_names,
    Grouping.ROAD: _road_names,
    Grouping.GATEWAY: _gateway_names,
}


# Reported now ------------------------------------------------------------------------------------

_CAMERA_KEYS: Final = {
    Grouping.COMPANY: "organisation_id",
    Grouping.ROAD: "road",
    Grouping.GATEWAY: "gateway_id",
}


def _reported(user: User, wanted: Wanted, platform: UpperPlatform) -> dict[Hashable, Reported]:
    cameras = cameras_visible_to(user)
    if wanted.organisation is not None:
        cameras = cameras.filter(organisation__path__startswith=wanted.organisation.path)
    nodes = nodes_of(wanted) if wanted.by == Grouping.COMPANY else {}
    found: dict[Hashable, Reported] = defaultdict(Reported)
    for value, reported in reported_by(platform, cameras, _CAMERA_KEYS[wanted.by]).items():
        key = nodes.get(value, value) if isinstance(value, int) else value
        found[main_road(key) if isinstance(key, str) else key] += reported
    return found


# The worst ---------------------------------------------------------------------------------------

_WORST: Final[Sequence[tuple[str, str, str]]] = (
    ("offline_seconds", "离线最久", "离线"),
    ("hollow", "报告在线而无画面", "时段"),
    ("flaps", "掉线最多", "次数"),
)


def _worst_lists(user: User, sums: list[CameraSum]) -> list[WorstList]:
    """Of cameras that can be looked at: neither deleted nor another's meanwhile."""
    visible = set(cameras_visible_to(user).order_by().values_list("pk", flat=True))
    shown = [each for each in sums if each.camera_id in visible]
    chosen = {key: _worst(shown, key) for key, *_ in _WORST}
    ids = {each.camera_id for worst in chosen.values() for each in worst}
    cameras = cameras_visible_to(user).in_bulk(ids)
    return [
        WorstList(key, title, figure, [_worst_row(cameras[each.camera_id], each, key) for each in chosen[key]])
        for key, title, figure in _WORST
    ]


def _worst(sums: list[CameraSum], key: str) -> list[CameraSum]:
    figure = attrgetter(key)
    return [each for each in heapq.nlargest(MOST_WORST, sums, key=figure) if figure(each)]


def _worst_row(camera: Camera, each: CameraSum, key: str) -> WorstRow:
    figure = getattr(each, key)
    words = duration(timedelta(seconds=figure)) if key == "offline_seconds" else f"{figure:,}"
    return WorstRow(row_of(camera), words, percent(counts_of([each]).pictured_share))
