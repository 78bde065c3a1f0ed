"""Boxes at the roadside report to the gateway, and the gateway to its platform."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from protocol.codes import Code
from protocol.envelope import Answer
from tests.gateway.roadside import (
    BROKEN,
    COMPANY,
    DOME,
    FIRST_TOKEN,
    FIXED,
    STRANGER,
    Platform,
    Roadside,
    camera,
    config,
    gateway_in_thread,
    until,
    write_config,
)
from tests.gateway.test_verbs import health
from tests.protocol.peer import Reply, Request, reply

TOKEN = "box-0123456789abcdef"
OTHER_COMPANY = "江苏沿江高速公路有限公司"
SPEED = '{"subject": "speed",  "meanSpeed": 83.2}'
CLEAN, OCCLUDED = "000000000", "001000000"


def settings(folder: Path, upper: Platform | None = None, **changes: Any) -> dict[str, Any]:
    """Three cameras nobody of the gateway looks at, one of them of another company."""
    (folder / "clip.mp4").write_bytes(b"a clip that nobody asks for")
    source = {"adapter": "file", "path": "clip.mp4", "mode": "copy"}
    given: dict[str, Any] = {
        "intake": {"token": TOKEN},
        "cameras": [
            camera(DOME, source, cameraType=2),
            camera(FIXED, source, department=OTHER_COMPANY),
            camera(BROKEN, {"adapter": "file", "path": "gone.mp4"}),
        ],
        **changes,
    }
    if upper is not None:
        given["platform"] = config(folder)["platform"] | {"base_url": upper.base_url}
    return given


@pytest.fixture
def alone(folder: Path) -> Iterator[Roadside]:
    """A gateway whose platform is away."""
    with gateway_in_thread(write_config(folder, **settings(folder))) as gateway:
        yield gateway


@pytest.fixture
def linked(folder: Path, upper: Platform) -> Iterator[Roadside]:
    with gateway_in_thread(write_config(folder, **settings(folder, upper))) as gateway:
        yield gateway


def report(gateway: Roadside, *items: object, verb: str = "ReportAnalyse", **options: Any) -> Answer:
    return gateway.call(verb, **{"token": TOKEN, "method": "POST", "body": list(items), **options})


def result(num: str, data: str = SPEED) -> dict[str, str]:
    return {"cameraNum": num, "data": data}


def quality(num: str, digits: str) -> dict[str, str]:
    return {"cameraNum": num, "cameraStatus": digits}


def received(upper: Platform, verb: str = "ReportAnalyse") -> list[tuple[str, list[dict[str, str]]]]:
    return [(one.query["department"], json.loads(one.body)) for one in upper.peer.of(verb)]


@pytest.mark.parametrize("verb", ["ReportAnalyse", "ReporlAnalyse"])
def test_results_go_to_the_platform_byte_for_byte_by_department(
    linked: Roadside, upper: Platform, verb: str
) -> None:
    odd = "不是 JSON\n\u2028"
    answer = report(linked, result(DOME.upper()), result(FIXED), result(DOME, odd), verb=verb)
    assert (answer.code, answer.msg) == (Code.OK, "成功")
    until(lambda: len(received(upper)) == 2, what="both departments")
    assert received(upper) == [
        (COMPANY, [result(DOME), result(DOME, odd)]),
        (OTHER_COMPANY, [result(FIXED)]),
    ]
    assert until(lambda: health(linked)["analysis"]["waiting"] == 0)


def test_what_cannot_be_taken_is_named_and_costs_no_other(alone: Roadside) -> None:
    mixed = report(alone, result(DOME), result(STRANGER), {"cameraNum": DOME, "data": {"a": 1}}, 7)
    assert mixed.code == Code.OK
    assert mixed.msg.startswith("已接收 1 项，未接收 3 项：第 3 项 data 的值")
    assert f"摄像机不存在：{STRANGER}" in mixed.msg
    assert report(alone, result(STRANGER)).code == Code.NOT_FOUND
    assert report(alone, {"cameraNum": DOME}).code == Code.MALFORMED
    assert health(alone)["analysis"] == {"waiting": 1, "dropped": 0, "refused": 0}


def test_the_department_is_the_cameras_company_or_office(alone: Roadside) -> None:
    for department, code in (
        (COMPANY, Code.OK),
        ("宁镇管理处", Code.OK),
        ("", Code.OK),
        (OTHER_COMPANY, Code.NOT_FOUND),
    ):
        assert report(alone, result(DOME), department=department).code == code, department


@pytest.mark.parametrize("token", ["x" * 20, TOKEN + "x", FIRST_TOKEN])
def test_only_the_local_token_may_report_and_it_may_do_nothing_else(alone: Roadside, token: str) -> None:
    assert report(alone, result(DOME), token=token).code == Code.FORBIDDEN
    assert report(alone, quality(DOME, OCCLUDED), verb="ReportCameraQuality", token=token).code == 403
    assert alone.call("PTZControl", token=TOKEN, cameraNum=DOME, action=1).code == Code.FORBIDDEN
    assert report(alone, result(DOME)).code == Code.OK


def test_a_token_that_is_no_text_is_refused(alone: Roadside) -> None:
    port = int(alone.base_url.rpartition(":")[2])
    head = b"POST /service/video.ReportAnalyse HTTP/1.1\r\nHost: x\r\nTAuth: \xff\xfe\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as stream:
        stream.sendall(head + b"Connection: close\r\nContent-Length: 0\r\n\r\n")
        answer = b"".join(iter(lambda: stream.recv(4096), b""))
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == Code.FORBIDDEN


def test_malformed_calls(alone: Roadside) -> None:
    assert report(alone, method="GET", body=None).code == Code.MALFORMED
    assert "数组" in alone.call("ReportAnalyse", token=TOKEN, method="POST", body={"a": 1}).msg
    long = report(alone, result(DOME, "x" * 70_000))
    assert (long.code, "超过上限" in long.msg) == (Code.MALFORMED, True)
    huge = report(alone, *[result(DOME, "x" * 60_000)] * 20)
    assert (huge.code, "1048576" in huge.msg) == (Code.MALFORMED, True)
    single = alone.call("ReportAnalyse", token=FIRST_TOKEN, style="single", body={"data": "x"})
    assert single.code == Code.NOT_FOUND


def test_without_a_configured_token_there_is_no_such_verb(folder: Path) -> None:
    with gateway_in_thread(write_config(folder, **settings(folder, intake=None))) as gateway:
        assert report(gateway, result(DOME)).code == Code.NOT_FOUND
        assert report(gateway, quality(DOME, CLEAN), verb="ReportCameraQuality").code == Code.NOT_FOUND


def test_an_outage_is_outlived_and_beyond_the_bound_the_oldest_are_dropped(
    folder: Path, upper: Platform
) -> None:
    upper.is_down = True
    bounded = settings(folder, upper, analysis={"most_waiting": 3})
    with gateway_in_thread(write_config(folder, **bounded)) as gateway:
        for number in range(5):
            assert report(gateway, result(DOME, str(number))).code == Code.OK
        assert health(gateway)["analysis"] == {"waiting": 3, "dropped": 2, "refused": 0}
        upper.is_down = False
        until(lambda: upper.of("ReportAnalyse"), what="results")
    assert [body for body in upper.of("ReportAnalyse")] == [[result(DOME, data) for data in "234"]]


def test_the_other_spelling_is_tried_once_and_remembered(folder: Path, upper: Platform) -> None:
    willing = upper.peer.respond

    def respond(request: Request) -> Reply:
        if request.path.endswith("ReportAnalyse"):
            return Reply(b"<html>404</html>", 404)
        return willing(request)

    upper.peer.respond = respond
    with gateway_in_thread(write_config(folder, **settings(folder, upper))) as gateway:
        report(gateway, result(DOME))
        until(lambda: received(upper, "ReporlAnalyse"), what="the other spelling")
        report(gateway, result(FIXED))
        until(lambda: len(received(upper, "ReporlAnalyse")) == 2, what="the second report")
    assert len(upper.peer.of("ReportAnalyse")) == 1


def test_what_the_platform_refuses_holds_up_no_other_department(folder: Path, upper: Platform) -> None:
    willing = upper.peer.respond

    def respond(request: Request) -> Reply:
        is_refused = request.query.get("department") == COMPANY and "Analyse" in request.path
        return reply(404) if is_refused else willing(request)

    upper.peer.respond = respond
    with gateway_in_thread(write_config(folder, **settings(folder, upper))) as gateway:
        report(gateway, result(DOME), result(FIXED))
        until(lambda: (OTHER_COMPANY, [result(FIXED)]) in received(upper), what="the other department")
        until(lambda: health(gateway)["analysis"]["waiting"] == 0, what="an empty queue")
        assert health(gateway)["analysis"] == {"waiting": 0, "dropped": 0, "refused": 1}


def test_a_boxs_verdict_on_the_picture_is_told_as_a_change(linked: Roadside, upper: Platform) -> None:
    def told() -> list[tuple[str, list[dict[str, str]]]]:
        return received(upper, "ReportCameraQuality")

    verdicts = [quality(DOME, "010000000"), quality(DOME, OCCLUDED + "7")]
    assert report(linked, *verdicts, verb="ReportCameraQuality").code == Code.OK
    until(told, what="quality")
    assert report(linked, quality(DOME, CLEAN), verb="ReportCameraQuality").code == Code.OK
    until(lambda: told()[1:], what="the change")
    assert told() == [(COMPANY, [quality(DOME, OCCLUDED)]), (COMPANY, [quality(DOME, CLEAN)])]
    bad = report(linked, quality(DOME, "0100"), verb="ReportCameraQuality")
    assert (bad.code, "cameraStatus" in bad.msg) == (Code.MALFORMED, True)


def test_a_camera_that_is_away_is_told_to_be_whatever_the_box_says(linked: Roadside, upper: Platform) -> None:
    report(linked, quality(BROKEN, OCCLUDED), verb="ReportCameraQuality")
    until(lambda: received(upper, "ReportCameraQuality"), what="quality")
    assert received(upper, "ReportCameraQuality")[0] == (COMPANY, [quality(BROKEN, "101000000")])
