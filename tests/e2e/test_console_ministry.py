"""部级对接 in Debian's Chromium: it follows what happens, and takes nothing out of a person's hands."""

import shutil
from collections.abc import Iterator

import pytest
import urllib3
from playwright.sync_api import Page, expect, sync_playwright

from tests.e2e.browser import CHROMIUM_ARGUMENTS, chromium_path
from tests.e2e.demo_stack import Demo

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="Debian package chromium is not installed"),
]


@pytest.fixture(scope="module")
def page(demo: Demo) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGUMENTS)
        page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
        yield page
        browser.close()


def break_down(demo: Demo, mode: str, **how: object) -> None:
    url = f"{demo.facts['mock_ministry']['base_url']}/faults"
    assert urllib3.request("POST", url, json={"mode": mode, **how}).status == 200


def test_the_page_follows_and_keeps_focus_and_what_was_said(demo: Demo, page: Page) -> None:
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto(f"{demo.base_url}/ministry/")
    page.get_by_label("用户名").fill(demo.facts["admin"]["username"])
    page.get_by_label("密码", exact=True).fill(demo.facts["admin"]["password"])
    page.get_by_test_id("login-submit").click()
    expect(page.get_by_test_id("headline")).to_have_text("已同步")
    expect(page.get_by_test_id("call").first).to_be_visible()

    said = page.get_by_test_id("said")
    renew = page.get_by_test_id("new-token")
    break_down(demo, "down", seconds=60, verbs=["TokenInfo"])
    try:
        renew.focus()
        page.keyboard.press("Enter")
        expect(said).to_contain_text("令牌没有更换")
    finally:
        break_down(demo, "none")
    page.keyboard.press("Enter")
    expect(said).to_contain_text("令牌已更换")

    words = said.inner_text()
    for _ in range(2):
        with page.expect_response("**/standing/*"):
            pass
    expect(renew).to_be_focused()
    assert said.inner_text() == words
    page.get_by_test_id("log-interface").select_option(label="令牌")
    expect(page.get_by_test_id("call").first).to_contain_text("TokenInfo")
    expect(page.get_by_test_id("call").filter(has_not_text="TokenInfo")).to_have_count(0)
    assert failures == []
