"""Focus and iris by the imaging service, whose ranges each device chooses for itself (docs/gateway.md)."""

import contextlib
from dataclasses import dataclass
from typing import Literal
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from gateway.onvif.device import Device, Services
from gateway.onvif.soap import NAMESPACES, OnvifError, OnvifRefusal
from gateway.turning import PtzRefusedError

FocusWay = Literal["auto", "continuous", "relative"]

# Of the whole way, by the fastest order.
_RELATIVE_SHARE = 0.1
_IRIS_SHARE = 0.125


@dataclass(frozen=True)
class _Range:
    """As the device gives it: of speeds or distances below 0 towards near; of an iris in dB of attenuation."""

    low: float
    high: float

    def towards(self, direction: int) -> float:
        """How far it goes; a device that names one side only means both."""
        limit = self.high if direction > 0 else -self.low
        return direction * (limit if limit > 0 else max(self.high, -self.low))

    def closed(self, iris: float, share: float) -> float:
        """The iris closed by that share of its range, opened when it is negative.

        0 dB is fully open and attenuation is positive; some devices count it below 0.
        """
        sign = 1 if self.high > 0 else -1
        return min(max(iris + sign * share * (self.high - self.low), self.low), self.high)


_USUAL_SPEEDS = _Range(-1.0, 1.0)


@dataclass(frozen=True)
class _Ways:
    """Ranges in which the focus can be moved; None: not in this way."""

    continuous: _Range | None
    relative: _Range | None


