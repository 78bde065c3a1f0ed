"""The wall in Debian's Chromium: it really renders frames, and a PTZ key really changes them."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from tests.e2e.browser import CHROMIUM_ARGUMENTS, chromium_path
from tests.e2e.demo_stack import Demo

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="Debian package chromium is not installed"),
]

# Milliseconds in which so many frames reached the screen; -1 when they did not within 15 s.
_TIME_OF_FRAMES = """
(video, wanted) => new Promise((resolve) => {
  const begun = performance.now();
  let count = 0;
  const tick = () => {
    count += 1;
    if (count === wanted) resolve(performance.now() - begun);
    else video.requestVideoFrameCallback(tick);
  };
  video.requestVideoFrameCallback(tick);
  setTimeout(() => resolve(-1), 15000);
})
"""
# The picture of now as grey values, without the burnt-in lines at top and bottom.
_GREY = """
(video) => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [176, 144];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, 0, 176, 144);
  const { data } = context.getImageData(0, 24, 176, 96);
  const grey = [];
  for (let i = 0; i < data.length; i += 4) grey.push((data[i] + data[i + 1] + data[i + 2]) / 3);
  return grey;
}
"""


@pytest.fixture(scope="module")
def page(demo: Demo) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGUMENTS)
        page = browser.new_context(viewport={"width": 1920, "height": 1080}).new_page()
        yield page
        browser.close()


def background(page: Page, video: Locator) -> npt.NDArray[np.float64]:
    """What stays in the picture over one and a half seconds: the scene without its traffic."""
    pictures = []
    for _ in range(7):
        pictures.append(video.evaluate(_GREY))
        page.wait_for_timeout(250)
    median: npt.NDArray[np.float64] = np.median(np.array(pictures), axis=0)
    return median


def difference(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float:
    return float(np.abs(first - second).mean())


def put_on_wall(page: Page, camera: dict[str, Any]) -> None:
    search = page.get_by_test_id("search")
    search.fill(camera["camera_num"])
    results = page.get_by_test_id("results")
    expect(results.locator(f"[data-camera-num='{camera['camera_num']}']")).to_be_visible()
    search.press("Enter")


def tile_video(page: Page, camera: dict[str, Any]) -> Locator:
    return page.locator(f"video[data-camera-num='{camera['camera_num']}']")


def test_staff_sign_in_and_nine_tiles_render(demo: Demo, page: Page, tmp_path: Path) -> None:
    failures: list[str] = []
    foreign: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    ours = (demo.base_url, demo.facts["media"]["http_base"], "data:", "blob:")
    page.on(
        "request", lambda request: foreign.append(request.url) if not request.url.startswith(ours) else None
    )

    page.goto(demo.base_url)
    page.get_by_label("用户名").fill(demo.facts["operator"]["username"])
    page.get_by_label("密码", exact=True).fill(demo.facts["operator"]["password"])
    page.get_by_test_id("login-submit").click()
    page.get_by_test_id("layout-9").click()
    # A first visit is greeted with a full wall.
    page.get_by_test_id("wall-clear").click()
    cameras = demo.cameras()[:9]
    for camera in cameras:
        put_on_wall(page, camera)
    for camera in cameras:
        expect(tile_video(page, camera)).to_have_attribute("data-state", "playing")

    # A second of pictures; a busy machine draws them later, a stream that stands never does.
    times = [float(tile_video(page, camera).evaluate(_TIME_OF_FRAMES, 25)) for camera in cameras]
    assert min(times) > 0, f"milliseconds for 25 frames: {times}"
    page.screenshot(path=tmp_path / "wall.png")
    assert failures == []
    assert foreign == []


def test_ptz_key_turns_the_camera_and_releases_it(demo: Demo, page: Page) -> None:
    # Not the one that the ministry turns in its test: the province would hold it.
    camera = demo.cameras(ptz=True)[1]
    video = tile_video(page, camera)
    if video.count() == 0:
        put_on_wall(page, camera)
    expect(video).to_have_attribute("data-state", "playing")
    page.locator(f"article[data-camera-num='{camera['camera_num']}']").click()
    page.wait_for_timeout(500)
    before = background(page, video)
    again = background(page, video)
    stillness = difference(before, again)

    page.keyboard.press("8")
    page.keyboard.down("ArrowRight")
    page.wait_for_timeout(2500)
    page.keyboard.up("ArrowRight")
    page.wait_for_timeout(1500)
    turned = background(page, video)
    moved = difference(again, turned)
    assert moved > 2 * stillness + 3, f"moved {moved:.1f}, still {stillness:.1f}"

    expect(page.get_by_test_id("lease")).to_be_visible()
    # Released is stopped: the scene stays where it is.
    assert difference(turned, background(page, video)) < moved / 2


def playing(page: Page, count: int) -> None:
    expect(page.locator("#wall [data-testid=tile][data-state=playing]")).to_have_count(count)


def test_a_wall_is_kept_by_two_clicks_and_put_up_by_a_key(demo: Demo, page: Page) -> None:
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.get_by_test_id("layout-4").click()
    playing(page, 4)
    shown = page.locator("#wall video").evaluate_all("(videos) => videos.map((one) => one.dataset.cameraNum)")
    page.get_by_test_id("presets-open").click()
    page.get_by_test_id("preset-save").click()
    expect(page.locator("#toasts")).to_contain_text("已保存预案")
    page.get_by_test_id("layout-9").click()
    page.get_by_test_id("wall-clear").click()
    playing(page, 0)
    page.keyboard.press("Alt+1")
    playing(page, 4)
    again = page.locator("#wall video").evaluate_all("(videos) => videos.map((one) => one.dataset.cameraNum)")
    assert again == shown


def test_a_tour_turns_its_pages_and_waits_while_a_tile_is_selected(demo: Demo, page: Page) -> None:
    page.keyboard.press("l")
    page.get_by_test_id("tour-seconds").fill("5")
    page.get_by_test_id("tour-start").click()
    expect(page.get_by_test_id("tour-page")).to_have_text("1/3")
    expect(page.get_by_test_id("tour-page")).to_have_text("2/3")
    playing(page, 4)
    page.locator("#wall [data-testid=tile]").first.click()
    expect(page.get_by_test_id("tour-left")).to_have_text("已选中画面，暂停")
    page.keyboard.press("PageUp")
    expect(page.get_by_test_id("tour-page")).to_have_text("1/3")
    page.keyboard.press(" ")
    expect(page.get_by_test_id("tour-left")).to_have_text("已暂停")
    page.keyboard.press("k")
    expect(page.get_by_test_id("panel")).to_be_hidden()
    expect(page.locator("#kiosk-words")).to_contain_text("1/3")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("panel")).to_be_visible()
    page.keyboard.press("l")
    expect(page.get_by_test_id("tour-bar")).to_be_hidden()


def test_a_road_is_chosen_and_listed_without_a_camera_of_it_on_the_wall(demo: Demo, page: Page) -> None:
    page.get_by_test_id("wall-clear").click()
    page.get_by_test_id("road-choice").select_option("G42")
    expect(page.locator("#road-shield")).to_have_text("G42")
    expect(page.locator("#road-counts")).to_be_visible()
    page.locator("label", has=page.get_by_test_id("by-road")).click()
    expect(page.locator("[data-node=G42]")).to_be_visible()
    page.locator("[data-node=G42]").click()
    page.locator("#tree [data-testid=camera][data-road=G42]").first.click()
    playing(page, 1)
