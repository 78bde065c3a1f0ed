"""Every page of the console in Debian's Chromium: accessible, quiet, asking nobody but us; and what it looks like.

A picture of each page at each size is kept in $SCREENSHOTS, or else with what pytest keeps of the run.
"""

import os
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from django.conf import LazySettings
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from pytest_django.live_server_helper import LiveServer

from access.choices import Action
from access.models import Organisation, User
from cameras.models import Camera, CameraException, CameraGroup, GroupMember
from snapshots.slots import slot_at, unix_slot
from streaming.models import MediaServer
from tests.cameras.sheets import row, sheet
from tests.cases.scene import begin
from tests.console.desk import Desk
from tests.e2e.browser import CHROMIUM_ARGUMENTS, chromium_path
from tests.incidents.running import run_incident
from tests.ptz.ledger import make_camera

AXE: Final = Path(__file__).resolve().parents[2] / "node_modules/axe-core/axe.min.js"
SIZES: Final = {"1366": (1366, 768), "1920": (1920, 1080)}
_TABLET: Final = ViewportSize(width=1024, height=768)
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
def chromium(live_server: LiveServer, desk: Desk, request: pytest.FixtureRequest) -> Iterator[Browser]:
    """Begins when the database is filled and ends before it is cleared: its loop lets nobody else use it."""
    if "inside" in request.fixturenames:
        request.getfixturevalue("inside")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def artefacts(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def inside(desk: Desk, camera: Camera, gantry: Camera, office: Organisation, company: Organisation) -> list[str]:
    """Addresses of pages that no navigation names, each with something in it."""
    slot = unix_slot(timezone.now() - timedelta(days=1))
    Camera.objects.update(created_at=timezone.now() - timedelta(days=3))
    make_camera(office, 5, is_pending=True)
    file = desk.client.post("/ledger/import/", {"file": sheet(row(1), row(2, stake="K11x"))})
    group = CameraGroup.objects.create(name="桥隧", organisation=company)
    GroupMember.objects.create(group=group, camera=camera)
    CameraException.objects.create(
        user=desk.user, group=group, organisation=company, action=Action.PTZ, is_denied=True
    )
    case = begin(camera, event_at=slot_at(slot), note="接到报警")
    incident = run_incident(company, "网关 济南分中心", camera, gantry)
    names: list[tuple[str, tuple[object, ...], str]] = [
        *(("ledger_review", (), ""), ("ledger_camera", (camera.pk,), "")),
        ("ledger_gate", (), ""),
        *(("rights_groups", (), ""), ("rights_group", (group.pk,), ""), ("rights_exceptions", (), "")),
        *(("rights_watchers", (), f"?camera={camera.pk}"), ("rights_partners", (), ""), ("sign_ins", (), "")),
        *(("case", (case.pk,), ""), ("case_new", (), f"?camera={camera.pk}&at={slot}")),
        ("incident", (incident.pk,), ""),
        *(("snapshots", (), f"?camera={camera.pk}&at={slot}"), ("film", (), f"?road=G2&camera={camera.pk}&at={slot}")),
    ]
    return [file.headers["Location"], *(reverse(f"console:{name}", args=args) + query for name, args, query in names)]


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


def name_of(path: str) -> str:
    return re.sub(r"\W+", "-", path).strip("-") or "wall"


def wider_by(page: Page) -> int:
    """Pixels that run over the edge: a page that scrolls sideways hides what matters."""
    wide: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return max(0, wide)


def look(page: Page, picture: Path) -> dict[str, Any]:
    """What is wrong with the page as it stands; nothing where all is well."""
    page.screenshot(path=picture)
    wide = wider_by(page)
    violations = page.evaluate(_RULES)
    return {"axe": violations, "wider by": wide} if violations or wide else {}


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
        page.evaluate(AXE.read_text())
        if wrong := look(page, artefacts / f"{name_of(path)}-{size}.png"):
            found[path] = wrong
        if size == "1366":
            page.set_viewport_size(_TABLET)
            if wide := wider_by(page):
                found[f"{path} on a tablet"] = wide
            page.set_viewport_size({"width": SIZES[size][0], "height": SIZES[size][1]})
    page.context.close()
    assert found == {}
    assert (failures, foreign) == ([], [])


def test_pages_that_no_navigation_names_are_for_everybody_too(
    chromium: Browser, live_server: LiveServer, desk: Desk, inside: list[str], artefacts: Path
) -> None:
    """Opened once, and looked at in both sizes."""
    page = open_page(chromium, live_server, desk, SIZES["1366"])
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    found: dict[str, Any] = {}
    for path in inside:
        answer = page.goto(path)
        assert answer is not None and answer.status == 200, path
        page.evaluate(AXE.read_text())
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            if wrong := look(page, artefacts / f"{name_of(path)}-{size}.png"):
                found[f"{path} {size}"] = wrong
    page.context.close()
    assert found == {}
    assert failures == []
