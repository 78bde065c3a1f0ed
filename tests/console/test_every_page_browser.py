"""Every page of the console in Debian's Chromium: accessible, quiet, asking nobody but us; and what it looks like.

A picture of each page at each size is kept in $SCREENSHOTS, or else with what pytest keeps of the run.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from django.conf import LazySettings
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from pytest_django.live_server_helper import LiveServer

from access.models import User
from cameras.models import Camera
from streaming.models import MediaServer
from tests.console.desk import Desk
from tests.e2e.browser import CHROMIUM_ARGUMENTS, chromium_path

AXE: Final = Path(__file__).resolve().parents[2] / "node_modules/axe-core/axe.min.js"
SIZES: Final = {"1366": (1366, 768), "1920": (1920, 1080)}
_RULES: Final = """
async () => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];
  const { violations } = await axe.run(document, { runOnly: { type: "tag", values: tags } });
  return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => node.target.join(" ")).join(" | ")}`);
}
"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which("chromium") is None, reason="Debian package chromium is not installed"),
]


@pytest.fixture
def desk(superuser: User, camera: Camera, gantry: Camera, media_server: MediaServer) -> Desk:
    return Desk(superuser)


@pytest.fixture
def chromium(live_server: LiveServer, desk: Desk) -> Iterator[Browser]:
    """Begins when the database is filled and ends before it is cleared: its loop lets nobody else use it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def artefacts(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def open_page(browser: Browser, server: LiveServer, desk: Desk, size: tuple[int, int]) -> Page:
    viewport = ViewportSize(width=size[0], height=size[1])
    # The page itself allows no script but its own; the rules are brought in from outside.
    context = browser.new_context(viewport=viewport, base_url=server.url, bypass_csp=True)
    for cookie in desk.client.cookies.values():
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": server.url}])
    return context.new_page()


def entries(page: Page) -> list[str]:
    """Addresses of the pages that the navigation names."""
    page.goto("/")
    found: list[str] = page.locator(".top-nav a").evaluate_all("(links) => links.map((one) => one.pathname)")
    return [path for path in dict.fromkeys(found) if not path.startswith("/admin")]


@pytest.mark.parametrize("size", SIZES)
def test_every_page_is_for_everybody_and_asks_nobody_else(
    size: str,
    chromium: Browser,
    live_server: LiveServer,
    desk: Desk,
    artefacts: Path,
    settings: LazySettings,
) -> None:
    settings.SNAPSHOT_ROOT = artefacts / "pictures"
    page = open_page(chromium, live_server, desk, SIZES[size])
    failures: list[str] = []
    foreign: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    ours = (live_server.url, "data:", "blob:")
    page.on(
        "request", lambda request: foreign.append(request.url) if not request.url.startswith(ours) else None
    )
    paths = entries(page)
    assert len(paths) > 5
    found: dict[str, Any] = {}
    for path in paths:
        page.goto(path)
        page.wait_for_timeout(700)
        page.screenshot(path=artefacts / f"{path.strip('/').replace('/', '-') or 'wall'}-{size}.png")
        # Nothing runs over the edge: a page that scrolls sideways hides what matters.
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        page.evaluate(AXE.read_text())
        violations = page.evaluate(_RULES)
        if violations or wide > 0:
            found[path] = {"axe": violations, "wider by": wide}
    page.context.close()
    assert found == {}
    assert (failures, foreign) == ([], [])
