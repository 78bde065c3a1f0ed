"""截图回看 in Debian's Chromium, against the real server and real pictures."""

import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from django.conf import LazySettings
from django.utils import timezone
from playwright.sync_api import Browser, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from access.days import day_of, day_start
from cameras.models import Camera
from snapshots.capture.store import keep_picture
from snapshots.choices import SnapshotResult
from snapshots.models import Snapshot
from snapshots.services.partitions import ensure_day
from snapshots.slots import slot_at
from tests.console.desk import Desk

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which("chromium") is None, reason="Debian package chromium is not installed"),
]

PERIOD = 300
# Slots of the day before yesterday that have no picture, and why.
GAPS = {100: SnapshotResult.OFFLINE, 101: SnapshotResult.NOT_RUN}

# From the press of a key to the frame in which the picture of the new slot is there, n times; a key that is held
# comes again some thirty times a second.
_SCRUB = """
async ({ key, times, shift, pause }) => {
  const pane = document.getElementById("pane-a");
  const took = [];
  for (let n = 0; n < times; n += 1) {
    const began = performance.now();
    await new Promise((resume) => {
      pane.addEventListener("shown", () => requestAnimationFrame(resume), { once: true });
      dispatchEvent(new KeyboardEvent("keydown", { key, shiftKey: shift, bubbles: true }));
    });
    took.push(performance.now() - began);
    await new Promise((resume) => setTimeout(resume, pause));
  }
  return took;
}
"""

# The film is faster than this test can look.
_NOTE_SHOWN = """
() => {
  const film = document.getElementById("film");
  const shown = [];
  document.getElementById("pane-a").addEventListener("shown", ({ detail }) => {
    shown.push(detail);
    film.dataset.shown = shown.join(" ");
  });
}
"""

_SOME_FRAMES = """
async () => {
  for (let n = 0; n < 12; n += 1) await new Promise(requestAnimationFrame);
}
"""


@pytest.fixture
def first_slot(settings: LazySettings, tmp_path: Path, camera: Camera, gantry: Camera) -> int:
    """Unix second of the first slot of the day before yesterday; pictures of it and of yesterday are there."""
    settings.SNAPSHOT_ROOT = tmp_path
    today = day_of(timezone.now())
    begin = day_start(today - timedelta(days=2))
    Camera.objects.update(created_at=begin)
    for shift in range(3):
        ensure_day(today - timedelta(days=shift))
    fill(camera, int(begin.timestamp()))
    return int(begin.timestamp())


def fill(camera: Camera, begin: int) -> None:
    """Two days, each picture one of eight."""
    faces = [face(number) for number in range(8)]
    rows = []
    for number in range(2 * 288):
        result = GAPS.get(number, SnapshotResult.TAKEN)
        is_taken = result == SnapshotResult.TAKEN
        at = slot_at(begin + number * PERIOD)
        taken_at = at + timedelta(seconds=20) if is_taken else None
        rows.append(Snapshot(camera=camera, slot_at=at, taken_at=taken_at, result=result))
        if is_taken:
            keep_picture(camera.pk, at, faces[number % 8])
    Snapshot.objects.bulk_create(rows)


def face(number: int) -> bytes:
    coarse = np.random.default_rng(number).integers(0, 255, (36, 44, 3), np.uint8)
    jpeg: bytes = simplejpeg.encode_jpeg(coarse.repeat(8, 0).repeat(8, 1), quality=80)
    return jpeg


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, desk: Desk, first_slot: int) -> Iterator[Page]:
    """The operator's."""
    yield from signed_in(browser, live_server, desk)


def signed_in(browser: Browser, live_server: LiveServer, desk: Desk) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 1366, "height": 768}, timezone_id="America/Lima", base_url=live_server.url
    )
    for cookie in desk.client.cookies.values():
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    page = context.new_page()
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    yield page
    context.close()
    assert failures == []


def at(page: Page, pane: str, slot: int) -> None:
    """The pane shows this slot, and its picture or gap is there."""
    element = page.get_by_test_id(f"pane-{pane}")
    expect(element).to_have_attribute("data-slot", str(slot))
    expect(element).not_to_have_attribute("data-state", "loading")


def test_keys_turn_the_picture_and_the_address_keeps_the_place(
    page: Page, camera: Camera, first_slot: int
) -> None:
    slot = first_slot + 288 * PERIOD
    page.goto(f"/snapshots/?camera={camera.pk}&at={slot + 17}")
    at(page, "a", slot)
    expect(page.get_by_test_id("back-place")).to_contain_text(camera.name)
    for key, moved in (
        *(("ArrowRight", PERIOD), ("Shift+ArrowRight", 3600), ("ArrowLeft", -PERIOD)),
        *(("Shift+ArrowLeft", -3600), ("PageUp", -86_400), ("Shift+ArrowRight", 3600)),
    ):
        page.keyboard.press(key)
        slot += moved
        at(page, "a", slot)
    page.wait_for_url(f"**/snapshots/?camera={camera.pk}&at={slot}")
    page.reload()
    at(page, "a", slot)


