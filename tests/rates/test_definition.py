"""What a slot counts as: a table of cases, and both ways of saying it held together."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from access.models import Organisation
from cameras.choices import OnlineStatus
from cameras.models import Camera, StatusChange
from quality.choices import ALL_GOOD, NOTHING_SAID
from quality.models import CameraQuality, QualityChange, never
from rates.models import CameraDay
from rates.selectors import camera_slots
from rates.services.counting import count_day
from snapshots.choices import SnapshotResult
from snapshots.models import Snapshot
from tests.ptz.ledger import make_camera
from tests.rates.days import BEGIN, BLURRED, DAY, END, LATER, SLOT, SLOTS, flag, register, slot, status, take

pytestmark = pytest.mark.django_db

ONLINE, OFFLINE, FAULT = OnlineStatus.ONLINE, OnlineStatus.OFFLINE, OnlineStatus.FAULT
EVER = BEGIN - timedelta(days=2)
NOON = 144


def counted(camera: Camera, now: datetime = LATER) -> dict[str, int]:
    """The row of the day, without its place; the same as the slots of the page 截图回看 come to."""
    camera.refresh_from_db()
    count_day(DAY, now=now)
    row = CameraDay.objects.filter(camera=camera, day=DAY).values(*NAMES).first()
    states = camera_slots(camera, DAY, DAY, now=now).states
    summed = {
        "slots": sum(state.is_counted for state in states),
        "missed": sum(not state.is_counted for state in states),
        "claimed": sum(state.is_claimed for state in states),
        "pictured": sum(state.is_pictured for state in states),
        "good": sum(state.is_good for state in states),
        "hollow": sum(state.is_claimed and not state.is_pictured for state in states),
    }
    if row is None:
        assert not any(summed.values())
        return {}
    assert {name: row[name] for name in summed} == summed
    return dict(row)


NAMES = ("slots", "missed", "claimed", "pictured", "good", "hollow", "offline_seconds", "flaps")


def all_taken(camera: Camera) -> None:
    status(camera, (EVER, ONLINE))
    take(camera, range(SLOTS))


def registered_in_the_morning(camera: Camera) -> None:
    register(camera, slot(100, 1))
    take(camera, range(100, SLOTS))
    status(camera, (slot(100, 2), ONLINE))


def registered_as_a_slot_begins(camera: Camera) -> None:
    register(camera, slot(100))
    take(camera, range(100, SLOTS))
    status(camera, (slot(100), ONLINE))


def waits_for_review(camera: Camera) -> None:
    register(camera, is_pending=True)


def reviewed_at_noon(camera: Camera) -> None:
    status(camera, (slot(NOON), ONLINE))
    take(camera, range(NOON, SLOTS))


def deleted_at_noon(camera: Camera) -> None:
    status(camera, (EVER, ONLINE))
    take(camera, range(NOON + 1))
    register(camera, deleted_at=slot(NOON, 90))


def deleted_before(camera: Camera) -> None:
    status(camera, (EVER, ONLINE))
    register(camera, deleted_at=BEGIN)


def platform_down(camera: Camera) -> None:
    """An hour without a row, and one each in which it failed otherwise."""
    all_taken(camera)
    Snapshot.objects.filter(slot_at__gte=slot(12), slot_at__lt=slot(24)).delete()
    for number, result in enumerate(
        (
            *(SnapshotResult.NOT_RUN, SnapshotResult.STORAGE),
            *(SnapshotResult.UNREACHABLE, SnapshotResult.REFUSED),
        )
    ):
        Snapshot.objects.filter(slot_at=slot(30 + number)).update(result=result)


def no_picture(camera: Camera) -> None:
    """Of the camera's own fault, while it was claimed online."""
    all_taken(camera)
    for number, result in enumerate(
        (
            *(SnapshotResult.OFFLINE, SnapshotResult.NO_KEY_FRAME),
            *(SnapshotResult.UNDECODABLE, SnapshotResult.NOT_H264),
        )
    ):
        Snapshot.objects.filter(slot_at=slot(30 + number)).update(result=result)


def never_heard_of(camera: Camera) -> None:
    take(camera, range(SLOTS), SnapshotResult.OFFLINE)


def away_for_an_hour(camera: Camera) -> None:
    """From the beginning of slot 12 on; back a second after that of slot 24."""
    status(camera, (EVER, ONLINE), (slot(12), OFFLINE), (slot(24, 1), ONLINE))
    take(camera, [*range(12), *range(25, SLOTS)])
    take(camera, range(12, 25), SnapshotResult.OFFLINE)


def fault_over_midnight(camera: Camera) -> None:
    """A fault that becomes an offline is one absence, and none that began today."""
    status(camera, (EVER, FAULT), (slot(6), OFFLINE), (slot(12), ONLINE), (slot(280), FAULT))
    take(camera, range(SLOTS))


def blurred_for_an_hour(camera: Camera) -> None:
    """Told in the middle of slot 12 and as slot 24 ends: both belong to the slot."""
    all_taken(camera)
    flag(camera, {slot(12, 100): BLURRED, slot(25): ALL_GOOD})


def called_offline_with_a_picture(camera: Camera) -> None:
    all_taken(camera)
    flag(camera, {EVER: "1" + ALL_GOOD[1:]})
    hold(camera, "1" + ALL_GOOD[1:])


def blurred_in_an_earlier_life(camera: Camera) -> None:
    """Came back after a deletion: its history ends blurred, what holds is good."""
    all_taken(camera)
    flag(camera, {EVER: BLURRED})
    hold(camera, ALL_GOOD)


