"""Faults of simulated cameras are plainly seen in their pictures, and nothing else is spoilt."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from gateway.scene.canvas import Bytes
from gateway.scene.faults import Fault
from gateway.scene.light import LightName
from gateway.scene.panorama import Site
from gateway.scene.scene import Scene
from gateway.scene.stage import build_stage
from protocol.codes import Classify
from tests.gateway.clock_reader import ClockReader
from tests.gateway.test_scene import AT, HEIGHT, LETTERER, NOON, WIDTH


def picture(painted: Path, fault: Fault | None, scale: int = 1, light: str = "day") -> Bytes:
    site = Site("G25", "溧水", Classify.ROADSIDE, 3)
    scene = Scene("K1100+300", site, LightName(light), LETTERER, painted, fault)
    width, height = WIDTH * scale, HEIGHT * scale
    stage = build_stage(scene, width, height)
    return stage.picture(scene.moved_at, AT)[: width * height].reshape(height, width).astype(np.int16)


def inner(one: Bytes) -> Bytes:
    """Without clock and name."""
    edge = len(one) // 8
    return one[edge:-edge]


def sharpness(one: Bytes) -> float:
    return float(np.abs(np.diff(inner(one), axis=1)).mean())


def is_flat(one: Bytes) -> npt.NDArray[np.bool_]:
    """Blocks of 8 x 8 in which there is next to nothing to be seen."""
    rows = inner(one)
    blocks = rows.reshape(len(rows) // 8, 8, WIDTH // 8, 8)
    return np.asarray(blocks.std(axis=(1, 3)) < 4)


def test_mud_hides_a_good_third_and_leaves_as_much_untouched(painted: Path) -> None:
    clean, muddy = picture(painted, None), picture(painted, Fault.OCCLUDED)
    assert 0.3 < (inner(clean) == inner(muddy)).mean() < 0.65
    hidden = is_flat(muddy) & ~is_flat(clean)
    assert hidden.sum() > 0.33 * (~is_flat(clean)).sum()
    assert (is_flat(clean) & ~is_flat(muddy)).mean() < 0.1


def test_mud_is_as_dark_as_the_night(painted: Path) -> None:
    day, night = (picture(painted, Fault.OCCLUDED, light=light) for light in ("day", "night"))
    covered = is_flat(day) & ~is_flat(picture(painted, None))
    for one, low, high in ((day, 50, 90), (night, 16, 45)):
        rows = inner(one)
        shades = rows.reshape(len(rows) // 8, 8, WIDTH // 8, 8).mean(axis=(1, 3))
        assert low < float(np.median(shades[covered])) < high


def test_both_streams_have_the_same_mud(painted: Path) -> None:
    small, large = (inner(picture(painted, Fault.OCCLUDED, scale)) for scale in (1, 2))
    halved = large.reshape(large.shape[0] // 2, 2, WIDTH, 2).mean(axis=(1, 3))
    assert float(np.abs(small - halved).mean()) < 6


@pytest.mark.parametrize("scale", [1, 2])
def test_a_defocused_picture_has_lost_its_edges_but_not_its_light(painted: Path, scale: int) -> None:
    clean, blurred = picture(painted, None, scale), picture(painted, Fault.BLURRED, scale)
    assert sharpness(blurred) < sharpness(clean) * 0.5
    assert inner(blurred).mean() == pytest.approx(inner(clean).mean(), abs=1.5)


@pytest.mark.parametrize("fault", [Fault.OCCLUDED, Fault.BLURRED])
def test_clock_and_name_stay_readable(painted: Path, fault: Fault) -> None:
    clean, spoilt = picture(painted, None), picture(painted, fault)
    read = ClockReader(WIDTH, HEIGHT).read(spoilt.astype(np.uint8))
    assert read == NOON
    assert (spoilt[-26:-6] > 215).mean() == pytest.approx((clean[-26:-6] > 215).mean(), abs=0.02)
