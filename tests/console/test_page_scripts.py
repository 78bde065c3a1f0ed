"""The scripts of the main screen in Debian's Chromium, with a platform and a player that do as told."""

import datetime
import json
import re
import shutil
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Browser, Locator, Page, Route, expect, sync_playwright

from tests.e2e.browser import CHROMIUM_ARGUMENTS, chromium_path

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="Debian package chromium is not installed"),
]

STATIC = Path(__file__).resolve().parents[2] / "static"
HOME = "http://console.test/"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="88" height="72"/>'
KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}

# Engines that play when a test says so: `engines[n].video.show()` is a first frame.
_PLAYER = """
window.engines = [];
window.mpegts = {
  isSupported: () => true, LoggingControl: {}, BaseLoader: class {}, LoaderErrors: {}, LoaderStatus: {},
  Events: { ERROR: "error", LOADING_COMPLETE: "end" }, ErrorTypes: {},
  createPlayer() {
    const engine = { on: (kind, act) => (engine[kind] = act), attachMediaElement: (video) => (engine.video = video) };
    engine.load = engine.play = engine.destroy = () => undefined;
    engines.push(engine);
    return engine;
  },
};
window.htmx = { trigger: () => undefined };
HTMLVideoElement.prototype.requestVideoFrameCallback = function (show) { this.show = show; };
"""


def card(number: int) -> dict[str, Any]:
    place = {"road": "G25", "stake": f"K{number}+000", "direction": "上行", "place": "道路", "type": "球机"}
    states = {"state": "online", "since": None, "reason": "", "picture": None, "has_stream": True}
    names = {"id": number, "number": f"number-{number}", "name": f"G25 K{number}", "organisation": "管理处"}
    return {**names, **place, **states, "can_ptz": True, "may_ptz": True}


class Platform:
    """Answers the page; what is put into `answers` goes before the usual ones."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[Route], None]] = {}
        self.places: list[dict[str, Any]] = []
        self.slots: list[dict[str, Any]] = []
        self.orders: list[int] = []

    def handle(self, route: Route) -> None:
        path = urllib.parse.urlsplit(route.request.url).path
        if path.startswith("/static/"):
            self._static(route, STATIC / path.removeprefix("/static/"))
        elif path.startswith("/picture/"):
            route.fulfill(body=SVG, content_type="image/svg+xml")
        elif path == "/":
            user = SimpleNamespace(pk=1, display_name="王工")
            page = {"user": user, "page": "wall", "layouts": (1, 4, 9), "steps": range(1, 9)}
            route.fulfill(body=render_to_string("console/wall.html", page), content_type="text/html")
        else:
            self._api(route, path.removeprefix("/console/api"))

    def _static(self, route: Route, path: Path) -> None:
        body = path.read_bytes() if path.is_file() and "vendor" not in path.parts else b""
        route.fulfill(body=body, content_type=KINDS.get(path.suffix, "application/octet-stream"))

    def _api(self, route: Route, path: str) -> None:
        last = path.rstrip("/").rsplit("/", 1)[-1]
        if last == "ptz":
            self.orders.append(json.loads(route.request.post_data or "")["action"])
        if (own := self.answers.get(last)) is not None:
            own(route)
        elif last == "state":
            counts = {"total": 3, "online": 3, "offline": 0, "fault": 0}
            empty: dict[str, Any] = {
                "ministry": None,
                "wall": [],
                "changes": [],
                "is_cut": False,
                "nodes": {},
                "control": None,
            }
            route.fulfill(json={"now": time.time(), "counts": counts, **empty})
        elif last == "cameras":
            route.fulfill(json={"cards": [card(number) for number in (1, 2, 3)]})
        elif last == "play":
            route.fulfill(json={"card": card(int(path.split("/")[2])), "ws_url": "ws://media.test/"})
        elif last == "ptz":
            route.fulfill(json={"is_done": True, "message": "", "control": None})
        elif last == "strip":
            route.fulfill(json={"slots": self.slots, "taken": len(self.slots), "total": 288})
        elif last == "G25":
            rows = [[n, n * 1000, 0, "online", f"K{n}+000", "道路", f"G25 K{n}"] for n in (1, 2, 3, 100)]
            places = self.places
            route.fulfill(
                json={"road": "G25", "name": "长深高速", "cameras": rows, "sections": [], "places": places}
            )
        else:
            route.fulfill(body="")


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
    page.add_init_script(_PLAYER)
    page.route("**/*", upper.handle)
    yield page
    context.close()


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
    seen = [1, 2, 3]

    def told(route: Route) -> None:
        wall = [{"id": pk, "state": "online", "since": None, "reason": "", "quality": ""} for pk in seen]
        numbers = {"total": 3, "online": 3, "offline": 0, "fault": 0}
        alarms = {"open": 0, "fresh": 0, "critical": 0}
        rest: dict[str, Any] = {"ministry": None, "changes": [], "is_cut": False, "nodes": {}, "control": None}
        route.fulfill(json={"now": time.time(), "counts": numbers, "alarms": alarms, "wall": wall, **rest})

    upper.answers["state"] = told
    page = opened(desk, layout=4)
    shows(page, 1, 0)
    seen.remove(1)
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
    upper.places = [{"kind": "service", "name": "溧水服务区", "from_m": -500, "to_m": -500}]
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
