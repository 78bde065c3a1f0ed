"""The main screen in Debian's Chromium: marks of a tile, what is counted, the way back, a tablet."""

import shutil
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from access.models import Organisation, User
from cameras.choices import OnlineStatus
from cameras.models import Camera
from quality.choices import QualitySource
from quality.services.verdicts import Verdict, record_quality
from streaming.models import MediaServer
from tests.console.desk import Desk
from tests.console.test_every_page_browser import open_page
from tests.ptz.ledger import make_camera

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which("chromium") is None, reason="Debian package chromium is not installed"),
]

_TABLET = (1024, 768)
# Of the buttons of the bars those that lie outside their bar or the window, by their words.
_OUTSIDE = """
() => [...document.querySelectorAll(".toolbar button, .top-facts > *")].filter((one) => one.offsetParent).filter((one) => {
  const [own, bar] = [one, one.closest(".toolbar, .top")].map((each) => each.getBoundingClientRect());
  return own.left < bar.left || own.right > bar.right || own.bottom > bar.bottom || own.right > innerWidth;
}).map((one) => one.textContent)
"""


@pytest.fixture
def desk(superuser: User, office: Organisation, media_server: MediaServer) -> Desk:
    """Twelve cameras over nine kilometres: one offline, two never heard of, the first with a faulty picture."""
    for number in range(700, 8500, 700):
        make_camera(office, number)
    since = timezone.now() - timedelta(hours=1)
    Camera.objects.update(raw_status_at=since, status_at=since)
    ids = list(Camera.objects.order_by("stake_m").values_list("pk", flat=True))
    Camera.objects.filter(pk=ids[1]).update(raw_status=OnlineStatus.OFFLINE)
    Camera.objects.filter(pk__in=ids[2:4]).update(raw_status=OnlineStatus.OFFLINE, raw_status_at=None)
    verdicts = {ids[0]: Verdict("001000000"), ids[1]: Verdict("100000000")}
    record_quality(verdicts=verdicts, source=QualitySource.GATEWAY)
    return Desk(superuser)


@pytest.fixture
def wall(desk: Desk, browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    page = open_page(browser, live_server, desk, _TABLET)
    page.goto("/")
    expect(page.locator("#wall .tile[data-camera-num]")).to_have_count(9)
    yield page
    # Or tiles would go on asking while the database is cleared.
    page.context.close()


def test_a_faulty_picture_is_marked_on_its_tile(wall: Page) -> None:
    marks = wall.get_by_test_id("tile-quality")
    expect(marks.nth(0)).to_be_visible()
    expect(marks.nth(0)).to_have_attribute("title", "画质：图像遮挡")
    # Offline is told by the state.
    assert [marks.nth(index).is_visible() for index in range(1, 9)] == [False] * 8
    wall.get_by_test_id("layout-4").click()
    expect(marks.nth(0)).to_have_text("图像遮挡")


@pytest.mark.parametrize("width", [1366, 1600, 1920])
def test_what_is_wrong_with_a_picture_is_written_out_beside_its_rate(wall: Page, width: int) -> None:
    wall.set_viewport_size({"width": width, "height": 900})
    words = wall.get_by_test_id("tile-quality").nth(0).locator("span")
    expect(words).to_have_text("图像遮挡")
    wall.get_by_test_id("tile-rate").nth(0).evaluate("(rate) => (rate.textContent = '213 kbps')")
    assert words.evaluate("(element) => element.scrollWidth <= element.clientWidth")


def test_every_camera_is_counted_once_and_the_whole_road(wall: Page) -> None:
    counted = {"online": "9", "offline": "1", "fault": "0", "unknown": "2"}
    for state, count in counted.items():
        expect(wall.locator(f"#road-{state}")).to_have_text(count)
    for state in ("offline", "fault", "unknown"):
        expect(wall.locator(f"#count-{state}")).to_have_text(counted[state])
    box = wall.get_by_test_id("road-strip").bounding_box()
    assert box is not None
    wall.mouse.move(box["x"] + 20, box["y"] + 80)
    for _ in range(6):
        wall.mouse.wheel(0, -200)
    expect(wall.locator("#road-online")).to_have_text("9")
    expect(wall.get_by_test_id("road-extent")).to_contain_text("全线 12 路")
    wall.get_by_test_id("chip-unknown").check(force=True)
    expect(wall.locator("#tree .camera")).to_have_count(2)


@pytest.mark.parametrize("way", ["click", "key"])
def test_what_was_cleared_comes_back(wall: Page, way: str) -> None:
    standing = wall.locator("#wall .tile[data-camera-num]")
    wall.get_by_test_id("wall-clear").click()
    expect(standing).to_have_count(0)
    if way == "click":
        wall.get_by_test_id("undo").click()
    else:
        wall.keyboard.press("Control+z")
    expect(standing).to_have_count(9)
    expect(wall.get_by_test_id("undo")).to_have_count(0)


def test_a_tablet_shows_every_button(wall: Page) -> None:
    for name in ("fit", "grab", "fullscreen", "kiosk", "nav-account", "logout"):
        expect(wall.get_by_test_id(name)).to_be_visible()
    expect(wall.locator("#count-total")).to_be_visible()
    assert wall.evaluate(_OUTSIDE) == []
    # The sign of the direction stands beside the first flag, not over it.
    sign, flag = (wall.locator(f"#road-strip {part}").first.bounding_box() for part in (".r-way", ".r-flag"))
    assert sign is not None
    assert flag is not None
    assert sign["x"] + sign["width"] <= flag["x"]
