"""Pictures and gaps of a round in, verdicts out: what counts, what says nothing, what is kept for the next picture."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from time_machine import TimeMachineFixture

from access.choices import ActorKind
from cameras.choices import OnlineStatus
from cameras.models import Camera
from ptz.choices import PtzLevel
from ptz.models import PtzLease
from quality.choices import QualityFlag
from quality.models import CameraDiagnosis, CameraQuality, CameraView
from quality.services.verdicts import forget_deleted
from snapshots.capture.crew import Shot
from snapshots.choices import SnapshotResult
from tests.cameras.ledger import camera, register, wire
from tests.cast import Caller
from tests.quality.conftest import NOON
from tests.quality.engine import GREY, ToldEngine, judge, learned_memory, shot
from tests.quality.reports import held, history, report

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("gateway")]

SLOT = timedelta(minutes=5)
FINE, BLURRED, UNSURE = "-00000000", "-00100000", "-00------"


def row(n: int = 1) -> CameraDiagnosis:
    return CameraDiagnosis.objects.get(camera=camera(n))


def set_status(status: OnlineStatus, n: int = 1) -> None:
    Camera.objects.filter(pk=camera(n).pk).update(status=status, status_at=timezone.now())


def gap(result: SnapshotResult, n: int = 1) -> Shot:
    return Shot(camera(n).pk, result)


def control(until_minutes: float, n: int = 1) -> None:
    """Somebody turns camera `n`, and holds it until so many minutes after noon."""
    until = NOON + timedelta(minutes=until_minutes)
    holder = {"level": PtzLevel.PROVINCE, "holder_kind": ActorKind.STAFF, "holder_name": "王工"}
    PtzLease.objects.update_or_create(camera=camera(n), defaults={"held_until": until, **holder})


def test_a_verdict_holds_with_its_picture_score_and_confidence() -> None:
    set_status(OnlineStatus.ONLINE)
    engine = ToldEngine({GREY: "-00100000"})
    assert judge(engine, NOON, camera(1).pk) == 1
    assert (held(), history()) == ("000100000", [("000100000", "d")])
    kept = row()
    flag = QualityFlag.BLURRED
    assert (kept.flags, kept.told_slots[flag]) == ("000100000", NOON.timestamp())
    assert (kept.scores[flag], kept.confidence[flag]) == (0.9, 0.8)
    # The picture that told it stays the one that told it.
    judge(engine, NOON + SLOT, camera(1).pk)
    assert row().told_slots[flag] == NOON.timestamp()
    engine.words = {GREY: "-00000000"}
    assert judge(engine, NOON + 2 * SLOT, camera(1).pk) == 1
    assert (held(), row().told_slots[flag]) == ("000000000", None)


def test_what_the_engine_cannot_say_stays_unsaid() -> None:
    engine = ToldEngine({GREY: UNSURE})
    judge(engine, NOON, camera(1).pk)
    assert row().flags == "-00------"
    assert CameraQuality.objects.get().sources == "-dd------"
    assert (row().scores[QualityFlag.BLURRED], row().confidence[QualityFlag.BLURRED]) == (None, None)


def test_a_slot_counts_once() -> None:
    for _ in range(4):
        judge(ToldEngine(), NOON, gap(SnapshotResult.NO_KEY_FRAME))
    assert row().failures == 1
    judge(ToldEngine({GREY: BLURRED}), NOON, camera(1).pk)
    assert held() == ""
    judge(ToldEngine({GREY: BLURRED}), NOON - SLOT, camera(1).pk)
    assert held() == ""


def test_a_clock_that_was_a_day_ahead_silences_nothing(
    gateway: Caller, clock: TimeMachineFixture
) -> None:
    engine, tomorrow = ToldEngine({GREY: FINE}), NOON + timedelta(days=1)
    clock.move_to(tomorrow)
    judge(engine, tomorrow, camera(1).pk)
    report(gateway, (1, "000000000"))
    clock.move_to(NOON)
    for slot in range(3):
        judge(engine, NOON + slot * SLOT, gap(SnapshotResult.NO_KEY_FRAME))
        clock.shift(SLOT)
    assert (row().failures, held()) == (3, "010000000")
    for slot in range(3, 6):
        judge(engine, NOON + slot * SLOT, camera(1).pk)
        clock.shift(SLOT)
    assert held() == "000000000"


@pytest.mark.parametrize("result", [SnapshotResult.NO_KEY_FRAME, SnapshotResult.UNDECODABLE])
def test_a_stream_without_pictures_is_signal_lost_and_comes_back_likewise(result: SnapshotResult) -> None:
    engine, said = ToldEngine({GREY: FINE}), []
    for slot in range(3):
        judge(engine, NOON + slot * SLOT, gap(result))
        said.append(held())
    assert said == ["", "", "010000000"]
    assert row().told_slots[QualityFlag.SIGNAL_LOST] == (NOON + 2 * SLOT).timestamp()
    for slot in range(3, 6):
        judge(engine, NOON + slot * SLOT, camera(1).pk)
        said.append(held())
    assert said[3:] == ["010000000", "010000000", "000000000"]


def test_one_missed_picture_now_and_then_is_no_lost_signal() -> None:
    engine = ToldEngine({GREY: FINE})
    for slot in range(12):
        missed = gap(SnapshotResult.NO_KEY_FRAME)
        judge(engine, NOON + slot * SLOT, missed if slot % 2 else camera(1).pk)
        assert held() == "000000000"


@pytest.mark.parametrize(
    "result",
    [
        SnapshotResult.OFFLINE,
        SnapshotResult.REFUSED,
        SnapshotResult.STORAGE,
        SnapshotResult.NOT_RUN,
        SnapshotResult.NOT_H264,
        SnapshotResult.UNREACHABLE,
    ],
)
def test_other_gaps_say_nothing_of_the_picture(result: SnapshotResult) -> None:
    for slot in range(5):
        judge(ToldEngine(), NOON + slot * SLOT, gap(result))
    assert not CameraQuality.objects.filter(flags__contains="1").exists()


def test_offline_is_what_the_status_says() -> None:
    judge(ToldEngine(), NOON, gap(SnapshotResult.OFFLINE))
    assert held() == ""  # nobody knows yet
    set_status(OnlineStatus.OFFLINE)
    judge(ToldEngine(), NOON + SLOT, gap(SnapshotResult.OFFLINE))
    assert held() == "100000000"
    set_status(OnlineStatus.ONLINE)
    judge(ToldEngine({GREY: UNSURE}), NOON + 2 * SLOT, camera(1).pk)
    assert held() == "000000000"
    set_status(OnlineStatus.FAULT)
    judge(ToldEngine(), NOON + 3 * SLOT, gap(SnapshotResult.OFFLINE))
    assert held() == "100000000"


def test_a_camera_that_is_turned_is_not_judged_and_learned_anew(settings: LazySettings) -> None:
    settings.QUALITY_MUTE_MINUTES = 10
    engine = ToldEngine({GREY: FINE}, learned=learned_memory())
    judge(engine, NOON, camera(1).pk)
    assert (engine.sights[0].is_moving, engine.forgotten) == (False, 0)
    learned = CameraView.objects.get().view_since
    control(until_minutes=5.5)
    moving = []
    for slot in range(1, 5):
        judge(engine, NOON + slot * SLOT, camera(1).pk)
        moving.append(engine.sights[0].is_moving)
    # Pictures five seconds after 5, 10 and 15 minutes past; the quiet time ends at 15.5.
    assert moving == [True, True, True, False]
    assert engine.forgotten == 1
    assert CameraView.objects.get().view_since != learned


def test_memory_is_kept_by_band_and_belongs_to_one_view() -> None:
    engine, given = ToldEngine(learned=learned_memory()), []
    judge(engine, NOON, camera(1).pk)
    engine.learned = None
    for hours, held_for_minutes in ((0.1, 0), (3, 0), (24, 1500), (24.1, 0)):
        if held_for_minutes:
            control(until_minutes=held_for_minutes)
        judge(engine, NOON + timedelta(hours=hours), camera(1).pk)
        given.append(engine.sights[0].memory.to_bytes() == learned_memory().to_bytes())
    # The same band, another one, the same next day but of another view, and still.
    assert given == [True, False, False, False]


def test_only_what_was_learned_is_written() -> None:
    engine = ToldEngine()
    judge(engine, NOON, camera(1).pk)
    assert not CameraView.objects.exists()
    engine.learned = learned_memory()
    judge(engine, NOON + SLOT, camera(1).pk)
    assert CameraView.objects.get().learned_at == NOON + SLOT + timedelta(seconds=5)


def test_the_engine_hears_the_cameras_own_sensitivity() -> None:
    judge(ToldEngine(), NOON, camera(1).pk)
    shifts = [0, 0, 0, -0.7, 0, 0, 0, 0, 0]
    CameraDiagnosis.objects.update(sensitivity=shifts)
    engine = ToldEngine()
    judge(engine, NOON + SLOT, camera(1).pk)
    assert list(engine.sights[0].sensitivity) == shifts
    assert row().sensitivity == shifts


def test_without_diagnosis_the_stream_alone_speaks(settings: LazySettings) -> None:
    settings.QUALITY_DIAGNOSIS = False
    set_status(OnlineStatus.ONLINE)
    engine = ToldEngine({GREY: BLURRED})
    judge(engine, NOON, camera(1).pk)
    assert (engine.sights, held()) == ([], "000000000")
    for slot in range(1, 4):
        judge(engine, NOON + slot * SLOT, gap(SnapshotResult.NO_KEY_FRAME))
    assert held() == "010000000"
    for slot in range(4, 7):
        judge(engine, NOON + slot * SLOT, camera(1).pk)
    assert held() == "000000000"


@pytest.mark.parametrize("out", [{"deleted_at": NOON}, {"is_pending": True}])
def test_what_is_not_in_the_ledger_is_not_judged(out: dict[str, object]) -> None:
    Camera.objects.filter(pk=camera(1).pk).update(**out)
    judge(ToldEngine({GREY: BLURRED}), NOON, camera(1).pk, 10**9)
    assert not CameraDiagnosis.objects.exists()


def test_everything_of_a_deleted_camera_is_forgotten() -> None:
    engine = ToldEngine({GREY: BLURRED}, learned=learned_memory())
    judge(engine, NOON, camera(1).pk, camera(2).pk)
    Camera.objects.filter(pk=camera(1).pk).update(deleted_at=NOON)
    forget_deleted()
    for model in (CameraDiagnosis, CameraView, CameraQuality):
        assert set(model._default_manager.values_list("camera", flat=True)) == {camera(2).pk}


def test_the_number_of_queries_does_not_grow_with_the_batch(gateway: Caller) -> None:
    register(gateway, *[wire(n) for n in range(10, 50)])
    counts = []
    for first, size in ((10, 3), (20, 30)):
        ids = [camera(n).pk for n in range(first, first + size)]
        control(until_minutes=60, n=first)
        for slot, words in enumerate((BLURRED, FINE, FINE)):
            engine = ToldEngine({GREY: words}, learned=learned_memory())
            with CaptureQueriesContext(connection) as queries:
                judge(engine, NOON + slot * SLOT, *ids)
            counts.append(len(queries))
    assert counts[:3] == counts[3:]
    assert max(counts) <= 24


def test_pictures_of_two_greys_are_told_apart() -> None:
    engine = ToldEngine({GREY: FINE, 3: "-1-------"})
    judge(engine, NOON, camera(1).pk, shot(camera(2).pk, NOON, grey=3))
    assert (held(1), held(2)) == ("000000000", "010000000")
