"""Whose stream is read for a burst, how many at a time, and what becomes of it."""

import threading
from collections.abc import Iterable
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.core.checks import run_checks
from django.db import connection, transaction
from django.utils import timezone
from time_machine import TimeMachineFixture

from access.choices import ActorKind
from cameras.choices import OnlineStatus
from cameras.models import Camera
from province.celery import app
from ptz.choices import PtzLevel
from ptz.models import PtzLease
from quality.choices import NOTHING_SAID
from quality.models import CameraDiagnosis
from quality.services.bursts import claim_bursts, look_at_bursts
from quality.services.rows import lock_rows
from quality.timing import ROUND_SECONDS
from snapshots.slots import unix_slot
from streaming.selectors import CaptureTarget
from tests.cameras.ledger import camera, register, wire
from tests.cast import Caller
from tests.quality.conftest import NOON
from tests.quality.engine import GREY, ToldEngine, judge
from tests.quality.reports import held
from tests.snapshots.flv_server import FlvServer, live, status

pytestmark = pytest.mark.django_db

FLICKERS = "-------10"


@pytest.fixture
def ids(gateway: Caller) -> list[int]:
    """Five cameras with streams, known to the diagnosis."""
    register(gateway, wire(4), wire(5))
    found = [camera(n).pk for n in range(1, 6)]
    Camera.objects.filter(pk__in=found).update(
        status=OnlineStatus.ONLINE, has_stream=True, status_at=timezone.now()
    )
    with transaction.atomic():
        lock_rows(found)
    return found


def burst_minutes_ago(pk: int, minutes: float, *, is_wanted: bool = False) -> None:
    at = NOON - timedelta(minutes=minutes)
    CameraDiagnosis.objects.filter(pk=pk).update(burst_at=at, wants_burst=is_wanted)


class Streams:
    """Stands for streaming.selectors.capture_targets."""

    def __init__(self, media: FlvServer, clip: bytes) -> None:
        self.media, self.clip = media, clip
        self.gone: set[int] = set()
        self.asked: list[int] = []

    def __call__(self, camera_ids: Iterable[int]) -> list[CaptureTarget]:
        self.asked = list(camera_ids)
        for pk in self.asked:
            self.media.behaviours[f"/{pk}.flv"] = status(404) if pk in self.gone else live(self.clip)
        return [CaptureTarget(pk, True, f"{self.media.base}/{pk}.flv", "H264") for pk in self.asked]


@pytest.fixture
def streams(media: FlvServer, road_clip: bytes, settings: LazySettings) -> Streams:
    settings.QUALITY_BURST_SECONDS = 1
    return Streams(media, road_clip)


def test_suspected_cameras_come_first_and_the_rotation_goes_on(ids: list[int]) -> None:
    first, second, third, fourth, fifth = ids
    for pk in (first, second, third, fourth):
        burst_minutes_ago(pk, 10, is_wanted=True)
    burst_minutes_ago(fifth, 120)
    assert sorted(claim_bursts(now=NOON, most=4)) == sorted([first, second, third, fifth])
    # Their turn is over; the fourth was never read.
    assert claim_bursts(now=NOON, most=4) == [fourth]
    assert claim_bursts(now=NOON + timedelta(minutes=4), most=4) == []
    assert len(claim_bursts(now=NOON + timedelta(minutes=5), most=9)) == 4
    # Without suspicion once an hour.
    CameraDiagnosis.objects.update(wants_burst=False)
    assert claim_bursts(now=NOON + timedelta(minutes=59), most=9) == []
    assert claim_bursts(now=NOON + timedelta(minutes=60), most=9) == [fifth]


def test_the_rotation_takes_the_longest_waiting(ids: list[int]) -> None:
    for minutes, pk in enumerate(ids[:-1]):
        burst_minutes_ago(pk, 70 + minutes)
    assert claim_bursts(now=NOON, most=3) == [ids[4], ids[3], ids[2]]


@pytest.mark.parametrize(
    "out",
    [
        {"deleted_at": NOON},
        {"is_pending": True},
        {"has_stream": False},
        {"status": OnlineStatus.OFFLINE},
    ],
)
def test_cameras_without_a_picture_have_no_turn(ids: list[int], out: dict[str, object]) -> None:
    Camera.objects.filter(pk=ids[0]).update(**out)
    assert sorted(claim_bursts(now=NOON, most=9)) == ids[1:]


