"""A gateway whose cameras the platform configures: fetched, kept, told back; the section's file goes first."""

import asyncio
import json
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway.assigned import AssignedCameras
from protocol.codes import Code
from tests.gateway.roadside import (
    COMPANY,
    DOME,
    FIXED,
    STRANGER,
    GatewayProcess,
    Platform,
    Roadside,
    camera,
    config,
    gateway_in_thread,
    gateway_process,
    until,
    write_config,
)
from tests.gateway.test_ending import upstream_at
from tests.ports import free_port as nobody_there

REPORT = "gateway.ReportConfiguration"
NETWORKS = ["127.0.0.0/8"]


def assigned(num: str, **source: Any) -> dict[str, Any]:
    url = f"rtsp://admin:s3cret@127.0.0.1:{nobody_there()}/main"
    return camera(num, {"adapter": "rtsp", "url": url, "mode": "copy", **source})


def settings(folder: Path, upper: Platform, **changes: Any) -> dict[str, Any]:
    return {
        "platform": config(folder)["platform"] | {"base_url": upper.base_url},
        "cameras": [],
        "platform_cameras": {"allowed_networks": NETWORKS},
        **changes,
    }


@contextmanager
def gateway_of(folder: Path, upper: Platform, **changes: Any) -> Iterator[Roadside]:
    with gateway_in_thread(write_config(folder, **settings(folder, upper, **changes))) as gateway:
        # An exchange that is broken off would leave it without a token.
        until(lambda: upper.is_down or (folder / "state.json").exists(), what="token")
        yield gateway


def last_report(upper: Platform) -> dict[str, Any] | None:
    # Under whatever token: the first may be exchanged between the report and the look at it.
    reports = upper.peer.of(REPORT)
    return dict(json.loads(reports[-1].body)) if reports else None


def told(upper: Platform, verb: str) -> list[dict[str, Any]]:
    """All items of all reports."""
    return [item for request in upper.peer.of(verb) for item in json.loads(request.body)]


def until_running(upper: Platform, version: int | None) -> dict[str, Any]:
    def running() -> dict[str, Any] | None:
        report = last_report(upper)
        return report if report and report["version"] == version else None

    return until(running, what=f"report of version {version}")


def knows(gateway: Roadside, num: str) -> bool:
    """Whether it has such a camera; none of these can be turned."""
    return "不存在" not in gateway.call("PTZControl", cameraNum=num, action=1).msg


def test_what_the_platform_has_is_run_and_told_back(folder: Path, upper: Platform) -> None:
    upper.configuration = (7, [assigned(DOME), assigned(FIXED)])
    with gateway_of(folder, upper) as gateway:
        report = until_running(upper, 7)
        assert report["rejected"] is None
        assert [(one["cameraNum"], one["origin"]) for one in report["cameras"]] == [
            (DOME, "platform"),
            (FIXED, "platform"),
        ]
        assert all("无法连接" in one["fault"] for one in report["cameras"])
        assert knows(gateway, DOME)
        until(lambda: {"cameraNum": DOME, "online": 0} in told(upper, "ReportCameraStatus"), what="status")
    # The platform has them from itself.
    assert told(upper, "VideoInformation") == []


def test_an_order_brings_what_is_new_and_ends_what_is_gone(folder: Path, upper: Platform) -> None:
    upper.configuration = (7, [assigned(DOME)])
    with gateway_of(folder, upper) as gateway:
        until_running(upper, 7)
        upper.configuration = (8, [assigned(FIXED)])
        assert gateway.refresh().code == Code.OK
        report = until_running(upper, 8)
        assert [one["cameraNum"] for one in report["cameras"]] == [FIXED]
        assert not knows(gateway, DOME)
        # What is held is not sent again. A question whose token has to be exchanged first is asked twice.
        asked = [request.query.get("version") for request in upper.peer.of("gateway.GetConfiguration")]
        assert list(dict.fromkeys(asked)) == [None, "7"]


def test_only_the_platform_orders_and_only_where_it_configures(folder: Path, upper: Platform) -> None:
    upper.configuration = (7, [])
    section = {"token": "section-console-0123"}
    with gateway_of(folder, upper, section=section) as gateway:
        until_running(upper, 7)
        assert gateway.refresh("guess").code == Code.FORBIDDEN
        assert gateway.refresh(section["token"]).code == Code.FORBIDDEN
        assert gateway.call("gateway.RefreshConfiguration").code == Code.MALFORMED
        single = gateway.call("gateway.RefreshConfiguration", style="single")
        assert single.code == Code.OK
    with gateway_in_thread(write_config(folder)) as gateway:
        refused = gateway.refresh()
        assert (refused.code, "不由平台管理" in refused.msg) == (Code.NOT_FOUND, True)


def test_a_bad_one_changes_nothing_and_is_told_with_its_place(folder: Path, upper: Platform) -> None:
    upper.configuration = (7, [assigned(DOME)])
    with gateway_of(folder, upper) as gateway:
        until_running(upper, 7)
        good = (folder / "platform-cameras.json").read_bytes()
        upper.configuration = (8, [assigned(FIXED), assigned(STRANGER, url="rtsp://u:s3cret@192.0.2.1/main")])
        gateway.refresh()
        report = until(
            lambda: (found := last_report(upper)) and found["rejected"] and found, what="the refusal"
        )
        assert report["version"] == 7
        assert [one["cameraNum"] for one in report["cameras"]] == [DOME]
        (fault,) = report["rejected"]["faults"]
        assert report["rejected"]["version"] == 8
        assert (fault["cameraNum"], fault["place"]) == (STRANGER, "source.url")
        assert "不在网关允许的网段内" in fault["reason"]
        assert (folder / "platform-cameras.json").read_bytes() == good
        assert knows(gateway, DOME) and not knows(gateway, FIXED)

        upper.configuration = (9, [assigned(FIXED)])
        gateway.refresh()
        assert until_running(upper, 9)["rejected"] is None


