"""What is said of clean pictures and of faults, picture by picture."""

from datetime import timedelta

import numpy as np
import pytest

from protocol.codes import QualityFlag
from quality.diagnosis import FLAGS, Sight, look
from tests.quality.diagnosis.roadside import (
    NOON,
    Camera,
    Change,
    Light,
    blurred,
    covered,
    flags,
    foggy,
    road,
    sized,
)


@pytest.fixture(scope="module")
def known() -> Camera:
    """A camera whose road is known by day."""
    return Camera().learn()


@pytest.fixture
def camera(known: Camera) -> Camera:
    twin = Camera()
    twin.memory, twin.trace, twin.at = known.memory, known.trace, known.at
    return twin


def noisy(light: Light) -> Light:
    return light + np.random.default_rng(int(light.sum())).normal(0, 15, light.shape).astype(np.float32)


def black(light: Light) -> Light:
    return np.full_like(light, 6)


def test_a_clean_road_is_good_and_says_so(camera: Camera) -> None:
    for _ in range(12):
        seen = camera.see(camera.picture())
    # Whether it is offline a picture cannot say; flicker and stripes only a burst can.
    assert seen.verdicts == "-000000--"
    assert seen.confidence[QualityFlag.BLURRED] > 0.8
    assert seen.confidence[QualityFlag.OFFLINE] == 0
    assert np.isnan(seen.scores[QualityFlag.FLICKER])
    assert not seen.suspects


