"""Which keys mean the wall: after a search, after a click on a tool, while a tour runs; and whose control it is."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.console.stand_in import PLAYER, Platform, state_of_wall
from tests.console.test_page_scripts import opened, pytestmark, tile

__all__ = ["pytestmark"]

RESULTS = """
(number) => {
  const input = document.getElementById("search-input");
  input.value = "K" + number;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  const row = '<button class="row camera" aria-selected="true" data-camera-id="' + number + '" data-camera-num="number-' + number
    + '" data-road="G25" data-stake="K' + number + '+000" data-place="上行 道路" data-state="online"></button>';
  document.getElementById("results").innerHTML = '<p class="results-head" data-query="K' + number + '"></p>' + row;
}
"""


@pytest.fixture
def upper() -> Platform:
    platform = Platform()
    platform.answers["tour"] = lambda route: route.fulfill(json={"name": "全部", "ids": [1, 2, 3]})
    platform.answers["places"] = lambda route: route.fulfill(json={"roads": [], "organisations": []})
    platform.answers["presets"] = lambda route: route.fulfill(json={"presets": []})
    return platform


@pytest.fixture
def desk(browser: Browser, upper: Platform) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    page = context.new_page()
    page.add_init_script(PLAYER)
    page.route("**/*", upper.handle)
    yield page
    context.close()


def toured(page: Page) -> Page:
    """A tour of three pages that was begun with the mouse."""
    opened(page)
    page.get_by_test_id("tour-open").click()
    page.get_by_test_id("tour-start").click()
    expect(page.get_by_test_id("tour-page")).to_have_text("1/3")
    return page


def test_after_a_search_the_keys_mean_the_picture(desk: Page, upper: Platform) -> None:
    page = opened(desk, layout=4)
    page.keyboard.press("/")
    page.evaluate(RESULTS, 3)
    page.keyboard.press("Enter")
    expect(page.locator("#search-input")).not_to_be_focused()
    expect(tile(page, 3)).to_have_class(re.compile("is-selected"))
    # Not yet under control: arrows choose.
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("/")
    expect(page.locator("#search-input")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(tile(page, 3)).to_have_class(re.compile("is-armed"))
    with page.expect_response("**/ptz/"):
        page.keyboard.down("ArrowLeft")
    with page.expect_response("**/ptz/"):
        page.keyboard.up("ArrowLeft")
    assert upper.orders == [1, 0]


def test_space_and_page_keys_mean_the_tour_that_the_mouse_began(desk: Page) -> None:
    page = toured(desk)
    page.keyboard.press(" ")
    expect(page.get_by_test_id("tour-left")).to_have_text("已暂停")
    expect(page.get_by_test_id("tour")).to_be_hidden()
    page.keyboard.press("PageUp")
    expect(page.get_by_test_id("tour-page")).to_have_text("3/3")


def test_a_tour_begun_before_the_places_are_known_is_not_refused(desk: Page, upper: Platform) -> None:
    asked: list[Route] = []
    upper.answers["places"] = asked.append
    page = opened(desk)
    page.get_by_test_id("tour-open").click()
    expect(page.get_by_test_id("tour-start")).to_be_disabled()
    expect(page.get_by_test_id("tour-seconds")).to_have_value("15")
    page.get_by_test_id("tour-seconds").fill("20")
    for route in asked:
        route.fulfill(status=503, json={"message": "正在维护"})
    expect(page.locator("#toasts")).to_contain_text("正在维护")
    page.get_by_test_id("tour-start").click()
    expect(page.get_by_test_id("tour-left")).to_have_text(re.compile(r"^(20|19|18|17|16) s$"))


@pytest.mark.parametrize("tool", ["layout-1", "fit", "tour-pause", "tour-on", "keys-open"])
def test_no_tool_keeps_the_keys_after_a_click(desk: Page, tool: str) -> None:
    page = toured(desk)
    page.get_by_test_id(tool).click()
    if tool == "keys-open":
        page.keyboard.press("Escape")
        expect(page.locator("#keys")).to_be_hidden()
    pressed = page.get_by_test_id("tour-pause").get_attribute("aria-pressed")
    page.keyboard.press(" ")
    expect(page.get_by_test_id("tour-pause")).not_to_have_attribute("aria-pressed", pressed or "")


AFTER_CLOSING = """
(key) => {
  document.querySelector("dialog[open]").close();
  const held = document.activeElement;
  held.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  return Boolean(held.closest("dialog"));
}
"""


def test_a_key_right_after_a_dialog_means_the_wall(desk: Page) -> None:
    page = toured(desk)
    page.get_by_test_id("keys-open").click()
    expect(page.locator("#keys")).to_be_visible()
    # The browser leaves the focus in the closed dialog for some milliseconds, more on a busy machine.
    assert page.evaluate(AFTER_CLOSING, " ")
    expect(page.get_by_test_id("tour-pause")).to_have_attribute("aria-pressed", "true")


def test_a_button_reached_by_the_keyboard_is_pressed_by_it(desk: Page) -> None:
    page = toured(desk)
    page.get_by_test_id("tour-on").focus()
    page.keyboard.press(" ")
    expect(page.get_by_test_id("tour-page")).to_have_text("2/3")
    expect(page.get_by_test_id("tour-left")).not_to_have_text("已暂停")


def test_a_road_chosen_with_the_mouse_leaves_the_keys_alone(desk: Page, upper: Platform) -> None:
    upper.answers["places"] = lambda route: route.fulfill(
        json={"roads": [["G25", "长深高速", 3]], "organisations": []}
    )
    page = opened(desk)
    choice = page.get_by_test_id("road-choice")
    choice.click()
    page.keyboard.press("Escape")
    choice.select_option("G25")
    page.evaluate("dispatchEvent(new Event('pointerdown'))")
    choice.dispatch_event("change")
    expect(choice).not_to_be_focused()


def test_the_tree_is_the_one_that_was_looked_at(desk: Page) -> None:
    page = opened(desk)
    page.locator("label", has=page.get_by_test_id("by-road")).click()
    page.reload()
    expect(page.get_by_test_id("by-road")).to_be_checked()
    page.locator("label", has=page.get_by_test_id("by-organisation")).click()
    page.reload()
    expect(page.get_by_test_id("by-organisation")).to_be_checked()


def test_who_loses_control_and_who_takes_it_are_told(desk: Page, upper: Platform) -> None:
    lease = {"level": "mine", "holder": "王工", "seconds_left": 30.0}

    def answer(route: Route) -> None:
        state = state_of_wall(*upper.wall(route))
        route.fulfill(json={**state, "control": {"camera": 1, "lease": lease, "log": []}})

    upper.answers["state"] = answer
    page = opened(desk)
    tile(page, 1).click()
    expect(page.locator("#lease-words")).to_contain_text("我在控制")
    expect(page.locator("#toasts")).not_to_contain_text("接管")
    lease |= {"level": "province", "holder": "赵主任"}
    expect(page.locator("#toasts")).to_have_text("云台控制已由 赵主任 接管")
    expect(page.locator("#lease-words")).to_have_text("省级控制中 · 赵主任，操作即接管")
    lease |= {"level": "mine", "holder": "王工"}
    expect(page.locator("#toasts")).to_have_text("已从 赵主任 接管云台控制")
