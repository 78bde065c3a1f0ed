"""What the gateway tells its platform, and how it keeps its token."""

import json
from pathlib import Path

import pytest

from protocol.codes import Code
from tests.gateway.roadside import (
    BROKEN,
    COMPANY,
    DOME,
    FIRST_TOKEN,
    FIXED,
    Platform,
    camera,
    command,
    config,
    gateway_in_thread,
    until,
    write_config,
)
from tests.protocol.peer import Reply, Request, reply

STRANGE_COMPANY = "江苏沿江高速公路有限公司"


@pytest.fixture
def path(folder: Path, upper: Platform) -> Path:
    platform = config(folder)["platform"] | {"base_url": upper.base_url}
    return write_config(folder, platform=platform)


def test_cameras_and_their_status_are_reported_at_start(path: Path, upper: Platform) -> None:
    with gateway_in_thread(path):
        (statuses,) = until(lambda: upper.of("ReportCameraStatus"), what="status report")
    (cameras,) = upper.of("VideoInformation")
    assert [item["cameraNum"] for item in cameras] == [DOME, FIXED, BROKEN]
    assert cameras[0]["department"] == COMPANY
    assert "source" not in cameras[0]
    assert {item["cameraNum"]: item["online"] for item in statuses} == {DOME: 1, FIXED: 1, BROKEN: 0}
    (request,) = upper.peer.of("ReportCameraStatus")
    assert request.query == {"department": COMPANY, "user": "gateway-01"}


def test_the_token_handed_over_offline_is_exchanged_and_the_new_one_used_at_once(
    path: Path, upper: Platform
) -> None:
    with gateway_in_thread(path) as gateway:
        until(lambda: upper.of("ReportCameraStatus"), what="status report")
        assert upper.exchanged == 1
        assert [request.token for request in upper.peer.of("VideoInformation")] == ["token-1"]
        order = {"cameraNum": DOME, "action": 0}
        assert gateway.call("PTZControl", token="token-1", **order).code == Code.OK
        assert gateway.call("PTZControl", token=FIRST_TOKEN, **order).code == Code.OK
    assert json.loads((path.parent / "state.json").read_bytes())["current"] == "token-1"


def test_a_restart_goes_on_with_the_kept_token(path: Path, upper: Platform) -> None:
    with gateway_in_thread(path):
        until(lambda: upper.of("ReportCameraStatus"), what="status report")
    upper.peer.requests.clear()
    with gateway_in_thread(path):
        until(lambda: upper.of("ReportCameraStatus"), what="status report")
    assert upper.exchanged == 1


def test_an_expired_token_is_exchanged_on_403(path: Path, upper: Platform) -> None:
    with gateway_in_thread(path):
        until(lambda: upper.of("ReportCameraStatus"), what="status report")
    upper.expire()
    upper.peer.requests.clear()
    with gateway_in_thread(path):
        until(lambda: upper.of("ReportCameraStatus"), what="status report")
    assert upper.token == "token-2"
    assert json.loads((path.parent / "state.json").read_bytes()) | {"configured": ""} == {
        "current": "token-2",
        "previous": "token-1",
        "configured": "",
    }


def test_a_platform_that_is_away_is_asked_until_it_answers(path: Path, upper: Platform) -> None:
    upper.is_down = True
    with gateway_in_thread(path) as gateway:
        until(lambda: len(upper.peer.requests) >= 2, what="second try")
        assert gateway.call("PTZControl", cameraNum=DOME, action=0).code == Code.OK
        upper.is_down = False
        until(lambda: upper.of("ReportCameraStatus"), what="status report")


def test_a_department_that_is_refused_hides_no_other(folder: Path, upper: Platform) -> None:
    """The one camera of a department was deleted by staff; the other departments go on being told."""
    willing = upper.peer.respond

    def respond(request: Request) -> Reply:
        return reply(404) if request.query.get("department") == STRANGE_COMPANY else willing(request)

    upper.peer.respond = respond
    clip = folder / "clip.mp4"
    cameras = [
        camera(BROKEN, {"adapter": "file", "path": "gone.mp4"}, department=STRANGE_COMPANY),
        camera(FIXED, {"adapter": "file", "path": "clip.mp4", "mode": "transcode"}),
    ]
    clip.write_bytes(b"not a clip")
    platform = config(folder)["platform"] | {"base_url": upper.base_url}
    with gateway_in_thread(write_config(folder, platform=platform, cameras=cameras)) as gateway:
        told = until(lambda: upper.peer.of("ReportCameraStatus")[1:], what="status of the other department")
        assert told[0].query["department"] == COMPANY
        gateway.begin(FIXED, command(9))
        until(lambda: upper.of("ReportCameraStatus")[2:], what="change")
    refused, first, change = upper.peer.of("ReportCameraStatus")
    assert refused.query["department"] == STRANGE_COMPANY
    assert json.loads(first.body) == [{"cameraNum": FIXED, "online": 1}]
    assert json.loads(change.body) == [{"cameraNum": FIXED, "online": 2}]


def test_a_camera_that_breaks_down_is_reported_as_a_change(path: Path, folder: Path, upper: Platform) -> None:
    clip = folder / "clip.mp4"
    clip.write_bytes(b"not a clip")
    platform = config(folder)["platform"] | {"base_url": upper.base_url}
    cameras = [
        camera(DOME, {"adapter": "simulated", "seed": 3, "light": "day"}),
        camera(BROKEN, {"adapter": "file", "path": "clip.mp4", "mode": "transcode"}),
    ]
    with gateway_in_thread(write_config(folder, platform=platform, cameras=cameras)) as gateway:
        until(lambda: upper.of("ReportCameraStatus"), what="status report")
        push = {"serverIp": "127.0.0.1", "serverPort": 9, "pubName": "/live/x", "authInfo": ""}
        video = {"width": 352, "height": 288, "bitrate": 200, "iframe": 50, "framerate": 25}
        first = gateway.begin(BROKEN, {"command": {**push, "video": video}})
        assert first.code in (Code.OK, Code.NOT_FOUND)
        until(lambda: len(upper.of("ReportCameraStatus")) == 2, what="change")
        assert upper.of("ReportCameraStatus")[1] == [{"cameraNum": BROKEN, "online": 2}]
        told = gateway.begin(BROKEN, {"command": {**push, "video": video}})
        assert told.code == Code.NOT_FOUND
        assert "故障" in told.msg
