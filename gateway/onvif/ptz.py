"""The document's actions as ONVIF calls (docs/gateway.md has the table)."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Literal
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

import msgspec

from gateway.addresses import check_address
from gateway.digest import Login
from gateway.onvif.device import Device, Services
from gateway.onvif.lens import FocusWay, Lens
from gateway.onvif.soap import OnvifError, OnvifRefusal
from gateway.turning import PtzFailedError, PtzRefusedError
from protocol.codes import PtzAction

logger = logging.getLogger(__name__)

_LARGEST_STEP = 8
_STOP_TRIES = 5
_STOP_PAUSE_SECONDS = 0.5

# Pan, tilt, zoom.
_DIRECTIONS: Mapping[PtzAction, tuple[int, int, int]] = {
    PtzAction.LEFT: (-1, 0, 0),
    PtzAction.RIGHT: (1, 0, 0),
    PtzAction.UP: (0, 1, 0),
    PtzAction.DOWN: (0, -1, 0),
    PtzAction.ZOOM_OUT: (0, 0, -1),
    PtzAction.ZOOM_IN: (0, 0, 1),
}
_FOCUS: Mapping[PtzAction, int] = {PtzAction.FOCUS_NEAR: -1, PtzAction.FOCUS_FAR: 1}
_IRIS: Mapping[PtzAction, int] = {PtzAction.IRIS_CLOSE: 1, PtzAction.IRIS_OPEN: -1}
_LIGHT: Mapping[PtzAction, str] = {PtzAction.LIGHT_OFF: "Off", PtzAction.LIGHT_ON: "On"}


class Settings(msgspec.Struct, forbid_unknown_fields=True, tag_field="driver", tag="onvif"):
    """What is not given is taken from the camera's rtsp address; the rest are quirks of devices."""

    url: str | None = None
    user: str | None = None
    password: str | None = None
    profile: str | None = None
    move_seconds: float = 1.0
    invert_pan: bool = False
    invert_tilt: bool = False
    invert_focus: bool = False
    # How the focus moves, where the device does not say it rightly.
    focus: FocusWay = "auto"
    # Some take only one of Stop and a speed of zero for an end of the movement.
    stop: Literal["both", "stop", "zero"] = "both"
    # Name of the auxiliary command that switches the light.
    light: str = "tt:IRLamp"

    def __post_init__(self) -> None:
        if self.url is not None:
            check_address(self.url, "http", "https")
        if not 0.1 <= self.move_seconds <= 10:
            raise ValueError("move_seconds 不在 0.1-10 之内")


def build(settings: Settings, rtsp_url: str) -> "OnvifPtz":
    """The device is where the pictures come from, under the same name, unless the settings say otherwise."""
    parts = urlsplit(rtsp_url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    user = settings.user if settings.user is not None else unquote(parts.username or "")
    password = settings.password if settings.password is not None else unquote(parts.password or "")
    return OnvifPtz(
        settings,
        settings.url or f"http://{host}/onvif/device_service",
        Login(user, password) if user else None,
    )


def _turn(pan: float, tilt: float) -> str:
    return f'<tt:PanTilt x="{pan:g}" y="{tilt:g}"/>'


def _zoom(speed: float) -> str:
    return f'<tt:Zoom x="{speed:g}"/>'


class OnvifPtz:
    """Turns one camera, and ends each movement itself: devices ignore a Timeout for a minute."""

    def __init__(self, settings: Settings, url: str, login: Login | None) -> None:
        self._settings = settings
        self._device = Device(url, login, settings.profile)
        self._lens = Lens(self._device, settings.focus)
        self._lock = asyncio.Lock()
        self._end: asyncio.Task[None] | None = None

    async def move(self, action: PtzAction, step: int) -> None:
        """Raises PtzRefusedError and PtzFailedError."""
        try:
            async with self._lock:
                await self._carry_out(action, step / _LARGEST_STEP)
        except OnvifRefusal as error:
            raise PtzRefusedError(str(error)) from error
        except OnvifError as error:
            self._device.forget()
            raise PtzFailedError(str(error)) from error

    async def close(self) -> None:
        """A camera that still turns is stopped; nobody would be left to do it."""
        if self._end is None or self._end.done():
            return
        self._cancel_end()
        try:
            async with self._lock:
                await self._stop(await self._device.services())
        except OnvifError as error:
            logger.error("ptz movement not ended: %s", error)

    async def _carry_out(self, action: PtzAction, speed: float) -> None:
        services = await self._device.services()
        if action in (PtzAction.STOP, PtzAction.STOP_LENS):
            await self._stop(services)
            # Not before: what was not stopped is tried again at the movement's end.
            self._cancel_end()
        elif action in _DIRECTIONS or action in _FOCUS:
            # Set before the order: an answer that is lost leaves a camera that turns.
            self._end_later()
            await self._begin(services, action, speed)
        elif action in _IRIS:
            await self._lens.turn_iris(services, _IRIS[action] * speed)
        elif action in _LIGHT:
            command = f"{self._settings.light}|{_LIGHT[action]}"
            await self._ptz(
                services,
                "SendAuxiliaryCommand",
                f"<tptz:AuxiliaryData>{escape(command)}</tptz:AuxiliaryData>",
            )
        else:
            await self._lens.give_back(services)
            await self._ptz(services, "GotoHomePosition", "")

    async def _begin(self, services: Services, action: PtzAction, speed: float) -> None:
        if action in _FOCUS:
            sign = -1 if self._settings.invert_focus else 1
            await self._lens.focus(services, sign * _FOCUS[action], speed)
            return
        pan, tilt, zoom = (part * speed for part in _DIRECTIONS[action])
        pan = -pan if self._settings.invert_pan else pan
        tilt = -tilt if self._settings.invert_tilt else tilt
        # Only what is to move: devices without the other axis refuse its very mention.
        await self._velocity(services, _zoom(zoom) if zoom else _turn(pan, tilt))

    async def _velocity(self, services: Services, speeds: str) -> None:
        await self._ptz(services, "ContinuousMove", f"<tptz:Velocity>{speeds}</tptz:Velocity>")

    async def _stop(self, services: Services) -> None:
        if self._settings.stop != "zero":
            what = "<tptz:PanTilt>true</tptz:PanTilt><tptz:Zoom>true</tptz:Zoom>"
            await self._ptz(services, "Stop", what)
        if self._settings.stop != "stop":
            await self._velocity(services, _turn(0, 0) + _zoom(0))
        await self._lens.stop(services)

    async def _ptz(self, services: Services, name: str, body: str) -> None:
        profile = f"<tptz:ProfileToken>{escape(services.profile)}</tptz:ProfileToken>"
        await self._device.call(services.ptz, f"<tptz:{name}>{profile}{body}</tptz:{name}>")

    def _end_later(self) -> None:
        self._cancel_end()
        self._end = asyncio.create_task(self._end_movement(), name="end of a ptz movement")

    def _cancel_end(self) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = None

    async def _end_movement(self) -> None:
        await asyncio.sleep(self._settings.move_seconds)
        for _ in range(_STOP_TRIES):
            try:
                async with self._lock:
                    await self._stop(await self._device.services())
                return
            except OnvifError as error:
                logger.warning("ptz movement not ended: %s", error)
            await asyncio.sleep(_STOP_PAUSE_SECONDS)
        logger.error("ptz movement not ended in %d tries", _STOP_TRIES)
