"""The decisive part of the main job once more, over HTTPS, with every certificate verified."""

import contextlib
import io
import json
import os
import shutil
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect, sync_playwright

from tests.e2e.browser import CHROMIUM_ARGUMENTS, chromium_path
from tests.e2e.browser_trust import trust_ca
from tests.e2e.demo_stack import Demo, DemoProcess
from tests.e2e.ministry_client import FlvViewer, MinistryClient, fetch
from tests.e2e.test_main_job import decode, poll, urls_of

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def tls_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo of its own with --tls; TEST_TLS_DEMO_DATA names the folder of one that runs already."""
    running = os.environ.get("TEST_TLS_DEMO_DATA")
    if running:
        yield Demo(json.loads((Path(running) / "demo.json").read_text()), Path(running))
        return
    data = tmp_path_factory.mktemp("tls-demo") / "data"
    for painted in tmp_path_factory.getbasetemp().glob("demo*/data/scenes"):
        # What the other demo of this run has painted is half of the start of this one.
        shutil.copytree(painted, data / "scenes", dirs_exist_ok=True)
        # Marks the folder as one of ours.
        (data / "services.lock").touch()
    process = DemoProcess(data, is_tls=True)
    try:
        yield process.wait_until_ready()
    finally:
        process.stop()


@pytest.fixture
def trusting(tls_demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Strangers of this test trust the demo's CA and no other."""
    monkeypatch.setenv("SSL_CERT_FILE", tls_demo.facts["ca_file"])
    monkeypatch.setenv("SSL_CERT_DIR", "/nonexistent")


@pytest.fixture
def ministry(tls_demo: Demo, trusting: None) -> MinistryClient:
    given = tls_demo.facts["ministry"]
    client = MinistryClient(
        tls_demo.base_url, given["user"], given["device_code"], given["token"], given["private_key"]
    )
    assert client.exchange_token()["code"] == 200
    # Whoever starts the demo again, or this test on a running one, finds a token that is good.
    given["token"] = client.token
    return client


def addresses_of(demo: Demo) -> list[str]:
    facts = demo.facts
    return [
        facts["base_url"],
        facts["gateway"]["base_url"],
        facts["mock_ministry"]["base_url"],
        facts["media"]["http_base"],
    ]


def test_nobody_is_believed_without_the_ca_and_no_old_tls_is_spoken(tls_demo: Demo) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(tls_demo.facts["ca_file"])
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.deprecated_call():
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    for address in addresses_of(tls_demo):
        assert address.startswith("https://127.0.0.1:")
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            urllib.request.urlopen(address, timeout=10)  # noqa: S310
        # The mock ministry stands for somebody else's server.
        if address != tls_demo.facts["mock_ministry"]["base_url"]:
            with pytest.raises(urllib.error.URLError, match="ALERT|EOF"):
                urllib.request.urlopen(address, timeout=10, context=old)  # noqa: S310
    assert (tls_demo.data / "tls" / "server.key").stat().st_mode & 0o777 == 0o600


def test_the_main_job_over_https(tls_demo: Demo, ministry: MinistryClient) -> None:
    camera = tls_demo.cameras()[0]
    entry = urls_of(ministry, camera)
    media = tls_demo.facts["media"]["http_base"]
    assert entry["flv_url"].startswith(media + "/")
    with contextlib.closing(FlvViewer(entry["flv_url"])) as viewer:
        viewer.read(100_000)
    assert len(decode(viewer.received, "flv")) >= 25

    status, playlist, address = fetch(entry["hls_url"])
    assert status == 200
    segments = [line for line in playlist.decode().splitlines() if line and not line.startswith("#")]
    status, segment, _ = fetch(urllib.parse.urljoin(address, segments[0]))
    assert status == 200
    assert len(decode(segment, "mpegts")) >= 25

    snapshot = ministry.call("SnapShot", cameraNum=camera["camera_num"])["snapShots"][-1]
    assert snapshot["url"].startswith(tls_demo.base_url + "/")
    status, jpeg, _ = fetch(snapshot["url"])
    assert status == 200
    with Image.open(io.BytesIO(jpeg)) as picture:
        assert picture.format == "JPEG"

    turning = tls_demo.cameras(ptz=True)[0]
    answer = ministry.call("PTZControl", cameraNum=turning["camera_num"], action=2)
    assert answer["PTZControl"]["status"] == 0, answer


def test_cameras_are_registered_at_the_ministry_over_https(tls_demo: Demo, trusting: None) -> None:
    numbers = {camera["camera_num"].lower() for camera in tls_demo.cameras()}

    def registered() -> set[str]:
        _, body, _ = fetch(tls_demo.facts["mock_ministry"]["base_url"] + "/state")
        return {camera["cameraNum"].lower() for camera in json.loads(body)["cameras"]}

    assert numbers <= poll(registered, lambda found: numbers <= found, 20)


@pytest.mark.browser
@pytest.mark.skipif(shutil.which("chromium") is None, reason="Debian package chromium is not installed")
def test_the_wall_plays_in_a_browser_that_trusts_the_ca(tls_demo: Demo, tmp_path: Path) -> None:
    trust_ca(tmp_path, Path(tls_demo.facts["ca_file"]))
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(),
            args=CHROMIUM_ARGUMENTS,
            env={**os.environ, "HOME": str(tmp_path)},
        )
        page = browser.new_context(viewport={"width": 1600, "height": 900}).new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", lambda request: complaints.append(f"{request.url} {request.failure}"))
        page.goto(tls_demo.base_url)
        page.get_by_label("用户名").fill(tls_demo.facts["operator"]["username"])
        page.get_by_label("密码", exact=True).fill(tls_demo.facts["operator"]["password"])
        page.get_by_test_id("login-submit").click()
        page.get_by_test_id("layout-9").click()
        # A first visit is greeted with a full wall.
        playing = page.locator("video[data-state='playing']")
        expect(playing.nth(3)).to_be_visible(timeout=20_000)
        playing.first.evaluate(
            "(video) => new Promise((done) => video.requestVideoFrameCallback(() => done(null)))"
        )
        cookies = [cookie for cookie in page.context.cookies() if "session" in cookie.get("name", "")]
        browser.close()
    assert [cookie.get("secure") for cookie in cookies] == [True]
    assert complaints == []
