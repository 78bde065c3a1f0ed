"""The drawn picture: what it shows, and that control is plainly seen in it."""

import datetime
from pathlib import Path

import numpy as np
import pytest

from gateway.scene.canvas import Bytes
from gateway.scene.light import LightName, light_at
from gateway.scene.panorama import Site
from gateway.scene.scene import Scene
from gateway.scene.stage import Stage, build_stage
from gateway.scene.text import BEIJING, Letterer, find_font
from gateway.scene.traffic import Traffic
from protocol.codes import Classify, PtzAction
from tests.gateway.clock_reader import ClockReader

LETTERER = Letterer(find_font(None))
WIDTH, HEIGHT = 352, 288
NOON = datetime.datetime(2026, 11, 22, 12, 30, 15, 700_000, tzinfo=BEIJING)
AT = NOON.timestamp()


def scene(
    painted: Path, light: str = "day", classify: int = 1, name: str = "G25 长深高速 K1100+300"
) -> Scene:
    site = Site("G25", "溧水", Classify(classify), 3)
    return Scene(name, site, LightName(light), LETTERER, painted)


def luma(stage: Stage, now: float, at: float = AT) -> Bytes:
    return stage.picture(now, at)[: WIDTH * HEIGHT].reshape(HEIGHT, WIDTH).copy()


