"""The document's twelve actions on an ONVIF camera, and the end of every movement."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.onvif.ptz import OnvifPtz, Settings, build
from gateway.turning import PtzFailedError, PtzRefusedError
from protocol.codes import Code, PtzAction
from tests.gateway.onvif_standin import PASSWORD, USER, OnvifStandIn, onvif_standin
from tests.gateway.roadside import DOME, camera, gateway_in_thread, write_config
from tests.gateway.roadside import until as wait_until
from tests.ports import free_port

# Longer than any test takes: the movement is not ended meanwhile.
LONG = 10.0
STOPPED = [("Stop", "true true"), ("ContinuousMove", "0,0 0"), ("Stop", "")]


@pytest.fixture
def dome() -> Iterator[OnvifStandIn]:
    with onvif_standin() as one:
        yield one


def ptz(dome: OnvifStandIn, **changes: object) -> OnvifPtz:
    given = {"url": dome.url, "user": USER, "password": PASSWORD, "move_seconds": LONG, **changes}
    return build(Settings(**given), "rtsp://10.1.2.3/main")  # type: ignore[arg-type]


def order(driver: OnvifPtz, *actions: PtzAction, step: int = 4) -> None:
    async def give() -> None:
        for action in actions:
            await driver.move(action, step)

    asyncio.run(give())


@pytest.mark.parametrize(
    ("action", "calls"),
    [
        (PtzAction.LEFT, [("ContinuousMove", "-0.5,0")]),
        (PtzAction.RIGHT, [("ContinuousMove", "0.5,0")]),
        (PtzAction.UP, [("ContinuousMove", "0,0.5")]),
        (PtzAction.DOWN, [("ContinuousMove", "0,-0.5")]),
        (PtzAction.ZOOM_OUT, [("ContinuousMove", "-0.5")]),
        (PtzAction.ZOOM_IN, [("ContinuousMove", "0.5")]),
        (PtzAction.LIGHT_OFF, [("SendAuxiliaryCommand", "tt:IRLamp|Off")]),
        (PtzAction.LIGHT_ON, [("SendAuxiliaryCommand", "tt:IRLamp|On")]),
        (PtzAction.STOP, STOPPED),
        (PtzAction.STOP_LENS, STOPPED),
        (PtzAction.HOME, [("GotoHomePosition", "")]),
    ],
)
def test_each_action_is_its_call(dome: OnvifStandIn, action: PtzAction, calls: list[tuple[str, str]]) -> None:
    order(ptz(dome), action)
    assert dome.calls == calls


def test_the_step_is_the_speed(dome: OnvifStandIn) -> None:
    order(ptz(dome), PtzAction.RIGHT, step=8)
    order(ptz(dome), PtzAction.RIGHT, step=1)
    assert dome.calls == [("ContinuousMove", "1,0"), ("ContinuousMove", "0.125,0")]


@pytest.mark.parametrize(
    ("quirks", "action", "calls"),
    [
        ({"invert_pan": True}, PtzAction.LEFT, [("ContinuousMove", "0.5,0")]),
        ({"invert_tilt": True}, PtzAction.UP, [("ContinuousMove", "0,-0.5")]),
        ({"stop": "stop"}, PtzAction.STOP, [STOPPED[0], STOPPED[2]]),
        ({"stop": "zero"}, PtzAction.STOP, STOPPED[1:]),
        ({"light": "tt:WhiteLight"}, PtzAction.LIGHT_ON, [("SendAuxiliaryCommand", "tt:WhiteLight|On")]),
    ],
)
def test_quirks(
    dome: OnvifStandIn, quirks: dict[str, object], action: PtzAction, calls: list[tuple[str, str]]
) -> None:
    order(ptz(dome, **quirks), action)
    assert dome.calls == calls


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():
            await asyncio.sleep(0.01)


def test_a_movement_ends_by_itself_and_a_stop_that_failed_is_repeated(dome: OnvifStandIn) -> None:
    dome.faults["Stop"] = 1

    async def turn_and_wait() -> None:
        await ptz(dome, move_seconds=0.1).move(PtzAction.LEFT, 4)
        await until(lambda: dome.calls[-3:] == STOPPED)

    asyncio.run(turn_and_wait())
    assert [name for name, _ in dome.calls] == ["ContinuousMove", "Stop", "Stop", "ContinuousMove", "Stop"]


def test_an_order_that_goes_on_does_not_stop_in_between(dome: OnvifStandIn) -> None:
    async def hold() -> None:
        # Longer than a busy machine stalls between two orders, and less than all of them take.
        driver = ptz(dome, move_seconds=1.5)
        for _ in range(9):
            await driver.move(PtzAction.LEFT, 4)
            await asyncio.sleep(0.2)
        assert {name for name, _ in dome.calls} == {"ContinuousMove"}
        await until(lambda: dome.calls[-3:] == STOPPED)

    asyncio.run(hold())


def test_a_stop_that_failed_leaves_the_end_of_the_movement_set(dome: OnvifStandIn) -> None:
    dome.faults["Stop"] = 1

    async def turn_and_stop() -> None:
        driver = ptz(dome, move_seconds=0.3)
        await driver.move(PtzAction.LEFT, 4)
        with pytest.raises(PtzRefusedError):
            await driver.move(PtzAction.STOP, 1)
        await until(lambda: dome.calls[-3:] == STOPPED)

    asyncio.run(turn_and_stop())


def test_a_camera_that_turns_is_stopped_when_the_gateway_ends(dome: OnvifStandIn) -> None:
    async def turn_and_end() -> None:
        driver = ptz(dome)
        await driver.close()
        assert not dome.calls
        await driver.move(PtzAction.LEFT, 4)
        await driver.close()

    asyncio.run(turn_and_end())
    assert dome.calls[-3:] == STOPPED


def test_the_password_also_by_http_digest(dome: OnvifStandIn) -> None:
    dome.wants_digest = True
    order(ptz(dome), PtzAction.LEFT)
    assert dome.calls == [("ContinuousMove", "-0.5,0")]


def test_what_goes_wrong_is_told_in_words(dome: OnvifStandIn) -> None:
    with pytest.raises(PtzFailedError, match="用户名或密码错误"):
        order(ptz(dome, password="guess"), PtzAction.LEFT)
    with pytest.raises(PtzFailedError, match="无应答"):
        order(ptz(dome, url=f"http://127.0.0.1:{free_port()}/onvif/device_service"), PtzAction.LEFT)
    dome.faults["GotoHomePosition"] = 1
    with pytest.raises(PtzRefusedError, match="拒绝：motor blocked"):
        order(ptz(dome), PtzAction.HOME)
    with pytest.raises(PtzFailedError, match="没有可控制云台的 ONVIF 配置"):
        order(ptz(dome, profile="fixed"), PtzAction.LEFT)


def test_the_login_of_the_stream_is_the_login_of_the_device(dome: OnvifStandIn) -> None:
    login = "admin:p%3Css%26word@"
    order(build(Settings(url=dome.url, move_seconds=LONG), f"rtsp://{login}10.1.2.3/main"), PtzAction.LEFT)
    assert dome.calls == [("ContinuousMove", "-0.5,0")]


def test_an_order_of_the_platform_reaches_the_device(dome: OnvifStandIn, folder: Path) -> None:
    device = {"driver": "onvif", "url": dome.url, "user": USER, "password": PASSWORD, "move_seconds": 0.1}
    source = {"adapter": "rtsp", "url": f"rtsp://127.0.0.1:{free_port()}/main", "mode": "copy", "ptz": device}
    path = write_config(folder, cameras=[camera(DOME, source, cameraType=2)])
    with gateway_in_thread(path) as gateway:
        assert gateway.call("PTZControl", cameraNum=DOME, action=2, step=8).code == Code.OK
        wait_until(lambda: dome.calls == [("ContinuousMove", "1,0"), *STOPPED], what="end of the movement")
        dome.faults["GotoHomePosition"] = 1
        refused = gateway.call("PTZControl", cameraNum=DOME, action=14)
        assert (refused.code, "motor blocked" in refused.msg) == (Code.NOT_FOUND, True)
    with gateway_in_thread(write_config(folder, cameras=[with_wrong_password(dome)])) as gateway:
        failed = gateway.call("PTZControl", cameraNum=DOME, action=2)
        assert (failed.code, "用户名或密码错误" in failed.msg) == (Code.INTERNAL, True)


def with_wrong_password(dome: OnvifStandIn) -> dict[str, object]:
    device = {"driver": "onvif", "url": dome.url, "user": USER, "password": "guess"}
    source = {"adapter": "rtsp", "url": f"rtsp://127.0.0.1:{free_port()}/main", "ptz": device}
    return camera(DOME, source, cameraType=2)