def test_a_gap_says_why_and_film_passes_over_it(page: Page, camera: Camera, first_slot: int) -> None:
    page.goto(f"/snapshots/?camera={camera.pk}&at={first_slot + 100 * PERIOD}")
    expect(page.get_by_test_id("pane-gap")).to_contain_text("摄像机离线")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("pane-gap")).to_contain_text("平台未运行（平台原因，不计入在线率）")
    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowRight")
    at(page, "a", first_slot + 12 * PERIOD)
    page.goto(f"/snapshots/?camera={camera.pk}&at={first_slot + 98 * PERIOD}")
    at(page, "a", first_slot + 98 * PERIOD)
    page.evaluate(_NOTE_SHOWN)
    page.keyboard.press(" ")
    expect(page.get_by_test_id("film")).to_have_attribute("aria-pressed", "true")
    shown = " ".join(str(first_slot + number * PERIOD) for number in (99, 102, 103, 104))
    expect(page.get_by_test_id("film")).to_have_attribute("data-shown", re.compile(shown))
    page.keyboard.press(" ")
    expect(page.get_by_test_id("film")).to_have_attribute("aria-pressed", "false")


def test_two_times_side_by_side_move_together_or_alone(page: Page, camera: Camera, first_slot: int) -> None:
    slot = first_slot + 300 * PERIOD
    page.goto(f"/snapshots/?camera={camera.pk}&at={slot}")
    at(page, "a", slot)
    page.keyboard.press("c")
    at(page, "b", slot - 86_400)
    expect(page.get_by_test_id("pane-b")).to_contain_text("早 1 天")
    page.keyboard.press("ArrowRight")
    at(page, "a", slot + PERIOD)
    at(page, "b", slot - 86_400 + PERIOD)
    page.keyboard.press("l")
    page.keyboard.press("2")
    page.keyboard.press("ArrowRight")
    at(page, "a", slot + PERIOD)
    at(page, "b", slot - 86_400 + 2 * PERIOD)
    page.get_by_test_id("pane-a").hover()
    page.mouse.wheel(0, 120)
    at(page, "a", slot + 2 * PERIOD)
    at(page, "b", slot - 86_400 + 2 * PERIOD)
    page.wait_for_url(f"**at={slot + 2 * PERIOD}&b={slot - 86_400 + 2 * PERIOD}")
    page.reload()
    at(page, "b", slot - 86_400 + 2 * PERIOD)
    page.keyboard.press("c")
    expect(page.get_by_test_id("pane-b")).to_be_hidden()


def test_what_is_compared_with_has_a_picture(page: Page, camera: Camera, first_slot: int) -> None:
    apart = page.get_by_test_id("pane-b").locator(".pane-apart")
    for number, other, said in (
        (288 + 99, 99, "早 1 天"),
        # The day before had gaps then.
        (288 + 100, 288 + 98, "早 10 分钟 · 前一天无图"),
        # There is no day before.
        (5, 3, "早 10 分钟 · 前一天无图"),
        (1, 0, "早 5 分钟 · 前一天无图，取最近一张"),
        (0, 1, "晚 5 分钟 · 前一天无图，取最近一张"),
    ):
        page.goto(f"/snapshots/?camera={camera.pk}&at={first_slot + number * PERIOD}")
        at(page, "a", first_slot + number * PERIOD)
        page.keyboard.press("c")
        at(page, "b", first_slot + other * PERIOD)
        expect(apart).to_have_text(said)
    page.keyboard.press("ArrowRight")
    expect(apart).to_have_text("晚 5 分钟")


def test_the_bar_of_a_day_is_pulled(page: Page, camera: Camera, first_slot: int) -> None:
    page.goto(f"/snapshots/?camera={camera.pk}&at={first_slot}")
    at(page, "a", first_slot)
    box = page.get_by_test_id("day-row").nth(1).locator(".day-bar").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.25, middle)
    page.mouse.down()
    at(page, "a", first_slot + (288 + 72) * PERIOD)
    page.mouse.move(box["x"] + box["width"] * 0.5, middle)
    at(page, "a", first_slot + (288 + 144) * PERIOD)
    page.mouse.up()
    page.mouse.move(box["x"] + box["width"] * 0.75, middle)
    at(page, "a", first_slot + (288 + 144) * PERIOD)


def test_scrubbing_reaches_the_slot_it_is_led_to(
    page: Page, camera: Camera, first_slot: int
) -> None:
    page.goto(f"/snapshots/?camera={camera.pk}&at={first_slot + 110 * PERIOD}")
    at(page, "a", first_slot + 110 * PERIOD)
    took = sorted(page.evaluate(_SCRUB, {"key": "ArrowRight", "times": 60, "shift": False, "pause": 33}))
    far = sorted(page.evaluate(_SCRUB, {"key": "ArrowRight", "times": 9, "shift": True, "pause": 200}))
    print(f"neighbours: median {took[30]:.0f} ms, p95 {took[56]:.0f} ms; an hour on: median {far[4]:.0f} ms")
    # How long it took is told, not judged: the machine may be busy.
    at(page, "a", first_slot + (110 + 60 + 9 * 12) * PERIOD)