def blurred_until_tomorrow(camera: Camera) -> None:
    all_taken(camera)
    flag(camera, {EVER: BLURRED, END + SLOT: ALL_GOOD})
    hold(camera, ALL_GOOD)


def blurred_when_it_was_deleted(camera: Camera) -> None:
    """What was known of it is forgotten meanwhile."""
    all_taken(camera)
    flag(camera, {EVER: BLURRED})
    register(camera, deleted_at=slot(NOON))


def hold(camera: Camera, flags: str) -> None:
    CameraQuality.objects.create(camera=camera, flags=flags, sources=NOTHING_SAID, since=never())


def row(slots: int, **others: int) -> dict[str, int]:
    """All slots good, but for what is said."""
    usual = {"missed": 0, "claimed": slots, "pictured": slots, "good": slots, "hollow": 0}
    return {"slots": slots, **usual, "offline_seconds": 0, "flaps": 0, **others}


CASES: list[tuple[Callable[[Camera], None], dict[str, int]]] = [
    (all_taken, row(288)),
    # Not heard of for a second; at the beginning of slot 101 it is online.
    (registered_in_the_morning, row(187, offline_seconds=1)),
    (registered_as_a_slot_begins, row(188)),
    (waits_for_review, {}),
    (reviewed_at_noon, row(144, missed=144, offline_seconds=43_200)),
    (deleted_at_noon, row(145)),
    (deleted_before, {}),
    (platform_down, row(272, missed=16)),
    (no_picture, row(288, pictured=284, good=284, hollow=4)),
    (never_heard_of, row(288, claimed=0, pictured=0, good=0, offline_seconds=86_400)),
    (away_for_an_hour, row(288, claimed=275, pictured=275, good=275, offline_seconds=3601, flaps=1)),
    (fault_over_midnight, row(288, claimed=268, offline_seconds=3600 + 2400, flaps=1)),
    (blurred_for_an_hour, row(288, good=276)),
    (called_offline_with_a_picture, row(288)),
    (blurred_in_an_earlier_life, row(288)),
    (blurred_until_tomorrow, row(288, good=0)),
    (blurred_when_it_was_deleted, row(144, good=0)),
]


@pytest.mark.parametrize(("happened", "expected"), CASES, ids=lambda case: getattr(case, "__name__", ""))
def test_what_a_day_counts_as(
    happened: Callable[[Camera], None], expected: dict[str, int], camera: Camera
) -> None:
    happened(camera)
    assert counted(camera) == expected


def test_the_present_slot_does_not_count_yet(camera: Camera) -> None:
    all_taken(camera)
    assert counted(camera, BEGIN + timedelta(seconds=299)) == {}
    assert counted(camera, slot(NOON, 299)) == row(144)
    assert counted(camera, slot(NOON + 1)) == row(145)


def test_today_is_offline_up_to_now_only(camera: Camera) -> None:
    status(camera, (EVER, ONLINE), (slot(12), OFFLINE))
    take(camera, range(12))
    take(camera, range(12, 20), SnapshotResult.OFFLINE)
    expected = row(20, claimed=12, pictured=12, good=12, offline_seconds=8 * 300 + 7, flaps=1)
    assert counted(camera, slot(20, 7)) == expected


# Both ways ---------------------------------------------------------------------------------------

# Mostly where a day begins and ends.
MOMENTS = st.one_of(st.integers(-3, 12), st.integers(0, SLOTS), st.integers(SLOTS - 9, SLOTS + 3)).flatmap(
    lambda number: st.sampled_from([0, 1, 299]).map(lambda seconds: slot(number, seconds))
)
FLAGS = st.sampled_from([ALL_GOOD, BLURRED, "100000000", "000000001"])


@st.composite
def pasts(draw: st.DrawFn) -> dict[str, Any]:
    created = draw(st.one_of(st.just(EVER), MOMENTS))
    return {
        "created_at": created,
        "deleted_at": draw(st.one_of(st.none(), st.none(), MOMENTS.map(lambda moment: max(moment, created)))),
        "statuses": draw(st.lists(st.tuples(MOMENTS, st.sampled_from(OnlineStatus)), max_size=6)),
        "flags": draw(st.dictionaries(MOMENTS, FLAGS, max_size=4)),
        "held": draw(st.one_of(st.none(), FLAGS)),
        "results": draw(st.dictionaries(st.integers(0, SLOTS - 1), st.sampled_from(SnapshotResult), max_size=12)),
        "stretch": draw(st.tuples(st.integers(0, SLOTS), st.integers(0, SLOTS)).map(sorted)),
    }


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(past=pasts(), now=st.one_of(st.just(LATER), MOMENTS.filter(lambda moment: moment > BEGIN)))
def test_sql_and_python_agree(office: Organisation, past: dict[str, Any], now: datetime) -> None:
    for model in (CameraDay, Snapshot, StatusChange, QualityChange, CameraQuality, Camera):
        model.objects.all().delete()
    camera = make_camera(office, 1)
    register(camera, past["created_at"], deleted_at=past["deleted_at"])
    status(camera, *past["statuses"])
    flag(camera, past["flags"])
    if past["held"] is not None:
        hold(camera, past["held"])
    taken = set(range(*past["stretch"])) - set(past["results"])
    take(camera, taken)
    for number, result in past["results"].items():
        take(camera, [number], result)
    counted(camera, now)
