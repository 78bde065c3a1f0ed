"""告警 in Debian's Chromium: everything by keyboard, and the count in the top bar."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from access.choices import Severity
from access.models import Alarm, Organisation
from access.services.alarms import close_alarm, raise_alarm
from tests.console.desk import Desk
from tests.console.test_snapshots_browser import signed_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which("chromium") is None, reason="Debian package chromium is not installed"),
]


@pytest.fixture
def alarms(company: Organisation) -> list[Alarm]:
    """The gravest is the oldest."""
    grave = raise_alarm(key="grave", title="路公司全部离线", organisation=company, severity=Severity.CRITICAL)
    return [grave, *(raise_alarm(key=f"{n}", title=f"网关 {n} 无应答", organisation=company) for n in (1, 2))]


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, desk: Desk, alarms: list[Alarm]) -> Iterator[Page]:
    yield from signed_in(browser, live_server, desk)


def test_an_alarm_is_found_acknowledged_and_noted_without_a_mouse(page: Page, alarms: list[Alarm]) -> None:
    page.goto("/alarms/")
    count = page.get_by_test_id("alarm-count")
    expect(count).to_have_text("3")
    expect(count).to_have_attribute("data-fresh", "true")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_test_id("look-title")).to_have_text("路公司全部离线")
    assert f"alarm={alarms[0].pk}" in page.url
    page.keyboard.press("y")
    expect(page.get_by_test_id("acknowledge")).to_have_text("保存备注")
    # It moves down behind what nobody has seen, and stays selected.
    expect(page.get_by_test_id("alarm").last).to_have_class("alarm is-selected")
    page.keyboard.press("n")
    page.keyboard.type("已派人y")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("alarm").last).to_contain_text("已派人y")
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_test_id("look-title")).to_have_text("网关 1 无应答")
    page.reload()
    expect(page.get_by_test_id("look-title")).to_have_text("网关 1 无应答")


def test_what_ends_leaves_the_list_and_stays_beside(page: Page, alarms: list[Alarm]) -> None:
    page.goto(f"/alarms/?alarm={alarms[0].pk}")
    expect(page.get_by_test_id("alarm")).to_have_count(3)
    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(end).result()
    expect(page.get_by_test_id("alarm")).to_have_count(1)
    expect(page.get_by_test_id("look-title")).to_have_text("路公司全部离线")
    expect(page.get_by_test_id("alarm-count")).to_have_text("1")


def end() -> None:
    """In a thread of its own, as playwright keeps the database from this one."""
    for key in ("grave", "1"):
        close_alarm(key=key)
    connection.close()