def test_another_camera_is_shown_at_the_same_moment(
    page: Page, camera: Camera, gantry: Camera, first_slot: int
) -> None:
    page.goto(f"/snapshots/?camera={camera.pk}&at={first_slot + 50 * PERIOD}")
    at(page, "a", first_slot + 50 * PERIOD)
    page.keyboard.press("/")
    page.keyboard.type("K1100+3")
    expect(page.locator(".results-head")).to_have_attribute("data-query", "K1100+3")
    page.get_by_test_id("results").get_by_text(re.compile("300")).first.click()
    expect(page.get_by_test_id("back-place")).to_contain_text(gantry.name)
    at(page, "a", first_slot + 50 * PERIOD)
    expect(page.get_by_test_id("pane-gap")).to_contain_text("平台未运行")


def choose(page: Page, stake: str) -> None:
    page.keyboard.press("/")
    page.locator("#search-input").fill(stake)
    expect(page.locator(".results-head")).to_have_attribute("data-query", stake)
    page.get_by_test_id("results").get_by_text(re.compile(stake[-3:])).first.click()


def held_back(page: Page, pattern: str | re.Pattern[str]) -> list[Route]:
    """Questions that get no answer before the test lets them on."""
    waiting: list[Route] = []
    page.route(pattern, lambda route: waiting.append(route))
    return waiting


def let_on(page: Page, waiting: list[Route], pattern: str | re.Pattern[str]) -> None:
    with page.expect_response(pattern) as answer:
        waiting[0].continue_()
    answer.value.finished()
    # What the page makes of it comes within a few frames.
    page.evaluate(_SOME_FRAMES)


@pytest.fixture
def _gantry_has_pictures(first_slot: int, gantry: Camera) -> None:
    fill(gantry, first_slot)


@pytest.mark.usefixtures("_gantry_has_pictures")
def test_a_picture_that_comes_late_is_not_shown_under_another_cameras_name(
    page: Page, camera: Camera, gantry: Camera, first_slot: int
) -> None:
    """The slot stays the same, only the camera changes."""
    late = f"**/snapshots/{camera.pk}/{first_slot}.jpg"
    waiting = held_back(page, late)
    page.goto(f"/snapshots/?camera={camera.pk}&at={first_slot}")
    expect(page.get_by_test_id("pane-a")).to_have_attribute("data-state", "loading")
    choose(page, "K1100+300")
    expect(page.get_by_test_id("back-place")).to_contain_text(gantry.name)
    at(page, "a", first_slot)
    shown = page.get_by_test_id("pane-a").locator("img")
    of_gantry = re.compile(rf"/snapshots/{gantry.pk}/{first_slot}\.jpg$")
    expect(shown).to_have_attribute("src", of_gantry)
    let_on(page, waiting, late)
    expect(shown).to_have_attribute("src", of_gantry)


def test_of_two_clicks_the_later_one_counts(
    page: Page, camera: Camera, gantry: Camera, first_slot: int
) -> None:
    page.goto(f"/snapshots/?camera={camera.pk}&at={first_slot}")
    at(page, "a", first_slot)
    late = f"**/cameras/{gantry.pk}/days/**"
    waiting = held_back(page, late)
    choose(page, "K1100+300")
    choose(page, "K1100+001")
    at(page, "a", first_slot)
    let_on(page, waiting, late)
    expect(page.get_by_test_id("back-place")).to_contain_text(camera.name)
    expect(page.get_by_test_id("pane-a").locator("img")).to_have_attribute("src", re.compile(f"/snapshots/{camera.pk}/"))


def test_a_week_that_comes_late_turns_nothing_back(page: Page, camera: Camera, first_slot: int) -> None:
    page.goto(f"/snapshots/?camera={camera.pk}&at={first_slot}")
    at(page, "a", first_slot)
    late = re.compile(r"/days/\?until=2")
    waiting = held_back(page, late)
    for _ in range(5):
        page.keyboard.press("PageUp")
    expect(page.get_by_test_id("pane-a")).to_have_attribute("data-slot", str(first_slot - 4 * 86_400))
    page.keyboard.press("ArrowRight")
    let_on(page, waiting, late)
    at(page, "a", first_slot - 4 * 86_400 + PERIOD)


def test_a_camera_that_is_not_there_is_said(page: Page, camera: Camera) -> None:
    page.goto(f"/snapshots/?camera={camera.pk + 1000}")
    expect(page.get_by_text("摄像机不存在")).to_be_visible()
