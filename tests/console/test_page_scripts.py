"""The scripts of the main screen in Debian's Chromium, with a platform and a player that do as told."""

import datetime
import json
import re
import shutil
import time
import urllib.parse
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect, sync_playwright

from tests.console.stand_in import HOME, PLAYER, Platform, card, incident
from tests.e2e.browser import CHROMIUM_ARGUMENTS, chromium_path

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="Debian package chromium is not installed"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def upper() -> Platform:
    return Platform()


@pytest.fixture
def desk(browser: Browser, upper: Platform) -> Iterator[Page]:
    """A desk elsewhere in the world, before its first look at the page."""
    context = browser.new_context(viewport={"width": 1600, "height": 1000}, timezone_id="America/Lima")
    page = context.new_page()
    page.add_init_script(PLAYER)
    page.route("**/*", upper.handle)
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    yield page
    context.close()
    assert failures == []


def tile(page: Page, number: int) -> Locator:
    return page.locator(f"article[data-camera-num='number-{number}']")


def shows(page: Page, number: int, engine: int) -> None:
    """The first frame of an engine, which belongs to that camera's tile."""
    page.wait_for_function("(count) => engines.length > count", arg=engine)
    page.evaluate("(engine) => engines[engine].video.show()", engine)
    expect(tile(page, number)).to_have_attribute("data-state", "playing")


def opened(page: Page, layout: int = 1) -> Page:
    """A wall with camera 1, whose engine is the first, and more in larger layouts."""
    page.add_init_script(f"localStorage['wall-1'] ??= JSON.stringify({{layout: {layout}, ids: [1, 2, 3]}})")
    page.goto(HOME)
    expect(tile(page, 1)).to_have_attribute("data-state", "connecting")
    page.wait_for_function("(count) => engines.length >= count", arg=min(layout, 3))
    return page


def test_a_stream_that_ends_while_the_next_one_is_prepared_is_opened_again(desk: Page) -> None:
    page = opened(desk)
    shows(page, 1, 0)
    page.get_by_test_id("stream-high").click()
    shows(page, 1, 1)
    page.get_by_test_id("stream-low").click()
    page.wait_for_function("engines.length === 3")
    page.evaluate("engines[1].end()")
    expect(tile(page, 1)).to_have_attribute("data-state", "connecting")
    shows(page, 1, 3)
    expect(tile(page, 1).locator("video")).to_have_count(1)


def test_a_picture_that_stands_still_says_so_until_a_new_one_is_drawn(desk: Page) -> None:
    desk.clock.install()
    page = opened(desk)
    shows(page, 1, 0)
    expect(tile(page, 1)).not_to_have_class(re.compile("is-stale"))
    page.clock.run_for(3000)
    expect(tile(page, 1)).to_have_class(re.compile("is-stale"))
    expect(tile(page, 1)).to_contain_text("等待新画面 3.")
    page.evaluate("engines[0].video.show()")
    page.clock.run_for(250)
    expect(tile(page, 1)).not_to_have_class(re.compile("is-stale"))
    expect(tile(page, 1)).not_to_contain_text("等待新画面")
    # In the end it is opened again, above its last frame.
    page.clock.run_for(8000)
    expect(tile(page, 1)).to_have_attribute("data-state", "connecting")
    expect(tile(page, 1)).not_to_have_class(re.compile("is-stale"))


def test_what_comes_back_from_behind_an_enlarged_picture_is_marked_until_it_is_drawn(desk: Page) -> None:
    desk.clock.install()
    page = opened(desk, layout=4)
    for number in (1, 2):
        shows(page, number, number - 1)
        # The stream goes on.
        move = "(video) => Object.defineProperty(video, 'currentTime', { get: () => performance.now() / 1000 })"
        tile(page, number).locator("video").evaluate(move)
    tile(page, 2).dblclick()
    expect(tile(page, 1)).to_be_hidden()
    page.clock.run_for(9000)
    tile(page, 2).dblclick()
    page.clock.run_for(250)
    expect(tile(page, 1)).to_have_attribute("data-state", "playing")
    expect(tile(page, 1)).to_contain_text("底图为最后一帧")
    page.evaluate("engines[0].video.show()")
    page.clock.run_for(250)
    expect(tile(page, 1)).not_to_contain_text("底图为最后一帧")


def test_what_is_heard_of_a_camera_reaches_its_tile(desk: Page, upper: Platform) -> None:
    page = opened(desk, layout=4)
    shows(page, 1, 0)
    expect(page.locator("#count-total")).to_have_text("3")
    upper.states[2] = "offline"
    expect(tile(page, 2)).to_have_attribute("data-state", "offline", timeout=30_000)
    expect(tile(page, 2)).to_contain_text("刚刚离线")
    expect(tile(page, 1)).to_have_attribute("data-state", "playing")


