"""用户与权限 in Debian's Chromium: a role by two clicks, and the console as somebody else."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from access.models import Organisation, User
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
    browser: Browser, live_server: LiveServer, admin_desk: Desk, operator: User, outsider: User, camera: Camera
) -> Iterator[Page]:
    """The province administrator's."""
    yield from signed_in(browser, live_server, admin_desk)


def test_a_role_by_two_clicks_and_gone_by_one(page: Page, operator: User, company: Organisation) -> None:
    page.goto("/rights/")
    cell = page.locator(f"#cell-{operator.pk}-{company.pk}")
    expect(cell).to_have_text("云台操作员")
    cell.click()
    page.get_by_test_id("give-section").click()
    expect(page.get_by_test_id("panel-said")).to_have_text("已授予 路段管理员（山东高速）")
    expect(cell.get_by_test_id("chip")).to_have_count(2)
    page.get_by_test_id("held").filter(has_text="云台操作员").get_by_test_id("end").click()
    expect(cell).to_have_text("路段管理员")
    page.get_by_test_id("held").locator("[name=until]").fill("2099-12-01T08:00")
    page.get_by_test_id("limit").click()
    expect(cell).to_contain_text("至 2099-12-01 08:00")


def test_a_refusal_stands_in_the_panel(page: Page, operator: User, company: Organisation) -> None:
    page.goto("/rights/")
    page.locator(f"#cell-{operator.pk}-{company.pk}").click()
    expect(page.get_by_test_id("give-monitor")).to_be_visible()
    page.get_by_test_id("give-monitor").evaluate("button => { button.value = 'system'; }")
    page.get_by_test_id("give-monitor").click()
    expect(page.get_by_test_id("panel")).to_have_text("没有在山东高速授予或收回“系统管理员”的权限")


def test_the_console_as_somebody_else(page: Page) -> None:
    page.goto("/rights/")
    page.get_by_role("button", name="李工 li").click()
    page.get_by_test_id("view-as").click()
    banner = page.get_by_test_id("view-as-banner")
    expect(banner).to_contain_text("正在以 李工 的身份查看")
    expect(page.get_by_text("还没有可查看的摄像机")).to_be_visible()
    # Nothing of the wall is pushed off the screen by the banner, or left behind it.
    assert page.evaluate("document.documentElement.scrollHeight") == 768
    page.goto("/online/")
    page.mouse.wheel(0, 2000)
    expect(banner).to_be_in_viewport()
    page.get_by_test_id("end-view").click()
    page.wait_for_url("**/rights/")
    expect(banner).to_have_count(0)


def test_an_account_becomes_one_for_a_big_screen(page: Page) -> None:
    page.goto("/rights/")
    page.get_by_role("button", name="王工 wang").click()
    page.get_by_test_id("mark-screen").click()
    expect(page.get_by_test_id("panel-said")).to_have_text("请填写大屏所在的地址或网段，每行一个")
    page.get_by_test_id("screen-form").locator("textarea").fill("10.8.1.20\n10.8.2.0/24")
    page.get_by_test_id("mark-screen").click()
    expect(page.get_by_test_id("screen-networks")).to_have_text("10.8.1.20、10.8.2.0/24")
    expect(page.get_by_test_id("screen-form").locator("textarea")).to_have_value("10.8.1.20\n10.8.2.0/24")
    page.get_by_test_id("unmark-screen").click()
    expect(page.get_by_test_id("screen-networks")).to_have_count(0)


def test_a_camera_and_a_person_are_chosen_from_suggestions(page: Page, operator: User, camera: Camera) -> None:
    page.goto("/rights/exceptions/")
    page.locator("[name=username]").press_sequentially("王")
    page.get_by_test_id("choice").click()
    expect(page.locator("[name=username]")).to_have_value("wang")
    page.locator("[name=camera]").press_sequentially(camera.stake)
    expect(page.get_by_test_id("choice")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("[name=camera]")).to_have_value(camera.number)
    expect(page.locator(".picked").filter(has_text=camera.name)).to_have_count(1)
    page.get_by_label("允许").check()
    page.get_by_role("button", name="设置").click()
    expect(page.get_by_test_id("said")).to_have_text(f"已设置：允许 王工 查看视频 {camera.name}")


def test_a_suggestion_shows_who_can_see_it_at_once(page: Page, camera: Camera) -> None:
    page.goto("/rights/watchers/")
    page.locator("[name=camera]").press_sequentially(camera.stake)
    page.get_by_test_id("choice").click()
    expect(page.get_by_test_id("export")).to_be_visible()
