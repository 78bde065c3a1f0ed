"""What is counted on a drawn road is what is drawn there."""

import json
from pathlib import Path

import pytest

from analysis.schema import parse_result
from deploy.demo.cameras import simulated_cameras
from gateway.scene.light import LightName
from gateway.scene.panorama import Site
from gateway.scene.scene import Scene
from gateway.scene.text import Letterer
from gateway.scene.traffic import Passage, Traffic
from gateway.scene.vehicles import LORRIES, VEHICLES
from gateway.scene.view import Look
from gateway.scene.watch import LINE_METRES, Watch, level_of
from protocol.codes import Classify, PtzAction

NOON = 1_795_320_000


def scene(tmp_path: Path, light: str = "day", seed: int = 1) -> Scene:
    """Not painted: counting needs no picture."""
    return Scene(
        "K1", Site("G25", "溧水", Classify.ROADSIDE, seed), LightName(light), Letterer(None), tmp_path
    )


def seen_passing(traffic: Traffic, begin: int, end: int) -> list[tuple[int, bool, float]]:
    """By looking at the pictures one after the other, 25 a second: who is beyond the line and then before it."""
    found = []
    before: dict[tuple[int, bool, float], float] = {}
    for picture in range((end - begin) * 25 + 1):
        now = {
            (one.model, one.toward, one.x): one.z + VEHICLES[one.model].length / 2 - LINE_METRES
            for one in traffic.at(begin + picture / 25, 20.0, 90.0)
        }
        for vehicle, away in now.items():
            if vehicle in before and (away < 0) is not (before[vehicle] < 0):
                pace = abs(away - before[vehicle]) * 25
                found.append((vehicle[0], vehicle[1], pace))
        before = now
    return found


@pytest.mark.parametrize("seed", [1, 2, 5])
def test_every_vehicle_in_the_pictures_is_counted_once_with_its_speed(tmp_path: Path, seed: int) -> None:
    traffic = scene(tmp_path, seed=seed).traffic
    seen = sorted(seen_passing(traffic, NOON, NOON + 20))
    counted = sorted(traffic.passages(NOON, NOON + 20, LINE_METRES))
    assert len(seen) > 10
    assert [one[:2] for one in counted] == [one[:2] for one in seen]
    assert [one.speed for one in counted] == pytest.approx([one[2] for one in seen], abs=0.2)


def test_pieces_count_what_the_whole_counts_over_the_wrap_of_the_clock_too(tmp_path: Path) -> None:
    traffic = scene(tmp_path).traffic
    for begin in (NOON, 1_795_300_000 - 30):
        assert begin % 100_000 in (20_000, 99_970)
        pieces = [traffic.passages(at, at + 1, LINE_METRES) for at in range(begin, begin + 60)]
        whole = traffic.passages(begin, begin + 60, LINE_METRES)
        assert len(whole) > 40
        assert sorted(one[:2] for piece in pieces for one in piece) == sorted(one[:2] for one in whole)


def results(watch: Watch, count: int = 4) -> dict[object, dict[str, object]]:
    """The subjects in turn, of one minute."""
    found = [watch.result(NOON, NOON + 60) for _ in range(count)]
    return {one["subject"]: dict(one) for one in found if one is not None}


def test_results_are_of_the_published_schema_and_agree_with_each_other(tmp_path: Path) -> None:
    place = scene(tmp_path)
    told = results(Watch(place))
    for result in told.values():
        known = parse_result(json.dumps(result)).__struct_fields__
        assert result.keys() - {"subject"} <= set(known)
    assert sorted(map(str, told)) == ["congestion", "flow", "speed", "weather"]
    passed: list[Passage] = place.traffic.passages(NOON, NOON + 60, LINE_METRES)
    mean = round(sum(one.speed for one in passed) / len(passed) * 3.6, 1)
    lorries = sum(one.model in LORRIES for one in passed)
    assert told["flow"]["vehicles"] == told["speed"]["vehicles"] == len(passed)
    assert (told["flow"]["trucks"], told["flow"]["cars"]) == (lorries, len(passed) - lorries)
    assert told["flow"]["meanSpeed"] == told["speed"]["meanSpeed"] == mean
    assert (told["flow"]["time"], told["flow"]["interval"]) == (NOON + 60, 60)
    assert told["congestion"]["congestionLevel"] == "free"


@pytest.mark.parametrize(
    ("light", "phenomenon", "visibility", "surface"),
    [("day", "clear", 7800, "dry"), ("rain", "rain", 1260, "wet"), ("fog", "fog", 285, None)],
)
def test_the_weather_is_the_one_that_is_drawn(
    tmp_path: Path, light: str, phenomenon: str, visibility: int, surface: str | None
) -> None:
    told = results(Watch(scene(tmp_path, light)))["weather"]
    assert (told["phenomenon"], told["visibility"], told.get("surface")) == (phenomenon, visibility, surface)


def test_a_lens_that_turned_or_looks_elsewhere_counts_nothing(tmp_path: Path) -> None:
    place = scene(tmp_path)
    watch = Watch(place)
    assert len(results(watch)) == 4
    moved_at = place.moved_at
    place.view.order(PtzAction.RIGHT, 1, moved_at)
    place.look(moved_at + 0.04)
    assert list(results(watch)) == ["weather"]
    home = place.view.home
    assert watch.shows_road(home)
    assert not watch.shows_road(Look(home.pan + 0.2, home.tilt))
    assert not watch.shows_road(Look(home.pan, home.tilt, zoom=5.0))


def test_every_camera_of_the_demo_has_its_road_in_the_picture(tmp_path: Path) -> None:
    for camera in simulated_cameras(100):
        place = scene(tmp_path, seed=camera["source"]["seed"])
        assert Watch(place).shows_road(place.view.home), camera["cameraName"]


@pytest.mark.parametrize(
    ("speed", "level"),
    [
        (100, "free"),
        (70, "free"),
        (69.9, "slow"),
        (49, "light"),
        (39.9, "moderate"),
        (19, "severe"),
        (0, "severe"),
    ],
)
def test_levels_of_congestion(speed: float, level: str) -> None:
    assert level_of(speed) == level
