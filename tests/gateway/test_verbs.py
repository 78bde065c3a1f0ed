"""The document's section 3 over HTTP: what is done, and what is answered to everything else."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from protocol.codes import Code
from tests.gateway.roadside import (
    BROKEN,
    DOME,
    FIRST_TOKEN,
    FIXED,
    LOW,
    STRANGER,
    Roadside,
    Sink,
    command,
    gateway_in_thread,
    sink,
    until,
    write_config,
)


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roadside]:
    """For calls that must not change anything: one gateway for all of them."""
    path = write_config(tmp_path_factory.mktemp("idle"), allowed_push_ports=[1024, 65535])
    with gateway_in_thread(path) as gateway:
        yield gateway


def raw(roadside: Roadside, path: str, body: bytes | None = None, **headers: str) -> dict[str, Any]:
    """The answer as it is: always JSON, always HTTP 200 under /service."""
    request = urllib.request.Request(roadside.base_url + path, data=body, headers=headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
        assert response.status == 200
        answer: dict[str, Any] = json.loads(response.read())
        return answer


def health(roadside: Roadside) -> dict[str, Any]:
    return raw(roadside, "/healthz")


def test_begin_pushes_and_finish_ends_it(roadside: Roadside, media: Sink) -> None:
    assert roadside.begin(DOME, command(media.port)).code == Code.OK
    media.until_frames(10)
    assert until(lambda: health(roadside)["pushing"]) == 1
    analysis = {"waiting": 0, "dropped": 0, "refused": 0}
    assert health(roadside) == {"ok": True, "cameras": 3, "pushing": 1, "analysis": analysis}

    assert roadside.finish(DOME).code == Code.OK
    assert health(roadside)["pushing"] == 0
    assert roadside.finish(DOME).code == Code.OK


def test_the_same_order_again_is_answered_201_and_another_target_switches(
    roadside: Roadside, media: Sink
) -> None:
    assert roadside.begin(DOME, command(media.port)).code == Code.OK
    media.until_frames(1)
    again = roadside.begin(DOME, command(media.port, authInfo="auth_key=newer"))
    assert (again.code, again.msg) == (Code.ALREADY_PUSHING, "正在推流")

    with sink("/live/elsewhere") as other:
        assert roadside.begin(DOME, command(other.port, "/live/elsewhere")).code == Code.OK
        other.until_frames(1)
        assert media.publishers == 1
        frames = media.frames
        other.until_frames(10)
        assert media.frames == frames


def test_another_format_for_the_same_target_is_a_new_push(roadside: Roadside, media: Sink) -> None:
    assert roadside.begin(DOME, command(media.port)).code == Code.OK
    media.until_frames(1)
    smaller = {**LOW, "framerate": 10, "iframe": 20}
    assert roadside.begin(DOME, command(media.port, video=smaller)).code == Code.OK
    until(lambda: media.publishers == 2, what="second publisher")


def test_single_style_takes_the_same_orders(roadside: Roadside, media: Sink) -> None:
    order = {"cameraNum": DOME.upper(), "videoType": "0", "user": "province"}
    assert roadside.call("VideoTransBegin", style="single", body=command(media.port), **order).code == Code.OK
    media.until_frames(1)
    assert roadside.call("PTZControl", style="single", cameraNum=DOME, action=1).code == Code.OK
    assert roadside.call("VideoTransFinish", style="single", **order).code == Code.OK
    assert roadside.call("Reboot", style="single").code == Code.NOT_FOUND


def test_numbers_may_be_strings_and_names_in_any_case(roadside: Roadside, media: Sink) -> None:
    wire = command(str(media.port), video={name: str(value) for name, value in LOW.items()})  # type: ignore[arg-type]
    answer = roadside.call("VideoTransBegin", cameranum=DOME, VIDEOTYPE=0, channel_id="", body=wire)
    assert answer.code == Code.OK
    media.until_frames(1)


@pytest.mark.parametrize("token", ["", "wrong", FIRST_TOKEN + "x", "令牌"])
def test_only_its_own_token_opens_the_gateway(idle: Roadside, token: str) -> None:
    path = f"/service/video.PTZControl?cameraNum={DOME}&action=0"
    headers = {"TAuth": token} if token.isascii() else {"Authorization": "Bearer x"}
    assert raw(idle, path, None, **headers)["code"] == Code.FORBIDDEN
    assert raw(idle, path, TAuth=FIRST_TOKEN)["code"] == Code.OK
    assert raw(idle, path, Authorization=f"Bearer {FIRST_TOKEN}")["code"] == Code.OK


@pytest.mark.parametrize(
    ("path", "body", "code", "said"),
    [
        (f"PTZControl?action=1&cameraNum={STRANGER}", None, 404, STRANGER),
        (f"PTZControl?action=1&cameraNum={FIXED}", None, 404, "不支持云台控制"),
        (f"PTZControl?cameraNum={DOME}", None, 400, "action"),
        (f"PTZControl?cameraNum={DOME}&action=15", None, 400, "action"),
        (f"PTZControl?cameraNum={DOME}&action=left", None, 400, "action"),
        (f"PTZControl?cameraNum={DOME}&action=1&step=9", None, 400, "step"),
        (f"PTZControl?cameraNum={DOME}&cameraNum={FIXED}&action=1", None, 400, "cameraNum"),
        ("PTZControl?action=1&cameraNum=", None, 400, "cameraNum"),
        ("PTZControl?action=1&cameraNum=../../etc", None, 404, "etc"),
        (f"PTZControl?action=1&cameraNum={DOME}", b"{}", 400, "GET"),
        (f"VideoTransBegin?cameraNum={DOME}&videoType=0", None, 400, "POST"),
        (f"VideoTransBegin?cameraNum={DOME}", b"{}", 400, "videoType"),
        (f"VideoTransBegin?cameraNum={DOME}&videoType=2", b"{}", 400, "videoType"),
        (f"VideoTransBegin?cameraNum={DOME}&videoType=0", b"", 400, "为空"),
        (f"VideoTransBegin?cameraNum={DOME}&videoType=0", b'{"command":\n {]}', 400, "第 2 行"),
        (f"VideoTransBegin?cameraNum={DOME}&videoType=0", b"[1]", 400, "对象"),
        (f"VideoTransBegin?cameraNum={DOME}&videoType=0", b'{"command": {}}', 400, "command.video"),
        (f"VideoTransBegin?cameraNum={DOME}&videoType=0", b'"' + b"x" * (1 << 20) + b'"', 400, "1048576"),
        (f"VideoTransBegin?cameraNum={STRANGER}&videoType=0", b"{}", 404, STRANGER),
        (f"VideoTransFinish?cameraNum={STRANGER}&videoType=0", None, 404, STRANGER),
        (f"VideoTransFinish?cameraNum={DOME}", None, 400, "videoType"),
        ("Reboot", None, 404, "接口"),
        ("", None, 404, "接口"),
    ],
)
def test_a_bad_call_is_answered_with_its_place(
    idle: Roadside, path: str, body: bytes | None, code: int, said: str
) -> None:
    headers = {"TAuth": FIRST_TOKEN, "Content-Type": "application/json"}
    answer = raw(idle, f"/service/video.{path}", body, **headers)
    assert answer["code"] == code
    assert said in answer["msg"]
    assert answer["message"] == answer["msg"]
    assert health(idle)["pushing"] == 0


def test_another_version_is_refused(idle: Roadside) -> None:
    path = f"/service/video.PTZControl?cameraNum={DOME}&action=0"
    assert raw(idle, path, TAuth=FIRST_TOKEN, AppVersion="v2.0")["code"] == Code.MALFORMED
    assert raw(idle, path, TAuth=FIRST_TOKEN, AppVersion="v1.0")["code"] == Code.OK


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"serverIp": "192.0.2.7"}, 403),
        ({"serverIp": "169.254.169.254"}, 403),
        ({"serverIp": "::1"}, 403),
        ({"serverIp": "no-such-host.invalid"}, 400),
        ({"serverIp": "-rtmp_app"}, 400),
        ({"serverPort": 0}, 400),
        ({"serverPort": 9}, 403),
        ({"pubName": "/live/../../x"}, 400),
        ({"pubName": "live"}, 400),
        ({"authInfo": "a b"}, 400),
    ],
)
def test_a_target_outside_the_allowed_networks_is_refused(
    idle: Roadside, changes: dict[str, Any], code: int
) -> None:
    answer = idle.begin(DOME, command(19350, **changes))
    assert answer.code == code
    assert answer.msg
    assert health(idle)["pushing"] == 0


def test_a_broken_camera_is_404_and_an_ffmpeg_that_cannot_start_500(folder: Path, media: Sink) -> None:
    refusing = folder / "ffmpeg"
    refusing.write_text("not a program")
    refusing.chmod(0o755)
    with gateway_in_thread(write_config(folder, ffmpeg=str(refusing))) as roadside:
        broken = roadside.begin(BROKEN, command(media.port))
        assert (broken.code, "gone.mp4" in broken.msg) == (Code.NOT_FOUND, True)
        unable = until(lambda: answered(roadside, media, Code.INTERNAL), what="500")
        assert "ffmpeg" in unable


def answered(roadside: Roadside, media: Sink, code: Code) -> str | None:
    """A first order may come back before the panorama is painted; the next one knows."""
    answer = roadside.begin(DOME, command(media.port))
    return answer.msg if answer.code == code else None