def test_taking_the_bad_one_back_ends_the_complaint(folder: Path, upper: Platform) -> None:
    cameras = [assigned(DOME)]
    upper.configuration = (7, cameras)
    with gateway_of(folder, upper) as gateway:
        until_running(upper, 7)
        upper.configuration = ("eight", cameras)
        gateway.refresh()
        until(lambda: (found := last_report(upper)) and found["rejected"], what="the refusal")
        upper.configuration = (7, cameras)
        gateway.refresh()
        until(lambda: (found := last_report(upper)) and not found["rejected"], what="its end")


def test_the_last_good_one_is_run_while_the_platform_is_away(folder: Path, upper: Platform) -> None:
    upper.configuration = (7, [assigned(DOME)])
    with gateway_of(folder, upper):
        until_running(upper, 7)
    kept = folder / "platform-cameras.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    upper.is_down = True
    with gateway_of(folder, upper) as gateway:
        assert knows(gateway, DOME)
    kept.write_text('{"version": 7, "cam')
    with gateway_of(folder, upper) as gateway:
        assert not knows(gateway, DOME)


def test_a_platform_that_comes_back_is_asked_again(folder: Path, upper: Platform) -> None:
    upper.is_down = True
    with gateway_of(folder, upper) as gateway:
        until(lambda: upper.peer.of("gateway.GetConfiguration"), what="first try")
        upper.is_down = False
        upper.configuration = (7, [assigned(DOME)])
        gateway.refresh()
        until_running(upper, 7)


def test_a_platform_that_knows_of_no_such_thing_is_left_alone(folder: Path, upper: Platform) -> None:
    kept = json.dumps({"version": 7, "cameras": [assigned(DOME)]})
    (folder / "platform-cameras.json").write_text(kept)
    with gateway_of(folder, upper) as gateway:
        until(lambda: upper.peer.of("gateway.GetConfiguration"), what="the question")
        assert knows(gateway, DOME)
        gateway.refresh()
        until(lambda: len(upper.peer.of("gateway.GetConfiguration")) == 2, what="the second question")
    assert upper.peer.of(REPORT) == []


def test_a_platform_that_knows_of_no_such_thing_is_told_nothing(tmp_path: Path, upper: Platform) -> None:
    async def nothing() -> None:
        return

    async def scene() -> None:
        rounds: list[int] = []

        def facts() -> list[dict[str, str]]:
            rounds.append(1)
            return []

        assigned = AssignedCameras(upstream_at(upper.base_url), tmp_path / "kept.json", (), 300, 0.01)
        tasks = [
            asyncio.create_task(assigned.follow(nothing)),
            asyncio.create_task(assigned.report(facts)),
        ]
        async with asyncio.timeout(60):
            while not upper.peer.of("gateway.GetConfiguration"):
                await asyncio.sleep(0.01)
            # Many times over the time after which it would be told.
            await asyncio.sleep(0.2)
            assert not rounds
            upper.configuration = (7, [])
            assigned.ask_again()
            while not upper.peer.of(REPORT):
                await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()

    asyncio.run(scene())


def test_what_the_file_names_runs_as_the_file_says(folder: Path, upper: Platform, clip: Path) -> None:
    own = camera(DOME, {"adapter": "file", "path": str(clip)})
    upper.configuration = (7, [assigned(DOME.upper()), assigned(FIXED)])
    with gateway_of(folder, upper, cameras=[own]):
        report = until_running(upper, 7)
        origins = {one["cameraNum"]: (one["origin"], bool(one["fault"])) for one in report["cameras"]}
        assert origins == {DOME: ("file", False), FIXED: ("platform", True)}
        # Its own it tells of, as ever.
        registered = until(lambda: told(upper, "VideoInformation"), what="its own camera")
    assert {(one["cameraNum"], one["department"]) for one in registered} == {(DOME, COMPANY)}


def hang_up(gateway: GatewayProcess) -> None:
    gateway.process.send_signal(signal.SIGHUP)


def test_sighup_reads_the_file_and_asks_the_platform(folder: Path, upper: Platform) -> None:
    entry = assigned(DOME)
    upper.configuration = (7, [entry, assigned(FIXED)])
    with gateway_process(folder, **settings(folder, upper)) as gateway:
        until_running(upper, 7)
        given = json.loads((folder / "gateway.json").read_text())
        (folder / "gateway.json").write_text(json.dumps(given | {"cameras": [entry]}))
        upper.configuration = (8, [entry])
        hang_up(gateway)
        report = until_running(upper, 8)
        assert [(one["cameraNum"], one["origin"]) for one in report["cameras"]] == [(DOME, "file")]
        # Without the entry of the file it is the platform's again; the same, it was not disturbed.
        (folder / "gateway.json").write_text(json.dumps(given))
        hang_up(gateway)
        until(
            lambda: (found := last_report(upper)) and found["cameras"][0]["origin"] == "platform",
            seconds=40,
            what="the platform's camera",
        )
        assert gateway.log.read_text().count("2 cameras begin, 0 end") == 1
        assert "1 cameras begin" not in gateway.log.read_text()
        assert "s3cret" not in gateway.log.read_text()