def test_an_incident_stands_above_the_wall_until_it_is_over(desk: Page, upper: Platform) -> None:
    page = opened(desk)
    running = page.get_by_test_id("running")
    expect(running).to_be_hidden()
    upper.incidents = [incident("网关 <b>济南</b>", 1132)]
    line = page.get_by_test_id("running-incident")
    expect(line).to_have_text(re.compile(r"网关 <b>济南</b>离线 1,132 路自 \d\d:\d\d"), timeout=30_000)
    expect(line).to_have_attribute("href", "/alarms/?alarm=7")
    above, wall = running.bounding_box(), page.get_by_test_id("wall").bounding_box()
    assert above is not None and wall is not None
    # Over no picture.
    assert above["y"] + above["height"] <= wall["y"]
    upper.incidents = []
    expect(running).to_be_hidden(timeout=30_000)


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080), (1024, 768)])
def test_nothing_lies_over_a_picture(desk: Page, size: tuple[int, int]) -> None:
    """Cameras write their stake into it; the log of orders is in sight, and the pad stays where it is."""
    desk.set_viewport_size({"width": size[0], "height": size[1]})
    page = opened(desk, layout=9)
    shows(page, 3, 2)
    tile(page, 3).click()
    step, picture = page.locator(".is-armed .tile-ptz").bounding_box(), tile(page, 3).locator("video").bounding_box()
    bar, log = tile(page, 3).locator(".tile-bar").bounding_box(), page.locator("#ptz-log").bounding_box()
    panel, pad = page.get_by_test_id("panel").bounding_box(), page.locator(".pad").bounding_box()
    assert step is not None and picture is not None and bar is not None and log is not None and panel is not None
    assert step["y"] + step["height"] <= picture["y"]
    assert step["x"] + step["width"] <= bar["x"] + bar["width"]
    assert log["y"] + 20 <= panel["y"] + panel["height"]
    page.locator("#lease").evaluate("(lease) => (lease.hidden = false)")
    assert page.locator(".pad").bounding_box() == pad
    page.keyboard.press("Escape")
    page.keyboard.press("k")
    words, wall = page.locator("#kiosk-words").bounding_box(), page.get_by_test_id("wall").bounding_box()
    assert words is not None and wall is not None
    assert wall["y"] + wall["height"] <= words["y"]


def test_time_that_runs_before_a_frame_is_there_is_no_picture(desk: Page) -> None:
    page = opened(desk)
    tell = "(video) => video.dispatchEvent(new Event('timeupdate'))"
    video = tile(page, 1).locator("video")
    video.evaluate("(video) => Object.defineProperty(video, 'currentTime', { value: 0.4 })")
    video.evaluate(tell)
    expect(tile(page, 1)).to_have_attribute("data-state", "connecting")
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true })")
    video.evaluate(tell)
    expect(tile(page, 1)).to_have_attribute("data-state", "playing")


def test_a_camera_that_one_may_no_longer_watch_is_taken_down(desk: Page, upper: Platform) -> None:
    page = opened(desk, layout=4)
    shows(page, 1, 0)
    upper.states[1] = None
    expect(tile(page, 1)).to_have_count(0, timeout=30_000)
    expect(page.get_by_test_id("tile-taken-down")).to_contain_text("G25 K1 已撤下")
    expect(page.locator(".tile video")).to_have_count(2)
    expect(tile(page, 2)).to_have_count(1)
    assert json.loads(page.evaluate("localStorage['wall-1']"))["ids"][:3] == [None, 2, 3]


def test_a_saved_frame_is_named_by_the_time_of_the_control_room(desk: Page) -> None:
    page = opened(desk)
    shows(page, 1, 0)
    page.evaluate("Object.defineProperty(engines[0].video, 'videoWidth', { value: 32 })")
    page.evaluate("Object.defineProperty(engines[0].video, 'videoHeight', { value: 18 })")
    with page.expect_download() as download:
        page.get_by_test_id("grab").click()
    name = re.fullmatch(r"G25_K1\+000_(.*)\.png", download.value.suggested_filename)
    assert name is not None
    now = datetime.datetime.now(ZoneInfo("Asia/Shanghai"))
    taken = datetime.datetime.strptime(name[1], "%Y-%m-%d_%H%M%S").replace(tzinfo=now.tzinfo)
    assert abs((now - taken).total_seconds()) < 60


