"""大屏账号 in Debian's Chromium: pictures and nothing else, and no request that is refused."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Response, expect
from pytest_django.live_server_helper import LiveServer

from access.actors import SYSTEM
from access.models import User
from access.services.accounts import mark_screen
from cameras.models import Camera
from tests.console.desk import Desk
from tests.console.test_snapshots_browser import signed_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which("chromium") is None, reason="Debian package chromium is not installed"),
]


@pytest.fixture
def page(
    browser: Browser, live_server: LiveServer, province_admin: User, operator: User, camera: Camera
) -> Iterator[Page]:
    mark_screen(by=province_admin, user=operator, networks="127.0.0.1", actor=SYSTEM)
    operator.refresh_from_db()
    yield from signed_in(browser, live_server, Desk(operator))


def test_it_lands_among_the_pictures_and_is_refused_nothing(page: Page) -> None:
    refused: list[str] = []

    def look(response: Response) -> None:
        if response.status in (401, 403):
            refused.append(response.url)

    page.on("response", look)
    page.goto("/")
    expect(page.locator("body")).to_have_class("frame is-kiosk")
    expect(page.get_by_test_id("tile").first).to_contain_text("K1100+001")
    expect(page.locator(".tile.is-selected")).to_have_count(0)
    page.keyboard.press("Escape")
    page.get_by_test_id("tile").first.click()
    expect(page.get_by_test_id("strip")).to_contain_text("本账号没有查看截图的权限")
    expect(page.get_by_test_id("panel")).to_contain_text("K1100+001")
    assert refused == []
