"""图像质量 by keyboard in Debian's Chromium, against the real views."""

import shutil
from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from access.choices import Role
from access.models import Organisation
from access.services.staff import create_staff
from cameras.models import Camera
from quality.choices import QualitySource
from quality.models import QualityFeedback
from quality.services.verdicts import Verdict, record_quality
from tests.cast import PASSWORD
from tests.console.desk import Desk
from tests.ptz.ledger import make_camera

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which("chromium") is None, reason="Debian package chromium is not installed"),
]

# Left to right, the later told the higher: blurred and noisy; occluded; blurred.
STATES = ["000100000", "001000000", "000100100"]


@pytest.fixture
def cameras(office: Organisation) -> list[Camera]:
    """From top to bottom of the page."""
    made = [make_camera(office, n) for n in (1, 2, 3)]
    for camera, flags in zip(made, STATES, strict=True):
        record_quality(verdicts={camera.pk: Verdict(flags)}, source=QualitySource.GATEWAY)
    return made[::-1]


@pytest.fixture
def page(
    browser: Browser,
    live_server: LiveServer,
    company: Organisation,
    cameras: list[Camera],
    settings: LazySettings,
) -> Iterator[Page]:
    """The page as the keeper of the company's ledger has it before them."""
    role = Role.SECTION_ADMIN
    user = create_staff(username="wu", password=PASSWORD, full_name="吴工", role=role, organisation=company)
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    session = Desk(user).client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    page = context.new_page()
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto(f"{live_server.url}/quality/")
    yield page
    context.close()
    assert failures == []


def selected(page: Page) -> tuple[int, int]:
    mark = page.locator(".mark.is-selected")
    expect(mark).to_have_count(1)
    return int(mark.get_attribute("data-camera") or 0), int(mark.get_attribute("data-flag") or 0)


def test_arrows_move_between_what_is_wrong(page: Page, cameras: list[Camera]) -> None:
    top, middle, bottom = (camera.pk for camera in cameras)
    seen = [selected(page)]
    for key in ("Right", "Right", "Down", "Up", "Left", "Left", "Down", "Down", "Down"):
        page.keyboard.press(f"Arrow{key}")
        seen.append(selected(page))
    assert seen == [
        *((top, 3), (top, 6), (middle, 2), (bottom, 3), (middle, 2)),
        *((top, 6), (top, 3), (middle, 2), (bottom, 3), (bottom, 3)),
    ]
    expect(page.get_by_test_id("look-detail")).to_contain_text("K1100+001")


def test_one_key_confirms_and_goes_on(page: Page, cameras: list[Camera]) -> None:
    page.keyboard.press("y")
    expect(page.get_by_test_id("said")).to_contain_text("K1100+003 图像模糊：已确认属实")
    expect(page.locator(f"#mark-{cameras[0].pk}-3")).to_contain_text("已确认")
    assert selected(page) == (cameras[0].pk, 6)
    assert QualityFeedback.objects.get().is_real


def test_one_key_says_false_alarm_and_the_next_is_selected(page: Page, cameras: list[Camera]) -> None:
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("n")
    expect(page.get_by_test_id("said")).to_contain_text("K1100+002 图像遮挡：已判为误报")
    expect(page.get_by_test_id("row")).to_have_count(2)
    assert selected(page) == (cameras[2].pk, 3)
    # The keyboard stays where the eye is.
    page.keyboard.press("ArrowUp")
    assert selected(page) == (cameras[0].pk, 3)


def test_a_key_says_nothing_of_another_alarm_when_its_own_is_gone(page: Page, cameras: list[Camera]) -> None:
    """The list is asked for again while somebody looks at the middle one."""
    page.locator(f"#mark-{cameras[1].pk}-2").click()
    record_quality(verdicts={cameras[1].pk: Verdict("000000000")}, source=QualitySource.GATEWAY)
    page.evaluate("htmx.trigger('#list', 'refresh')")
    expect(page.get_by_test_id("row")).to_have_count(2)
    expect(page.locator(".mark.is-selected")).to_have_count(0)
    expect(page.get_by_test_id("look-detail")).to_be_empty()
    page.keyboard.press("n")
    page.keyboard.press("y")
    page.keyboard.press("ArrowRight")
    assert selected(page) == (cameras[0].pk, 3)
    expect(page.get_by_test_id("said")).to_be_empty()
    assert not QualityFeedback.objects.exists()


def test_a_refusal_is_a_sentence(page: Page, cameras: list[Camera]) -> None:
    state = {cameras[0].pk: Verdict("000000000")}
    record_quality(verdicts=state, source=QualitySource.DIAGNOSIS)
    page.keyboard.press("y")
    expect(page.get_by_test_id("said")).to_contain_text("该摄像机当前没有“图像模糊”")
    assert not QualityFeedback.objects.exists()


def test_keys_of_a_form_are_no_words(page: Page) -> None:
    page.locator("[name=road]").focus()
    page.keyboard.type("ny")
    expect(page.locator("[name=road]")).to_have_value("ny")
    expect(page.get_by_test_id("said")).to_be_empty()
    assert not QualityFeedback.objects.exists()


def test_the_mouse_does_it_too(page: Page, cameras: list[Camera]) -> None:
    page.locator(f"#mark-{cameras[1].pk}-2").click()
    page.get_by_test_id("look-detail").get_by_role("button", name="误报").click()
    expect(page.get_by_test_id("row")).to_have_count(2)
    assert not QualityFeedback.objects.get().is_real
