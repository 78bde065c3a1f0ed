"""What the page 统计报表 shows: days, weeks and months ranked by company or road, beside the period before."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone

from access.days import day_start, days_between
from access.models import User
from access.words import duration
from cameras.models import Camera
from cameras.selectors import cameras_visible_to
from console.cards import main_road
from console.online import NAMES, InWords, Wanted, days_of, placing_of
from console.words import moment
from incidents.choices import IncidentKind
from incidents.models import Incident
from incidents.selectors import affected_between, incidents_concerning
from ptz.selectors import moves_between
from quality.selectors import worsened_between
from rates.models import CountedDay
from rates.selectors import (
    CameraSum,
    Counts,
    PlaceSum,
    camera_sums,
    counts_of,
    day_sums,
    place_sums,
)
from streaming.selectors import viewings_between

MOST_INCIDENTS: Final = 20


@dataclass(slots=True)
class Tally:
    """What else happened at a place; incidents by their ids, for one may reach into several offices."""

    incidents: set[int] = field(default_factory=set)
    worsened: int = 0
    viewings: int = 0
    moves: int = 0


@dataclass(frozen=True, slots=True)
class RankRow(InWords):
    """One company or road; ranks begin with 1 and are 0 for what has no rate. `before` is the period before."""

    rank: int
    rank_before: int
    name: str
    road_class: str
    counts: Counts
    before: float | None
    tally: Tally

    @property
    def points(self) -> float | None:
        """Percentage points more than before."""
        now = self.counts.pictured_share
        return None if now is None or self.before is None else round(100 * (now - self.before), 2)

    @property
    def change(self) -> str:
        return "—" if self.points is None else f"{self.points:+.2f}" if self.points else "0.00"

    @property
    def trend(self) -> str:
        return "up" if (self.points or 0) > 0 else "down" if (self.points or 0) < 0 else "same"

    @property
    def climbed(self) -> int:
        """Places won; lost ones are negative."""
        return self.rank_before - self.rank if self.rank and self.rank_before else 0

    @property
    def climbed_words(self) -> str:
        return f"▲{self.climbed}" if self.climbed > 0 else f"▼{-self.climbed}" if self.climbed < 0 else ""


@dataclass(frozen=True, slots=True)
class DayRow(InWords):
    day: date
    counts: Counts

    @property
    def bar(self) -> float:
        return round(100 * (self.counts.pictured_share or 0), 2)


@dataclass(frozen=True, slots=True)
class IncidentRow:
    incident: Incident
    began: str
    ended: str
    lasts: str


@dataclass(frozen=True, slots=True)
class Report:
    total: RankRow
    rows: list[RankRow]
    days: list[DayRow]
    incidents: list[IncidentRow]
    counted_at: datetime | None

    @property
    def is_known(self) -> bool:
        """Whether anything was counted: where nothing was, that nothing is listed says nothing."""
        return self.counted_at is not None


def report_of(user: User, wanted: Wanted, before: Wanted) -> Report:
    """`before` is the same over the period before."""
    days = days_of(user, wanted)
    sums = camera_sums(days)
    earlier = place_sums(days_of(user, before))
    tallies = _tallies(user, wanted)
    total = Tally(set().union(*(each.incidents for each in tallies.values())))
    for each in tallies.values():
        total.worsened += each.worsened
        total.viewings += each.viewings
        total.moves += each.moves
    found = day_sums(days)
    newest = CountedDay.objects.filter(day__gte=wanted.first, day__lte=wanted.last).order_by("-day").first()
    return Report(
        total=RankRow(0, 0, "合计", "", counts_of(sums), _share(earlier), total),
        rows=_rows(wanted, sums, earlier, tallies),
        days=[DayRow(day, found.get(day, Counts())) for day in days_between(wanted.first, wanted.last)],
        incidents=_incidents(user, wanted),
        counted_at=newest.counted_at if newest else None,
    )


def _rows(
    wanted: Wanted, sums: list[CameraSum], earlier: list[PlaceSum], tallies: Mapping[Hashable, Tally]
) -> list[RankRow]:
    """The best first; who has no rate comes last and has no rank."""
    key_of = placing_of(wanted)
    groups: dict[Hashable, list[CameraSum]] = defaultdict(list)
    for each in sums:
        groups[key_of(each)].append(each)
    before: dict[Hashable, list[PlaceSum]] = defaultdict(list)
    for place in earlier:
        before[key_of(place)].append(place)
    counts = {key: counts_of(found) for key, found in groups.items()}
    shares = {key: share for key, found in counts.items() if (share := found.pictured_share) is not None}
    shares_before = {key: share for key, found in before.items() if (share := _share(found)) is not None}
    ranks, ranks_before = _ranks(shares), _ranks(shares_before)
    names = NAMES[wanted.by](groups)
    rows = [
        RankRow(
            rank=ranks.get(key, 0),
            rank_before=ranks_before.get(key, 0),
            name=names.get(key, ""),
            road_class=key[:1] if isinstance(key, str) else "",
            counts=found,
            before=shares_before.get(key),
            tally=tallies.get(key, Tally()),
        )
        for key, found in counts.items()
    ]
    return sorted(rows, key=lambda row: (row.rank == 0, row.rank, row.name))


def _ranks(shares: Mapping[Hashable, float]) -> dict[Hashable, int]:
    """Equal shares share a place, and the next place is as many further."""
    ordered = sorted(shares.values(), reverse=True)
    place: dict[float, int] = {}
    for number, share in enumerate(ordered, 1):
        place.setdefault(share, number)
    return {key: place[share] for key, share in shares.items()}


def _share(places: Iterable[PlaceSum]) -> float | None:
    """Of slots with a picture."""
    slots = pictured = 0
    for place in places:
        slots += place.slots
        pictured += place.pictured
    return pictured / slots if slots else None


# What else happened -------------------------------------------------------------------------------


def _tallies(user: User, wanted: Wanted) -> dict[Hashable, Tally]:
    """By the keys of the table, where the cameras are now."""
    begin, end = _span(wanted)
    cameras = _cameras(user, wanted)
    key_of = placing_of(wanted)
    tallies: dict[Hashable, Tally] = defaultdict(Tally)

    def at(organisation_id: int, road: str) -> Tally:
        return tallies[key_of(_NOWHERE._replace(organisation_id=organisation_id, road=main_road(road)))]

    for each in affected_between(cameras, begin, end):
        at(each.organisation_id, each.road).incidents.add(each.incident_id)
    for organisation_id, road, count in worsened_between(cameras, begin, end):
        at(organisation_id, road).worsened += count
    for organisation_id, road, count in viewings_between(cameras, begin, end):
        at(organisation_id, road).viewings += count
    for organisation_id, road, count in moves_between(cameras, begin, end):
        at(organisation_id, road).moves += count
    return tallies


_NOWHERE: Final = PlaceSum(0, None, "", 0, 0, 0, 0, 0, 0, 0, 0)


def _cameras(user: User, wanted: Wanted) -> QuerySet[Camera]:
    cameras = cameras_visible_to(user)
    if wanted.organisation is not None:
        cameras = cameras.filter(organisation__path__startswith=wanted.organisation.path)
    return cameras


def _span(wanted: Wanted) -> tuple[datetime, datetime]:
    return day_start(wanted.first), day_start(wanted.last + timedelta(days=1))


def _incidents(user: User, wanted: Wanted) -> list[IncidentRow]:
    """Those of many cameras, the largest first."""
    begin, end = _span(wanted)
    found = incidents_concerning(user).filter(began_at__gte=begin, began_at__lt=end, merged_into=None)
    found = found.exclude(kind=IncidentKind.CAMERA)
    if wanted.organisation is not None:
        found = found.filter(organisation__path__startswith=wanted.organisation.path)
    now = timezone.now()
    return [
        IncidentRow(
            incident=incident,
            began=moment(incident.began_at),
            ended=moment(incident.ended_at) if incident.ended_at else "未结束",
            lasts=duration((incident.ended_at or now) - incident.began_at),
        )
        for incident in found.select_related("organisation").order_by("-peak", "-began_at")[:MOST_INCIDENTS]
    ]


def period_before(wanted: Wanted) -> Wanted:
    """As many days before it; of a month the whole month before."""
    last = wanted.first - timedelta(days=1)
    if wanted.first.day == 1 and wanted.span == "month":
        return replace(wanted, first=last.replace(day=1), last=last)
    return replace(wanted, first=wanted.first - (wanted.last - wanted.first) - timedelta(days=1), last=last)