class Lens:
    """Takes focus and exposure out of the device's hands when ordered to, and gives them back."""

    def __init__(self, device: Device, focus_way: FocusWay) -> None:
        self._device = device
        self._focus_way = focus_way
        self._known_of: Services | None = None
        self._ways: _Ways | None = None
        self._iris: _Range | None = None
        self._is_exposure_ours = self._is_focus_ours = False

    async def focus(self, services: Services, direction: int, speed: float) -> None:
        """`direction` -1 near, 1 far; `speed` above 0 to 1. Raises PtzRefusedError and OnvifError."""
        self._remember(services)
        ways = await self._focus_ways(services)
        if ways.continuous is not None:
            wanted = speed * ways.continuous.towards(direction)
            move = f"<tt:Continuous><tt:Speed>{wanted:g}</tt:Speed></tt:Continuous>"
        elif ways.relative is not None:
            wanted = speed * _RELATIVE_SHARE * ways.relative.towards(direction)
            move = f"<tt:Relative><tt:Distance>{wanted:g}</tt:Distance></tt:Relative>"
        else:
            raise PtzRefusedError("该摄像机不支持聚焦控制")
        if not self._is_focus_ours:
            await self._take_focus(services)
        await self._call(services, "Move", f"<timg:Focus>{move}</timg:Focus>")

    async def stop(self, services: Services) -> None:
        if services.imaging and services.video_source:
            # Cameras without a motor for the focus refuse it.
            with contextlib.suppress(OnvifRefusal):
                await self._call(services, "Stop", "")

    async def turn_iris(self, services: Services, share: float) -> None:
        """Close it by that part of the largest order, open it when negative."""
        self._remember(services)
        exposure = (await self._settings(services)).find("tt:Exposure", NAMESPACES)
        iris = _number(exposure, "Iris")
        if exposure is None or iris is None:
            raise PtzRefusedError("该摄像机不支持光圈控制")
        wanted = (await self._iris_range(services)).closed(iris, share * _IRIS_SHARE)
        if exposure.findtext("tt:Mode", None, NAMESPACES) != "MANUAL":
            # First of all: some take no iris in the request that ends their own exposure.
            await self._expose(services, exposure, iris)
            self._is_exposure_ours = True
        await self._expose(services, exposure, wanted)

    async def give_back(self, services: Services) -> None:
        """Focus and exposure are the device's own again, as far as it was this gateway that took them."""
        if self._is_exposure_ours:
            await self._set(services, "<tt:Exposure><tt:Mode>AUTO</tt:Mode></tt:Exposure>")
            self._is_exposure_ours = False
        if self._is_focus_ours:
            await self._set(services, _focus_mode("AUTO"))
            self._is_focus_ours = False

    def _remember(self, services: Services) -> None:
        if self._known_of is not services:
            self._known_of, self._ways, self._iris = services, None, None

    async def _focus_ways(self, services: Services) -> _Ways:
        if self._focus_way == "continuous":
            return _Ways(_USUAL_SPEEDS, None)
        if self._focus_way == "relative":
            return _Ways(None, _USUAL_SPEEDS)
        if self._ways is None:
            try:
                options = await self._call(services, "GetMoveOptions", "")
            except OnvifRefusal:
                # An obligation of the service that not all of them know.
                self._ways = _Ways(_USUAL_SPEEDS, None)
            else:
                self._ways = _Ways(
                    _range(options.find(".//tt:Continuous/tt:Speed", NAMESPACES)),
                    _range(options.find(".//tt:Relative/tt:Distance", NAMESPACES)),
                )
        return self._ways

    async def _take_focus(self, services: Services) -> None:
        """A Move ends the autofocus by itself; some devices refuse the Move instead."""
        focus = (await self._settings(services)).find("tt:Focus", NAMESPACES)
        if focus is None or focus.findtext("tt:AutoFocusMode", None, NAMESPACES) != "AUTO":
            return
        with contextlib.suppress(OnvifRefusal):
            await self._set(services, _focus_mode("MANUAL"))
        self._is_focus_ours = True

    async def _iris_range(self, services: Services) -> _Range:
        if self._iris is None:
            options = await self._call(services, "GetOptions", "")
            found = _range(options.find(".//tt:Exposure/tt:Iris", NAMESPACES))
            modes = [mode.text for mode in options.iterfind(".//tt:Exposure/tt:Mode", NAMESPACES)]
            # Equal ends mean: to be read only.
            if found is None or (modes and "MANUAL" not in modes):
                raise PtzRefusedError("该摄像机不支持光圈控制")
            self._iris = found
        return self._iris

    async def _expose(self, services: Services, exposure: Element, iris: float) -> None:
        kept = "".join(
            f"<tt:{name}>{escape(value)}</tt:{name}>"
            for name in ("ExposureTime", "Gain")
            if (value := exposure.findtext(f"tt:{name}", None, NAMESPACES))
        )
        manual = f"<tt:Mode>MANUAL</tt:Mode>{kept}<tt:Iris>{iris:g}</tt:Iris>"
        await self._set(services, f"<tt:Exposure>{manual}</tt:Exposure>")

    async def _settings(self, services: Services) -> Element:
        answer = await self._call(services, "GetImagingSettings", "")
        settings = answer.find("timg:ImagingSettings", NAMESPACES)
        return answer if settings is None else settings

    async def _set(self, services: Services, settings: str) -> None:
        wanted = f"<timg:ImagingSettings>{settings}</timg:ImagingSettings>"
        await self._call(
            services, "SetImagingSettings", f"{wanted}<timg:ForcePersistence>false</timg:ForcePersistence>"
        )

    async def _call(self, services: Services, name: str, body: str) -> Element:
        if not services.imaging or not services.video_source:
            raise PtzRefusedError("该摄像机不支持聚焦与光圈控制")
        source = f"<timg:VideoSourceToken>{escape(services.video_source)}</timg:VideoSourceToken>"
        return await self._device.call(services.imaging, f"<timg:{name}>{source}{body}</timg:{name}>")


def _focus_mode(mode: str) -> str:
    return f"<tt:Focus><tt:AutoFocusMode>{mode}</tt:AutoFocusMode></tt:Focus>"


def _number(parent: Element | None, name: str) -> float | None:
    text = None if parent is None else parent.findtext(f"tt:{name}", None, NAMESPACES)
    try:
        return None if text is None else float(text)
    except ValueError as error:
        raise OnvifError(f"摄像机给出的 {name} 不是数字") from error


def _range(given: Element | None) -> _Range | None:
    """None when nothing can be set in it."""
    low, high = _number(given, "Min"), _number(given, "Max")
    return None if low is None or high is None or low >= high else _Range(low, high)