def test_the_selected_camera_stays_when_fewer_are_shown_and_goes_back(desk: Page) -> None:
    page = opened(desk, layout=9)
    tile(page, 3).click()
    page.get_by_test_id("layout-1").click()
    expect(page.get_by_test_id("tile")).to_have_count(1)
    expect(tile(page, 3)).to_have_class(re.compile("is-selected"))
    page.get_by_test_id("layout-9").click()
    expect(tile(page, 3)).to_have_class(re.compile("is-selected"))
    for number in (1, 2, 3):
        expect(tile(page, number)).to_have_attribute("data-index", str(number))


def test_a_wall_that_could_not_be_filled_is_filled_later(desk: Page, upper: Platform) -> None:
    asked: list[Route] = []

    def once_away(route: Route) -> None:
        asked.append(route)
        if len(asked) > 1:
            del upper.answers["cameras"]
        route.fulfill(status=503, body="")

    upper.answers["cameras"] = once_away
    opened(desk, layout=9)
    assert len(asked) == 2
    desk.get_by_test_id("layout-4").click()
    assert json.loads(desk.evaluate("localStorage['wall-1']"))["layout"] == 4


def test_a_camera_that_a_link_names_goes_up_once(desk: Page, upper: Platform) -> None:
    def named(route: Route) -> None:
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(route.request.url).query)
        route.fulfill(json={"cards": [card(int(number)) for number in query["ids"][0].split(",")]})

    upper.answers["cameras"] = named
    desk.add_init_script("localStorage['wall-1'] ??= JSON.stringify({layout: 4, ids: [1, 2]})")
    desk.goto(f"{HOME}?camera=7")
    expect(tile(desk, 7)).to_have_class(re.compile("is-selected"))
    expect(tile(desk, 1)).to_be_visible()
    assert desk.url == HOME


def test_a_name_at_the_end_of_the_road_is_moved_inside(desk: Page, upper: Platform) -> None:
    upper.places = [{"kind": "service", "name": "溧水服务区", "from_m": -2800, "to_m": -2800}]
    page = opened(desk)
    sign = page.locator(".r-place")
    expect(sign).to_contain_text("溧水服务区")
    assert float(sign.locator("rect").first.get_attribute("x") or -1) == 0


def test_a_press_too_short_to_be_sent_still_stops_what_moved_before(desk: Page, upper: Platform) -> None:
    page = opened(desk)
    held: list[Route] = []
    upper.answers["ptz"] = held.append
    tile(page, 1).click()
    with page.expect_request("**/ptz/"):
        page.keyboard.down("ArrowLeft")
    page.keyboard.up("ArrowLeft")
    page.keyboard.down("ArrowRight")
    del upper.answers["ptz"]
    with page.expect_response("**/ptz/"):
        held[0].fulfill(json={"is_done": True, "message": "", "control": None})
    with page.expect_response("**/ptz/"):
        page.keyboard.up("ArrowRight")
    assert upper.orders in ([1, 0], [1, 2, 0])


@pytest.mark.parametrize(("key", "orders"), [("z", [7, 13]), ("c", [9, 13]), ("=", [6, 0])])
def test_focus_and_iris_have_their_own_stop(desk: Page, upper: Platform, key: str, orders: list[int]) -> None:
    page = opened(desk)
    tile(page, 1).click()
    with page.expect_response("**/ptz/"):
        page.keyboard.down(key)
    with page.expect_response("**/ptz/"):
        page.keyboard.up(key)
    assert upper.orders == orders


def test_new_pictures_leave_alone_who_looks_back(desk: Page, upper: Platform) -> None:
    first = int(time.time()) // 300 * 300 - 60 * 300
    every = [
        {"slot": first + 300 * n, "taken_at": first + 300 * n, "url": f"/picture/{n}.jpg", "reason": ""}
        for n in range(62)
    ]
    upper.slots = every[:60]
    desk.clock.install()
    page = opened(desk)
    strip = page.get_by_test_id("strip-pictures")
    expect(strip.locator("li")).to_have_count(60)
    strip.evaluate("(list) => (list.scrollLeft = 800)")
    looked_at = strip.locator(f"[data-slot='{first + 300 * 15}']")
    looked_at.click()
    page.keyboard.press("Escape")
    before = looked_at.bounding_box()

    upper.slots = every[2:]
    page.clock.fast_forward(31_000)
    expect(strip.locator(f"[data-slot='{first + 300 * 61}']")).to_have_count(1)
    expect(looked_at).to_have_class(re.compile("is-chosen"))
    assert looked_at.bounding_box() == before

    strip.evaluate("(list) => (list.scrollLeft = list.scrollWidth)")
    upper.slots = every[1:61]
    page.clock.fast_forward(31_000)
    expect(strip.locator(f"[data-slot='{first + 300 * 61}']")).to_have_count(0)
    assert strip.evaluate("(list) => list.scrollWidth - list.scrollLeft - list.clientWidth") < 2
