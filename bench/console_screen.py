"""How long the main screen keeps somebody waiting, in Debian's Chromium against the real web server, 20,000 cameras."""

import contextlib
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, Final

from playwright.sync_api import Page, sync_playwright

from bench.harness import ROOT, Row, manage
from deploy.web import granian_arguments
from tests.e2e.browser import CHROMIUM_ARGUMENTS, chromium_path

# As people type: stake, road and stake, half a number, a name, initials, nothing at all.
QUERIES: Final = ("K1120+3", "G25 K1120+3", "K11", "K7", "服务区", "fwq", "没有这样的地方")
ROUNDS: Final = 15
KEYS: Final = 25

# When a key went down, and when the page asked for what.
_WATCH: Final = """
window.bench = { down: 0, asked: [] };
addEventListener("keydown", () => (window.bench.down = performance.now()), true);
const plain = window.fetch;
window.fetch = (...about) => {
  if (String(about[0]).includes("/ptz/")) window.bench.asked.push(performance.now() - window.bench.down);
  return plain(...about);
};
"""
# Milliseconds from the last letter to the frame in which its results are there.
_TYPE: Final = """
(text) => new Promise((resolve, reject) => {
  const input = document.getElementById("search-input");
  const results = document.getElementById("results");
  input.value = "";
  input.dispatchEvent(new Event("input", { bubbles: true }));
  results.replaceChildren();
  const begun = performance.now();
  const watcher = new MutationObserver(() => {
    if (results.querySelector(".results-head")?.dataset.query !== text) return;
    watcher.disconnect();
    requestAnimationFrame(() => resolve(performance.now() - begun));
  });
  watcher.observe(results, { childList: true, subtree: true });
  setTimeout(() => reject(new Error(`no results for ${text}`)), 20000);
  input.value = text;
  input.dispatchEvent(new Event("input", { bubbles: true }));
})
"""


def search_rows(client: Any) -> list[Row]:
    """`client` is Django's test client of a superuser: the whole request, without the way to the browser."""
    medians = {}
    for text in QUERIES:
        took = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            response = client.get("/console/search/", {"q": text})
            took.append((time.perf_counter() - began) * 1000)
            assert response.status_code == 200, response.status_code
        medians[text] = statistics.median(took)
    slowest = max(medians, key=lambda text: medians[text])
    print("search, server, ms: " + "  ".join(f"{text} {ms:.1f}" for text, ms in medians.items()))
    return [Row("search_server_ms", "ms", medians[slowest], None, "<= 20, slowest kind", medians[slowest] <= 20)]


def screen_rows(environment: dict[str, str]) -> list[Row]:
    from access.models import User
    from cameras.choices import CameraType, OnlineStatus
    from cameras.models import Camera

    domes = Camera.objects.filter(camera_type=CameraType.DOME, raw_status=OnlineStatus.ONLINE, deleted_at=None)
    # Not asked for later: the loop of the browser lets nobody wait for the database.
    dome = domes.values_list("number", flat=True)[0]
    password = os.urandom(12).hex()
    user = User.objects.get_or_create(username="screen", is_superuser=True)[0]
    user.set_password(password)
    user.save()
    manage(environment, "collectstatic", "--no-input", "-v", "0")
    addresses = ("--rtmp", "rtmp://127.0.0.1:9", "--http", "http://127.0.0.1:9")
    manage(environment, "add_media_server", "--kind", "embedded", "--name", "nobody", *addresses)
    with _served(environment) as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGUMENTS)
        page = browser.new_page(viewport={"width": 1920, "height": 1080})
        page.add_init_script(_WATCH)
        page.goto(base)
        page.get_by_label("用户名").fill("screen")
        page.get_by_label("密码", exact=True).fill(password)
        page.get_by_test_id("login-submit").click()
        page.get_by_test_id("tile").first.wait_for()
        rows = [*_typing(page), *_turning(page, dome)]
        browser.close()
    return rows


def _typing(page: Page) -> list[Row]:
    page.wait_for_timeout(3000)
    took = [float(page.evaluate(_TYPE, text)) for _ in range(3) for text in QUERIES]
    worst = sorted(took)[int(0.95 * len(took))]
    print("search, screen, ms: " + "  ".join(f"{ms:.0f}" for ms in took))
    return [Row("search_screen_ms", "ms (p95)", worst, None, "<= 300", worst <= 300)]


def _turning(page: Page, dome: str) -> list[Row]:
    search = page.get_by_test_id("search")
    search.fill(dome)
    page.locator(f"#results [data-camera-num='{dome}']").wait_for()
    search.press("Enter")
    tile = page.locator(f"article[data-camera-num='{dome}']")
    tile.wait_for()
    page.wait_for_timeout(1000)
    tile.click()
    for _ in range(KEYS):
        page.keyboard.press("ArrowLeft", delay=60)
        page.wait_for_timeout(350)
    took = sorted(page.evaluate("window.bench.asked"))
    assert took, "no order was sent"
    worst = float(took[int(0.95 * len(took))])
    return [Row("key_to_request_ms", "ms (p95)", worst, None, "<= 50", worst <= 50)]


@contextlib.contextmanager
def _served(environment: dict[str, str]) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = granian_arguments(host="127.0.0.1", port=port, workers=1, log_level="error")
    server = subprocess.Popen([sys.executable, "-m", "granian", *arguments], env=environment, cwd=ROOT)
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(10)
