"""The section goes before the ministry where the two are connected directly, and every order is written down."""

import asyncio
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from gateway.cameras import Camera
from gateway.control import Control, Level, Mode, Orderer
from gateway.ptz_log import PtzLog
from protocol.codes import CameraType, Code, PtzAction
from protocol.errors import ForbiddenError, NotFoundError
from tests.gateway.roadside import DOME, FIRST_TOKEN, camera, gateway_in_thread, until, write_config
from tests.gateway.standins import Reachable, record

MINISTRY = Orderer(Level.PLATFORM, "ministry", "10.0.0.1")
SECTION = Orderer(Level.SECTION, "值班员", "10.0.0.2")
SECTION_TOKEN = "section-console-4f1a"
NOON = datetime(2026, 11, 28, 12, 0, 0, tzinfo=timezone(timedelta(hours=8)))


class Turning(Reachable):
    """Remembers what it was told to do."""

    def __init__(self) -> None:
        self.orders: list[tuple[PtzAction, int]] = []

    async def move(self, action: PtzAction, step: int) -> None:
        self.orders.append((action, step))


class Stage:
    """A dome camera, a control over it, and the hands of both clocks."""

    def __init__(self, folder: Path, mode: Mode = Mode.MINISTRY, *, is_open: bool = True) -> None:
        self.folder = folder
        self.seconds = 0.0
        self.adapter = Turning()
        dome = record(DOME, camera_type=CameraType.DOME)
        self.camera = Camera(dome, self.adapter, is_ptz_open=is_open)
        log = PtzLog(folder, lambda: NOON + timedelta(seconds=self.seconds))
        self.control = Control(mode, 30.0, log, lambda: self.seconds)

    def order(self, orderer: Orderer, action: PtzAction = PtzAction.LEFT) -> None:
        asyncio.run(self.control.order(self.camera, action, 3, orderer))

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "2026-11.jsonl").read_text().splitlines()]


def test_the_section_keeps_the_camera_until_its_lease_is_over(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.order(MINISTRY)
    stage.order(SECTION)
    with pytest.raises(ForbiddenError, match="路段正在控制，12:00:30 以前部级不能控制"):
        stage.order(MINISTRY)
    stage.seconds = 20
    stage.order(SECTION)
    stage.seconds = 49.9
    with pytest.raises(ForbiddenError, match="12:00:50"):
        stage.order(MINISTRY)
    stage.seconds = 50
    stage.order(MINISTRY)
    assert len(stage.adapter.orders) == 4


def test_every_order_is_written_down_refused_ones_too(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.order(SECTION, PtzAction.ZOOM_IN)
    with pytest.raises(ForbiddenError):
        stage.order(MINISTRY)
    done, refused = stage.lines()
    assert done == {
        "time": "2026-11-28T12:00:00.000+08:00",
        "level": "路段",
        "user": "值班员",
        "address": "10.0.0.2",
        "cameraNum": DOME,
        "action": 6,
        "step": 3,
        "done": True,
        "message": "",
    }
    assert (refused["level"], refused["user"], refused["done"]) == ("平台", "ministry", False)
    assert "路段正在控制" in refused["message"]


def test_the_ministry_turns_only_what_was_opened_to_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path, is_open=False)
    with pytest.raises(ForbiddenError, match="未向部级平台开放"):
        stage.order(MINISTRY)
    stage.order(SECTION)
    assert len(stage.adapter.orders) == 1


def test_behind_a_province_the_province_arbitrates(tmp_path: Path) -> None:
    stage = Stage(tmp_path, Mode.PROVINCE, is_open=False)
    with pytest.raises(ForbiddenError, match="由省级平台仲裁"):
        stage.order(SECTION)
    stage.order(MINISTRY)
    assert len(stage.adapter.orders) == 1
    assert [line["done"] for line in stage.lines()] == [False, True]


def test_what_the_camera_refuses_is_written_down(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.camera = Camera(record(DOME), stage.adapter, is_ptz_open=True)
    with pytest.raises(NotFoundError):
        stage.order(MINISTRY)
    assert stage.lines()[0]["message"] == "该摄像机不支持云台控制"


def test_a_year_of_months_is_kept(tmp_path: Path) -> None:
    for month in range(1, 13):
        (tmp_path / f"2025-{month:02}.jsonl").write_text("{}\n")
    stage = Stage(tmp_path)
    stage.order(SECTION)
    stage.order(SECTION)
    kept = sorted(path.stem for path in tmp_path.iterdir())
    assert (len(kept), kept[0], kept[-1]) == (12, "2025-02", "2026-11")


def test_a_log_that_cannot_be_written_stops_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "log").write_text("in the way")
    stage = Stage(tmp_path / "log")
    stage.order(SECTION, PtzAction.STOP)
    assert stage.adapter.orders == [(PtzAction.STOP, 3)]
    assert "not written down" in caplog.text


def test_the_section_outranks_the_ministry_over_http(folder: Path) -> None:
    dome = camera(
        DOME,
        {"adapter": "simulated", "seed": 3, "light": "day"},
        cameraType=2,
        ptzOpen=True,
        gatewayNum="GW-01",
    )
    path = write_config(folder, mode="ministry", section={"token": SECTION_TOKEN}, cameras=[dome])
    with gateway_in_thread(path) as gateway:
        order: dict[str, Any] = {"cameraNum": DOME, "action": 1, "user": "zhang"}
        assert gateway.call("PTZControl", **order).code == Code.OK
        assert gateway.call("PTZControl", token=SECTION_TOKEN, **order).code == Code.OK
        held = gateway.call("PTZControl", token=FIRST_TOKEN, **order)
        assert held.code == Code.FORBIDDEN
        assert "路段正在控制" in held.msg
        # Turning is all that the section may do with its token.
        assert gateway.call("VideoTransFinish", token=SECTION_TOKEN, cameraNum=DOME, videoType=0).code == 403
        single = gateway.call(
            "VideoTransFinish", token=SECTION_TOKEN, style="single", cameraNum=DOME, videoType=0
        )
        assert single.code == 403
    (log,) = until(lambda: list((folder / "ptz-log").iterdir()))
    assert [json.loads(line)["user"] for line in log.read_text().splitlines()] == ["zhang"] * 3
