"""The pictures of a whole road (路线长卷): which roads there are, and a day of the cameras that are near."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TypedDict

from django.conf import settings
from django.db.models import Count, QuerySet

from access.days import day_of, day_start
from cameras.models import Camera
from console.road_names import road_names
from console.slot_letters import (
    BAD_PICTURE,
    GAPS,
    MISSED_LETTERS,
    NOTHING,
    PICTURE,
    REASONS,
    wrong_since,
)
from quality.selectors import flags_between
from rates.definition import History, is_bad
from snapshots.choices import SnapshotResult
from snapshots.models import Snapshot
from snapshots.selectors import latest_pictures
from snapshots.slots import oldest_kept_day, unix_slot, unix_slots

# As many as are seen at once and a screen to either side.
MOST_CAMERAS = 80


class RoadChoice(TypedDict):
    road: str
    name: str
    cameras: int


class FilmRow(TypedDict):
    """A day of one camera: a letter for each slot that has begun, what was wrong since when (unix seconds), and,
    on the present day, the slot of its newest picture, which may be older."""

    slots: str
    quality: list[tuple[float | None, str]]
    latest: int | None


class FilmDay(TypedDict):
    """A day from unix second `first` on, by camera id."""

    day: str
    first: int
    now: float
    period: int
    reasons: dict[str, str]
    missed: str
    cameras: dict[int, FilmRow]


def roads_of(cameras: QuerySet[Camera]) -> list[RoadChoice]:
    """Every road of these cameras, the one with the most first; one at `G42&S38` is on both."""
    counts: Counter[str] = Counter()
    for text, number in cameras.order_by().values_list("road").annotate(Count("pk")):
        for road in text.split("&"):
            counts[road.strip()] += number
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    names = road_names(cameras, counts)
    return [RoadChoice(road=road, name=names.get(road, ""), cameras=number) for road, number in ranked]


def film_day(cameras: Sequence[Camera], day: date, *, now: datetime) -> FilmDay:
    """In as many statements for eighty cameras as for one."""
    today = day_of(now)
    begin, end = day_start(day), day_start(day + timedelta(days=1))
    slots = unix_slots(day) if oldest_kept_day(today) <= day <= today else range(0)
    results = _results(cameras, begin, end) if slots else {}
    flags = flags_between(cameras, begin, end) if slots else {camera.pk: [] for camera in cameras}
    latest = latest_pictures(cameras) if day == today else {}
    return FilmDay(
        day=day.isoformat(),
        first=int(begin.timestamp()),
        now=now.timestamp(),
        period=settings.SNAPSHOT_PERIOD_SECONDS,
        reasons=REASONS,
        missed=MISSED_LETTERS,
        cameras={
            camera.pk: FilmRow(
                slots=_letters(camera, slots, results.get(camera.pk, {}), flags[camera.pk], now),
                quality=wrong_since(flags[camera.pk]),
                latest=latest[camera.pk].unix_slot if camera.pk in latest else None,
            )
            for camera in cameras
        },
    )


def _results(cameras: Iterable[Camera], begin: datetime, end: datetime) -> dict[int, dict[int, int]]:
    """By camera id and unix slot."""
    ids = [camera.pk for camera in cameras]
    rows = Snapshot.objects.filter(camera__in=ids, slot_at__gte=begin, slot_at__lt=end)
    found: dict[int, dict[int, int]] = defaultdict(dict)
    for camera_id, at, result in rows.values_list("camera", "slot_at", "result"):
        found[camera_id][int(at.timestamp())] = result
    return found


def _letters(
    camera: Camera,
    slots: range,
    results: Mapping[int, int],
    flags: list[tuple[float, str]],
    now: datetime,
) -> str:
    bad = History([since for since, _ in flags], [is_bad(text) for _, text in flags])
    created, present = camera.created_at.timestamp(), unix_slot(now)
    return "".join(
        _letter(slot, results.get(slot), bad, is_due=created <= slot < present)
        for slot in slots
        if slot <= present
    )


def _letter(slot: int, result: int | None, bad: History, *, is_due: bool) -> str:
    if result == SnapshotResult.TAKEN:
        # The verdict that a picture leads to comes after it: at the end of its slot.
        is_good = not is_due or not bad.at(slot + settings.SNAPSHOT_PERIOD_SECONDS)
        return PICTURE if is_good else BAD_PICTURE
    if result is not None:
        return GAPS[SnapshotResult(result)]
    return GAPS[SnapshotResult.NOT_RUN] if is_due else NOTHING
