"""点位台账 in Debian's Chromium: a sheet goes into the ledger in three clicks, many cameras are changed in a few."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from access.models import Organisation
from tests.cameras.ledger import make_gateway, register, wire
from tests.cameras.sheets import row, sheet
from tests.cast import Caller
from tests.console.desk import Desk
from tests.ptz.ledger import make_camera

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which("chromium") is None, reason="Debian package chromium is not installed"),
]
SIZES = ((1366, 768), (1920, 1080))


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, keeper: Desk) -> Iterator[Page]:
    """The section admin's."""
    yield from _signed_in(browser, live_server, keeper)


def _signed_in(browser: Browser, live_server: LiveServer, keeper: Desk) -> Iterator[Page]:
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1366, "height": 768})
    for cookie in keeper.client.cookies.values():
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    page = context.new_page()
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("console", lambda message: failures.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert failures == []


def fits(page: Page) -> None:
    """Nothing is wider than the window, at either size."""
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{wide} px wider than {width}"


def look(page: Page, folder: Path, name: str) -> None:
    fits(page)
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=folder / f"ledger-{name}-{width}.png")


def test_a_sheet_in_three_clicks(page: Page, office: Organisation, tmp_path: Path) -> None:
    rows = [row(n) for n in range(12)]
    rows[3]["stake"], rows[5]["latitude"], rows[7]["name"] = "1100", 37.9, "七号"
    file = tmp_path / "点位.xlsx"
    file.write_bytes(sheet(*rows).getvalue())
    page.goto("/ledger/")
    expect(page.get_by_text("台账还是空的")).to_be_visible()
    with page.expect_file_chooser() as chooser:
        page.get_by_test_id("import").click()
    chooser.value.set_files(file)
    expect(page.get_by_test_id("count-wrong")).to_have_text("1")
    look(page, tmp_path, "import")
    page.get_by_test_id("tab-noted").click()
    look(page, tmp_path, "noted")
    page.get_by_test_id("skip").check()
    page.get_by_test_id("commit").click()
    expect(page.get_by_test_id("told")).to_contain_text("已导入：新增 11 路，修改 0 路")
    page.goto("/ledger/")
    expect(page.get_by_test_id("row")).to_have_count(11)
    look(page, tmp_path, "list")


@pytest.fixture
def filled(office: Organisation, gateway_partner: Caller) -> None:
    """Five cameras in service, two that wait for a review."""
    make_gateway(gateway_partner.partner, is_review_first=True)
    for n in range(5):
        make_camera(office, n, name=f"G2 京沪高速 K1100+{n:03d} 上行")
    register(gateway_partner, wire(11), wire(12))


def test_many_cameras_and_one(filled: None, page: Page, tmp_path: Path) -> None:
    page.goto("/ledger/")
    page.locator("#all").check()
    expect(page.locator("#chosen")).to_have_text("5")
    page.locator("#bulk select[name=camera_type]").select_option(label="枪机")
    look(page, tmp_path, "bulk")
    page.get_by_test_id("edit-chosen").click()
    expect(page.get_by_test_id("changing")).to_have_text("5")
    look(page, tmp_path, "edit")
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("told")).to_have_text("已修改 5 路摄像机")
    page.get_by_test_id("row").first.get_by_role("link").click()
    page.locator("[name=poi_name]").fill("泰山隧道")
    page.get_by_test_id("save").click()
    expect(page.get_by_test_id("history")).to_contain_text("泰山隧道")
    look(page, tmp_path, "camera")
    page.goto("/ledger/gate/")
    look(page, tmp_path, "gate")
    page.goto("/ledger/review/")
    page.locator("#all").check()
    page.get_by_test_id("reason").fill("坐标不对")
    look(page, tmp_path, "review")
    page.get_by_test_id("reject").click()
    expect(page.get_by_test_id("told")).to_contain_text("已退回 2 路摄像机")
    page.get_by_test_id("rejected").click()
    expect(page.get_by_text("坐标不对").first).to_be_visible()
