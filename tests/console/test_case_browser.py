"""A case in Debian's Chromium: its ZIP is taken away, and the page says so."""

import shutil
from collections.abc import Iterator

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from cameras.models import Camera
from tests.cases.scene import begin
from tests.console.desk import Desk
from tests.console.test_snapshots_browser import signed_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which("chromium") is None, reason="Debian package chromium is not installed"),
]


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, desk: Desk) -> Iterator[Page]:
    yield from signed_in(browser, live_server, desk)


def test_an_export_stands_on_the_page_once_it_is_taken_away(page: Page, camera: Camera) -> None:
    case = begin(camera, event_at=timezone.now())
    page.goto(f"/cases/{case.pk}/")
    for number in (1, 2):
        expect(page.get_by_test_id("exported")).to_have_count(number - 1)
        with page.expect_download() as download:
            page.get_by_test_id("export").click()
        assert download.value.suggested_filename.endswith(".zip")
        expect(page.get_by_test_id("exported")).to_have_count(number)
        expect(page.get_by_test_id("exported").first).to_have_attribute("data-sealed", "1")