def difference(one: Bytes, other: Bytes) -> float:
    """Mean over the picture without the clock and the name, which do not turn with the camera."""
    rows = slice(HEIGHT // 8, HEIGHT - HEIGHT // 8)
    return float(np.abs(one[rows].astype(int) - other[rows].astype(int)).mean())


@pytest.fixture
def day(painted: Path) -> Scene:
    return scene(painted)


def ordered(place: Scene, stage: Stage, action: PtzAction, seconds: float = 0.9) -> Bytes:
    """The picture after an order has run."""
    begun = place.moved_at + 0.1
    luma(stage, begun)
    place.view.order(action, 5, begun)
    for tick in range(1, round(seconds / 0.04) + 1):
        luma(stage, begun + tick * 0.04)
    place.view.order(PtzAction.STOP, 1, begun + seconds)
    return luma(stage, begun + seconds + 0.04)


@pytest.mark.parametrize(
    "action",
    [PtzAction.LEFT, PtzAction.RIGHT, PtzAction.UP, PtzAction.DOWN, PtzAction.ZOOM_IN, PtzAction.FOCUS_NEAR],
)
def test_a_movement_changes_the_picture_and_home_brings_it_back(day: Scene, action: PtzAction) -> None:
    stage = build_stage(day, WIDTH, HEIGHT)
    before = luma(stage, day.moved_at)
    moved = ordered(day, stage, action)
    assert difference(before, moved) > 2.5
    day.view.order(PtzAction.HOME, 1, day.moved_at)
    back = ordered(day, stage, PtzAction.HOME, seconds=4)
    assert difference(before, back) < 0.8


def test_iris_and_lamp_change_the_brightness(painted: Path) -> None:
    place = scene(painted, "night")
    stage = build_stage(place, WIDTH, HEIGHT)
    plain = float(luma(stage, place.moved_at).mean())
    assert float(ordered(place, stage, PtzAction.IRIS_OPEN).mean()) > plain + 8
    assert float(ordered(place, stage, PtzAction.HOME, seconds=3).mean()) == pytest.approx(plain, abs=2)
    assert float(ordered(place, stage, PtzAction.LIGHT_ON).mean()) > plain + 8
    assert float(ordered(place, stage, PtzAction.IRIS_CLOSE).mean()) < plain + 8


def test_a_still_camera_shows_a_still_road_with_moving_traffic(day: Scene) -> None:
    stage = build_stage(day, WIDTH, HEIGHT)
    first = luma(stage, day.moved_at)
    assert np.array_equal(first, luma(build_stage(day, WIDTH, HEIGHT), day.moved_at))
    later = luma(stage, day.moved_at, AT + 4)
    changed = (np.abs(first.astype(int) - later.astype(int)) > 12).mean()
    assert 0.002 < changed < 0.25


def test_both_streams_of_a_camera_turn_together(day: Scene) -> None:
    low, high = build_stage(day, WIDTH, HEIGHT), build_stage(day, WIDTH * 2, HEIGHT * 2)
    ordered(day, low, PtzAction.RIGHT)
    small = luma(low, day.moved_at)
    large = (
        high.picture(day.moved_at, AT)[: WIDTH * HEIGHT * 4].reshape(HEIGHT, 2, WIDTH, 2).mean(axis=(1, 3))
    )
    rows = slice(HEIGHT // 8, HEIGHT - HEIGHT // 8)
    assert float(np.abs(small[rows] - large[rows]).mean()) < 6


@pytest.mark.parametrize(("width", "height"), [(352, 288), (1280, 720), (640, 360)])
def test_the_clock_tells_the_tenth_of_a_second(day: Scene, width: int, height: int) -> None:
    stage, reader = build_stage(day, width, height), ClockReader(width, height)
    for tenths in (0, 3, 18, 36_425):
        at = NOON + datetime.timedelta(seconds=tenths / 10)
        picture = stage.picture(day.moved_at, at.timestamp() + 0.01)[: width * height].reshape(height, width)
        assert reader.read(picture) == at


def test_the_name_stands_in_the_lower_right_corner(painted: Path) -> None:
    named, other = scene(painted), scene(painted, name="K9")
    picture = luma(build_stage(named, WIDTH, HEIGHT), named.moved_at)
    elsewhere = luma(build_stage(other, WIDTH, HEIGHT), other.moved_at)
    rows, columns = np.nonzero(picture != elsewhere)
    assert rows.min() >= HEIGHT - 26
    assert columns.min() > WIDTH // 4
    assert (picture[HEIGHT - 26 : HEIGHT - 6, WIDTH // 2 :] > 215).mean() > 0.06


def test_without_a_chinese_font_the_ascii_part_is_written() -> None:
    plain = Letterer(None)
    assert plain.readable("G25 长深高速 K1100+300") == "G25  K1100+300"
    assert plain.line("K1100+300", 18, 0.6875).width > 20


def test_lights_differ(painted: Path) -> None:
    brightness = {}
    for light in ("day", "dusk", "night"):
        place = scene(painted, light)
        brightness[light] = float(luma(build_stage(place, WIDTH, HEIGHT), place.moved_at).mean())
    assert brightness["day"] > brightness["dusk"] + 20 > brightness["night"] + 40


@pytest.mark.parametrize(
    ("hour", "light"), [(3, "night"), (6, "dusk"), (7, "day"), (12, "day"), (18, "dusk"), (19, "night")]
)
def test_clock_light_follows_the_hour(hour: int, light: str) -> None:
    assert light_at(LightName.CLOCK, NOON.replace(hour=hour, minute=0)) == light
    assert light_at(LightName.FOG, NOON.replace(hour=hour)) == "fog"


@pytest.mark.parametrize(
    "classify", [Classify.BRIDGE, Classify.TUNNEL, Classify.TOLL_STATION, Classify.SERVICE_AREA]
)
def test_every_kind_of_place_can_be_painted(painted: Path, classify: Classify) -> None:
    """Lit and wet, so that every lamp and every surface is gone through."""
    place = scene(painted, "rain", classify)
    picture = luma(build_stage(place, WIDTH, HEIGHT), place.moved_at)
    assert picture.std() > 15


def test_vehicles_keep_their_distance_and_their_side(day: Scene) -> None:
    traffic = Traffic(day.mast.road, 3)
    for moment in (0.0, 61.3, 40_000.7):
        placed = traffic.at(moment, 11.0, 900.0)
        assert 8 < len(placed) < 80
        assert [one.z for one in placed] == sorted((one.z for one in placed), reverse=True)
        assert all((one.x < 0) is one.toward for one in placed)
    before = {round(one.x, 3): one.z for one in traffic.at(100.0, 50.0, 300.0)}
    after = {round(one.x, 3): one.z for one in traffic.at(101.0, 50.0, 300.0)}
    moves = [after[x] - before[x] for x in before.keys() & after.keys()]
    assert moves
    assert all(15 < abs(move) < 40 for move in moves)
