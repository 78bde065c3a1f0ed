"""What consecutive frames show."""

from collections.abc import Callable

import numpy as np
import pytest

from protocol.codes import QualityFlag
from quality.diagnosis import Burst, Look, Memory, Trace, look_at_burst
from tests.quality.diagnosis.roadside import HEIGHT, NOON, Light, Luma, flags, road

RATE = 25


Course = Callable[[Light, float], Light]


def still(light: Light, at: float) -> Light:
    return light


def frames(course: Course = still, *, lorry: float = 0.0) -> list[Luma]:
    """A lorry, `lorry` of the width long, drives through."""
    rng = np.random.default_rng(5)
    pictures = []
    for index in range(2 * RATE):
        light = road().copy()
        begin = index * 6 % light.shape[1]
        light[80:240, begin : begin + round(lorry * light.shape[1])] = 215
        light = course(light, index / RATE) + rng.normal(0, 2, light.shape).astype(np.float32)
        pictures.append(np.clip(np.round(light), 0, 255).astype(np.uint8))
    return pictures


def look_at(
    pictures: list[Luma],
    *,
    rate: int = RATE,
    trace: Trace | None = None,
    sensitivity: tuple[float, ...] = (),
) -> Look:
    times = [index / rate for index in range(len(pictures))]
    return look_at_burst(Burst(pictures, times, NOON, Memory(), trace or Trace(), sensitivity))


def flicker(hertz: float, share: float = 0.15) -> Course:
    return lambda light, at: light * np.float32(1 + share * np.sin(2 * np.pi * hertz * at))


def stripes(bands: int, hertz: float, luma: float = 15) -> Course:
    rows = np.arange(HEIGHT, dtype=np.float32)[:, None] / HEIGHT
    return lambda light, at: light + luma * np.sin(2 * np.pi * (bands * rows - hertz * at)).astype(np.float32)


@pytest.mark.parametrize("hertz", [1, 2.5, 6, 10])
def test_flicker_is_decided_by_one_burst(hertz: float) -> None:
    assert flags(look_at(frames(flicker(hertz)))) == {QualityFlag.FLICKER}


@pytest.mark.parametrize(("bands", "hertz"), [(1, 0.5), (3, 1), (6, 4)])
def test_stripes_are_decided_by_one_burst(bands: int, hertz: float) -> None:
    assert flags(look_at(frames(stripes(bands, hertz)))) == {QualityFlag.STRIPES}


@pytest.mark.parametrize("lorry", [0.0, 0.2, 0.45])
def test_traffic_is_neither(lorry: float) -> None:
    assert look_at(frames(lorry=lorry)).verdicts == "-------00"


def fading(light: Light, at: float) -> Light:
    return light * np.float32(1 - 0.2 * at)


def jumping(light: Light, at: float) -> Light:
    return light * np.float32(1.0 if at < 1 else 1.3)


@pytest.mark.parametrize("course", [fading, jumping])
def test_exposure_that_follows_the_light_is_no_flicker(course: Course) -> None:
    assert not flags(look_at(frames(course)))


def test_a_burst_says_nothing_of_the_other_flags() -> None:
    heard = np.full(9, np.nan, np.float32)
    heard[QualityFlag.BLURRED] = 0.95
    trace = Trace().heard(heard).heard(heard)
    assert look_at(frames(), trace=trace).verdicts == "---1---00"


def test_a_good_burst_clears_a_bad_one() -> None:
    bad = look_at(frames(flicker(4)))
    assert flags(bad) == {QualityFlag.FLICKER}
    assert not flags(look_at(frames(), trace=bad.trace))


def test_too_short_a_burst_says_nothing() -> None:
    pictures = frames(flicker(4))
    few = look_at(pictures[:19], rate=10)
    quick = look_at(pictures, rate=100)
    assert few.verdicts == quick.verdicts == look_at([]).verdicts == "-" * 9


def test_sensitivity_counts_in_bursts() -> None:
    slow = (0.0,) * QualityFlag.FLICKER + (-3.0,)
    plain, slower = (look_at(frames(flicker(3, 0.06)), sensitivity=given) for given in ((), slow))
    assert slower.scores[QualityFlag.FLICKER] < plain.scores[QualityFlag.FLICKER]