FAULTS: dict[str, tuple[QualityFlag, Change, Change]] = {
    "black": (QualityFlag.SIGNAL_LOST, black, np.copy),
    "flat cover": (QualityFlag.OCCLUDED, covered(0.35, 60), np.copy),
    "white cover": (QualityFlag.OCCLUDED, covered(0.35, 200), np.copy),
    "large dark cover": (QualityFlag.OCCLUDED, covered(0.6, 5), np.copy),
    "blur": (QualityFlag.BLURRED, blurred, np.copy),
    "dark": (QualityFlag.BRIGHTNESS, np.copy, lambda light: light * np.float32(0.4)),
    "bright": (QualityFlag.BRIGHTNESS, np.copy, lambda light: light + 90),
    "glaring": (QualityFlag.BRIGHTNESS, np.copy, lambda light: light + 160),
    "noise": (QualityFlag.NOISE, np.copy, noisy),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_has_its_own_verdict_after_three_pictures(camera: Camera, name: str) -> None:
    flag, change, sensor = FAULTS[name]
    first = camera.see(camera.picture(change, sensor=sensor))
    assert not flags(first), "one picture is not enough"
    camera.see(camera.picture(change, sensor=sensor))
    seen = camera.see(camera.picture(change, sensor=sensor))
    assert flags(seen) == {flag}
    assert seen.scores[flag] > 0.5
    assert not seen.has_learned, "what is wrong may not become usual"


@pytest.mark.parametrize("name", FAULTS)
def test_a_verdict_is_cleared_by_good_pictures(camera: Camera, name: str) -> None:
    flag, change, sensor = FAULTS[name]
    for _ in range(4):
        seen = camera.see(camera.picture(change, sensor=sensor))
    assert flags(seen) == {flag}
    seen = camera.see(camera.picture())
    assert flags(seen) == {flag}, "one picture is not enough"
    for _ in range(3):
        seen = camera.see(camera.picture())
    assert not flags(seen)


def test_a_frozen_picture_is_found_under_a_running_clock() -> None:
    """By night, when a live picture changes by little."""
    camera = Camera(road() * np.float32(0.15), noise=4)

    def clocked(light: Light) -> Light:
        """A caption that is another one every time, in a sixteenth of the picture."""
        light = light.copy()
        light[8:40, 8:208] = camera.rng.choice((16.0, 235.0), (4, 25)).repeat(8, 0).repeat(8, 1)
        return light

    for _ in range(24):
        assert not flags(camera.see(camera.picture(sensor=clocked)))
    luma = camera.picture().astype(np.float32)
    for _ in range(4):
        # What encoding it anew does to it.
        again = clocked(luma + camera.rng.normal(0, 1, luma.shape).astype(np.float32))
        seen = camera.see(np.clip(again, 0, 255).astype(np.uint8))
    assert flags(seen) == {QualityFlag.FROZEN}


def test_pictures_in_quick_succession_do_not_look_frozen(camera: Camera) -> None:
    luma = camera.picture()
    for _ in range(6):
        camera.at += timedelta(seconds=1) - timedelta(minutes=5)
        seen = camera.see(luma)
    assert np.isnan(seen.scores[QualityFlag.FROZEN])
    assert not flags(seen)


def test_a_lorry_that_passes_hides_nothing_for_long(camera: Camera) -> None:
    right = covered(0.4, 230)

    def left(light: Light) -> Light:
        return right(light[:, ::-1])[:, ::-1]

    for turn in range(8):
        seen = camera.see(camera.picture(left if turn % 2 else right))
        assert QualityFlag.OCCLUDED not in flags(seen)


def test_a_place_that_is_never_the_same_is_not_missed() -> None:
    camera = Camera()

    def jammed(light: Light) -> Light:
        """A third of the picture full of vehicles, others every time."""
        light = light.copy()
        light[:, 120:240] = camera.rng.uniform(20, 230, (12, 5)).repeat(24, 0).repeat(24, 1)
        return light

    for _ in range(24):
        camera.see(camera.picture(jammed))
    for _ in range(4):
        # A clear road, as it was never seen.
        seen = camera.see(camera.picture())
        assert not flags(seen)


def test_fog_is_no_fault(camera: Camera) -> None:
    for _ in range(8):
        seen = camera.see(camera.picture(foggy))
        assert not flags(seen)
    assert np.isnan(seen.scores[QualityFlag.OCCLUDED])
    assert not seen.has_learned


def test_dusk_is_known_from_the_days_before() -> None:
    camera = Camera()

    def fading(minute: int) -> Change:
        return lambda light: light * np.float32(np.exp(-minute / 90))

    for day in range(4):
        camera.at = NOON + timedelta(days=day)
        for minute in range(0, 175, 10):
            camera.at += timedelta(minutes=5)
            seen = camera.see(camera.picture(fading(minute)))
            assert day == 0 or not flags(seen), f"day {day}, minute {minute}"


def test_letters_written_behind_the_lens_do_not_hide_a_blur() -> None:
    camera = Camera()
    letters = (np.indices((16, 200)).sum(axis=0) // 2 % 2 * 255).astype(np.float32)

    def written(light: Light) -> Light:
        light = light.copy()
        light[8:24, 8:208] = light[260:276, 140:340] = letters
        return light

    for _ in range(24):
        camera.see(camera.picture(sensor=written))
    for _ in range(3):
        seen = camera.see(camera.picture(blurred, sensor=written))
    assert flags(seen) == {QualityFlag.BLURRED}


def test_a_moving_lens_is_not_judged(camera: Camera) -> None:
    before = camera.memory
    for _ in range(4):
        seen = camera.see(camera.picture(lambda light: np.roll(light, 120, 1)), is_moving=True)
        assert np.isnan(seen.scores).all()
    assert camera.memory is before
    seen = camera.see(camera.picture())
    assert not flags(seen)


def test_another_view_is_learned_anew(camera: Camera) -> None:
    camera.view = np.roll(road(2)[::-1], 110, 1)
    for _ in range(4):
        seen = camera.see(camera.picture())
        assert not flags(seen)
    assert seen.memory.learned <= 1
    camera.learn(12)
    for _ in range(3):
        seen = camera.see(camera.picture(blurred))
    assert flags(seen) == {QualityFlag.BLURRED}


def test_a_stream_of_another_size_is_another_view(camera: Camera) -> None:
    camera.view = sized(road(), 576, 704)
    seen = camera.see(camera.picture())
    assert np.isnan(seen.scores[QualityFlag.BLURRED])
    assert seen.memory.learned == 1


def test_a_fault_of_the_old_size_does_not_keep_the_new_one_from_being_learned(camera: Camera) -> None:
    for _ in range(3):
        seen = camera.see(camera.picture(covered(0.35, 60)))
    assert flags(seen) == {QualityFlag.OCCLUDED}
    camera.view = sized(road(), 576, 704)
    camera.learn(12)
    seen = camera.see(camera.picture())
    assert (seen.memory.is_ready, seen.verdicts) == (True, "-000000--")
    for _ in range(3):
        seen = camera.see(camera.picture(covered(0.35, 60)))
    assert flags(seen) == {QualityFlag.OCCLUDED}


@pytest.mark.parametrize(("height", "width"), [(360, 640), (720, 1280)])
def test_any_size_is_judged(height: int, width: int) -> None:
    camera = Camera(sized(road(), height, width)).learn(9)
    for _ in range(3):
        seen = camera.see(camera.picture(covered(0.4, 60)))
    assert flags(seen) == {QualityFlag.OCCLUDED}


def test_sensitivity_moves_a_flag_both_ways(camera: Camera) -> None:
    luma = camera.picture(lambda light: blurred(light, 0.9))
    plain, eager, slow = (
        look([Sight(luma, camera.at + timedelta(minutes=5), camera.memory, camera.trace, given)])[0].scores
        for given in ((), (0, 0, 0, 2), (0, 0, 0, -2))
    )
    assert slow[QualityFlag.BLURRED] < plain[QualityFlag.BLURRED] < eager[QualityFlag.BLURRED]
    assert eager[QualityFlag.BRIGHTNESS] == plain[QualityFlag.BRIGHTNESS]


def test_a_batch_says_of_each_camera_what_it_says_alone(camera: Camera) -> None:
    at = camera.at + timedelta(minutes=5)
    sights = [
        Sight(camera.picture(change), at, camera.memory, camera.trace)
        for change in (np.copy, blurred, black, covered(0.5, 30))
    ]
    together = look(sights)
    for sight, seen in zip(sights, together, strict=True):
        (alone,) = look([sight])
        np.testing.assert_allclose(seen.scores, alone.scores, rtol=1e-4)
        assert seen.trace.to_bytes() == alone.trace.to_bytes()
    assert look([]) == []


def test_every_flag_has_its_place(camera: Camera) -> None:
    seen = camera.see(camera.picture())
    assert len(seen.verdicts) == len(seen.scores) == len(seen.confidence) == FLAGS == len(QualityFlag)
