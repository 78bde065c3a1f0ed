"""The page for the section's people: every camera, and why it does not work."""

import base64
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.roadside import (
    BROKEN,
    DOME,
    FIRST_TOKEN,
    FIXED,
    Roadside,
    Sink,
    camera,
    command,
    gateway_in_thread,
    until,
    write_config,
)
from tests.gateway.rtsp_standin import rtsp_standin

TOKEN = "section-console-4f1a"


def fetch(gateway: Roadside, path: str, **headers: str) -> str:
    request = urllib.request.Request(gateway.base_url + path, headers=headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
        return str(response.read().decode())


def status(gateway: Roadside) -> dict[str, Any]:
    facts = json.loads(fetch(gateway, "/status.json", TAuth=TOKEN))
    return {one["cameraNum"]: one for one in facts["cameras"]}


def test_each_camera_with_its_reason(folder: Path, media: Sink, clip: Path) -> None:
    with rtsp_standin() as away:
        locked = {"adapter": "rtsp", "url": away.url("secret", "admin:hidden@"), "mode": "copy"}
        cameras = [
            camera(DOME, {"adapter": "file", "path": str(clip)}, cameraName="<b>主线</b>"),
            camera(FIXED, locked),
            camera(BROKEN, {"adapter": "file", "path": "gone.mp4"}),
        ]
        path = write_config(folder, cameras=cameras, section={"token": TOKEN})
        with gateway_in_thread(path) as gateway:
            gateway.begin(DOME, command(media.port))
            until(lambda: gateway.pushing)
            found = status(gateway)
            page = fetch(gateway, "/status", Authorization=basic(TOKEN))
    assert found[DOME]["online"] == 1
    assert found[DOME]["pushes"] == [{"videoType": 0, "pushing": True, "failure": None}]
    assert (found[FIXED]["online"], found[FIXED]["trouble"]) == (2, "wrong_password")
    assert (found[BROKEN]["online"], found[BROKEN]["trouble"]) == (0, "unreachable")
    assert "&lt;b&gt;主线" in page
    assert "用户名或密码错误" in page
    assert "hidden" not in page


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"section:{password}".encode()).decode()


@pytest.mark.parametrize("headers", [{}, {"TAuth": FIRST_TOKEN}, {"Authorization": "Basic !"}])
def test_nobody_else_sees_it(folder: Path, headers: dict[str, str]) -> None:
    with gateway_in_thread(write_config(folder, section={"token": TOKEN})) as gateway:
        assert fetch(gateway, "/status.json", TAuth=TOKEN)
        for path in ("/status", "/status.json"):
            with pytest.raises(urllib.error.HTTPError, match="401") as refused:
                fetch(gateway, path, **headers)
            refused.value.close()


def test_without_a_token_of_the_section_there_is_no_page(roadside: Roadside) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404") as missing:
        fetch(roadside, "/status", TAuth=FIRST_TOKEN)
    missing.value.close()
