"""What is kept of a camera between two pictures."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from protocol.codes import QualityFlag
from quality.diagnosis import BANDS, Memory, Trace, band_of, forget_view
from quality.diagnosis.features import measure
from quality.diagnosis.learning import learned
from quality.diagnosis.memory import to_code
from tests.quality.diagnosis.roadside import NOON, Camera, covered, flags, road


@pytest.fixture(scope="module")
def known() -> Camera:
    return Camera().learn(12)


def test_bytes_bring_everything_back(known: Camera) -> None:
    memory, trace = Memory.from_bytes(known.memory.to_bytes()), Trace.from_bytes(known.trace.to_bytes())
    assert memory.to_bytes() == known.memory.to_bytes()
    assert (memory.learned, memory.width, memory.height) == (12, 352, 288)
    assert memory.is_ready
    assert trace.to_bytes() == known.trace.to_bytes()
    assert trace.verdicts == known.trace.verdicts
    assert trace.seen_at == known.trace.seen_at


def test_a_watch_over_bytes_ends_where_one_over_objects_does(known: Camera) -> None:
    one, other = Camera(), Camera()
    one.memory = other.memory = known.memory
    for _ in range(4):
        one.see(one.picture(covered(0.4, 50)))
        other.see(other.picture(covered(0.4, 50)))
        other.memory = Memory.from_bytes(other.memory.to_bytes())
        other.trace = Trace.from_bytes(other.trace.to_bytes())
    assert one.trace.verdicts == other.trace.verdicts == "-010000--"


def test_little_is_kept(known: Camera) -> None:
    assert len(known.memory.to_bytes()) < 3200
    assert len(known.trace.to_bytes()) < 2000


@pytest.mark.parametrize("damage", [b"", b"\x01", b"\xff" * 3000, None])
def test_what_cannot_be_read_is_empty(known: Camera, damage: bytes | None) -> None:
    memory = known.memory.to_bytes()
    trace = known.trace.to_bytes()
    read = Memory.from_bytes(b"\x00" + memory[1:] if damage is None else damage)
    assert read.learned == 0
    assert Trace.from_bytes(b"\x00" + trace[1:] if damage is None else damage).verdicts == "-" * 9


def test_an_empty_memory_needs_no_bytes() -> None:
    assert Memory().to_bytes() == b""


def test_bands_are_hours_in_beijing() -> None:
    midnight = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)
    assert [band_of(midnight + timedelta(hours=hour)) for hour in range(24)] == [
        band for band in range(BANDS) for _ in range(3)
    ]
    assert band_of(datetime(2026, 11, 22, 2, 59, tzinfo=timezone(timedelta(hours=8)))) == 0


def test_looking_changes_nothing_that_was_given(known: Camera) -> None:
    twin = Camera()
    twin.memory, twin.trace, twin.at = known.memory, known.trace, known.at
    memory, trace = known.memory.to_bytes(), known.trace.to_bytes()
    seen = twin.see(twin.picture())
    assert seen.has_learned
    assert seen.memory.learned == 13
    assert known.memory.to_bytes() == memory
    assert known.trace.to_bytes() == trace


@pytest.mark.parametrize("minutes", [5, 15])
def test_a_well_known_view_is_learned_now_and_then(minutes: int) -> None:
    camera = Camera().learn(40)
    times = 0
    for _ in range(24):
        camera.at += timedelta(minutes=minutes - 5)
        times += camera.see(camera.picture()).has_learned
    assert 4 <= times <= 12


def test_memories_follow_slow_changes() -> None:
    """Steps of less than a code are not lost in rounding."""
    memory = Memory()
    for brighter in (1.0, 1.05):
        features = measure((road() * np.float32(brighter)).astype(np.uint8))
        for _ in range(80):
            memory = learned(
                memory,
                features,
                level=4.0,
                likeness=np.ones((18, 22), np.float32),
                statistics=np.zeros(4, np.float32),
                at=NOON,
            )
        assert memory.view.mean() == pytest.approx(to_code(features.means).mean(), abs=0.3)


def test_a_view_left_for_good_is_forgotten(known: Camera) -> None:
    camera = Camera()
    camera.memory, camera.trace, camera.at = known.memory, known.trace, known.at
    for _ in range(3):
        seen = camera.see(camera.picture(covered(0.4, 50)))
    assert flags(seen) == {QualityFlag.OCCLUDED}
    assert forget_view(camera.trace).verdicts == "-0----0--"