def test_a_camera_that_is_turned_has_no_turn(ids: list[int], settings: LazySettings) -> None:
    settings.QUALITY_MUTE_MINUTES = 10
    for pk, minutes in ((ids[0], 9), (ids[1], 11)):
        until = NOON - timedelta(minutes=minutes)
        PtzLease.objects.create(
            camera_id=pk,
            level=PtzLevel.PROVINCE,
            holder_kind=ActorKind.STAFF,
            holder_name="王工",
            held_until=until,
        )
    assert sorted(claim_bursts(now=NOON, most=9)) == ids[1:]


def test_a_burst_counts_among_the_verdicts(ids: list[int], streams: Streams) -> None:
    engine = ToldEngine({GREY: "-00000---"}, suspects=frozenset({7}), burst_words="-0000001-")
    judge(engine, NOON - timedelta(minutes=5), ids[0])
    assert CameraDiagnosis.objects.get(pk=ids[0]).wants_burst
    engine.suspects = frozenset()
    assert look_at_bursts(now=NOON, engine=engine, targets=streams) == 5
    assert held(1) == "000000010"
    row = CameraDiagnosis.objects.get(pk=ids[0])
    assert (row.told_slots[7], row.burst_at) == (unix_slot(NOON), NOON)
    # Said to flicker, so it is read again until it is cleared.
    assert row.wants_burst
    burst = engine.bursts[0]
    assert len(burst.frames) == len(burst.seconds) >= 25
    engine.burst_words = "-0000000-"
    look_at_bursts(now=NOON + timedelta(minutes=5), engine=engine, targets=streams)
    assert held(1) == "000000000"
    assert not CameraDiagnosis.objects.filter(wants_burst=True).exists()


def test_a_round_is_bounded(ids: list[int], streams: Streams, settings: LazySettings) -> None:
    settings.QUALITY_BURSTS_PER_MINUTE = 8
    assert look_at_bursts(now=NOON, engine=ToldEngine(), targets=streams) == 2
    settings.QUALITY_BURSTS_PER_MINUTE = 0
    assert look_at_bursts(now=NOON, engine=ToldEngine(), targets=streams) == 0


def test_a_dead_stream_costs_its_own_turn_only(ids: list[int], streams: Streams) -> None:
    streams.gone = {ids[0], ids[2]}
    engine = ToldEngine(burst_words=FLICKERS)
    assert look_at_bursts(now=NOON, engine=engine, targets=streams) == 3
    assert set(CameraDiagnosis.objects.filter(flags=NOTHING_SAID).values_list("pk", flat=True)) == {
        ids[0],
        ids[2],
    }
    assert claim_bursts(now=NOON, most=9) == []


def test_turned_between_claim_and_verdict(ids: list[int], streams: Streams) -> None:
    engine = ToldEngine(burst_words=FLICKERS)

    def turn(camera_ids: Iterable[int]) -> list[CaptureTarget]:
        found = streams(camera_ids)
        PtzLease.objects.create(
            camera_id=ids[0],
            level=PtzLevel.PROVINCE,
            holder_kind=ActorKind.STAFF,
            holder_name="王工",
            held_until=NOON + timedelta(seconds=30),
        )
        return found

    assert look_at_bursts(now=NOON, engine=engine, targets=turn) == 4
    assert held(1) == ""


@pytest.mark.django_db(transaction=True)
def test_two_rounds_at_once_share_the_cameras(ids: list[int], time_machine: TimeMachineFixture) -> None:
    claimed: list[list[int]] = []

    def other() -> None:
        try:
            claimed.append(claim_bursts(now=NOON, most=9))
        finally:
            connection.close()

    with transaction.atomic():
        mine = claim_bursts(now=NOON, most=3)
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(10)
    assert (sorted(mine + claimed[0]), len(mine)) == (sorted(ids), 3)


def test_the_timetable_has_a_round_as_often_as_it_is_counted() -> None:
    assert app.conf.beat_schedule["look-at-bursts"]["schedule"] == ROUND_SECONDS


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("QUALITY_BURSTS_PER_MINUTE", 128, set()),
        ("QUALITY_BURSTS_PER_MINUTE", 129, {"quality.E003"}),
        ("QUALITY_BURSTS_PER_MINUTE", -1, {"quality.E003"}),
        ("QUALITY_BURST_SECONDS", 0.5, {"quality.E002"}),
        ("QUALITY_LOST_CAPTURES", 0, {"quality.E001"}),
        ("QUALITY_MUTE_MINUTES", -1, {"quality.E001"}),
        ("SNAPSHOT_TIMEOUT_SECONDS", 14, {"quality.W001"}),
    ],
)
def test_settings_are_checked(settings: LazySettings, name: str, value: float, found: set[str]) -> None:
    setattr(settings, name, value)
    assert {message.id for message in run_checks() if str(message.id).startswith("quality.")} == found
