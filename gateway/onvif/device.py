"""Where an ONVIF device has its services, and which of its profiles can turn."""

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit
from xml.etree import ElementTree

from gateway.digest import Login
from gateway.onvif.soap import NAMESPACES, OnvifError, SoapClient

_TT = f"{{{NAMESPACES['tt']}}}"


@dataclass(frozen=True)
class Services:
    ptz: str
    imaging: str | None
    profile: str
    video_source: str | None


class Device:
    """One device; what it says of itself is asked once, and again after it failed."""

    def __init__(self, url: str, login: Login | None, profile: str | None) -> None:
        self._url = url
        self._profile = profile
        self._client = SoapClient(login)
        self._services: Services | None = None

    async def services(self) -> Services:
        """Raises OnvifError."""
        if self._services is None:
            await self._set_clock()
            self._services = await self._ask()
        return self._services

    def forget(self) -> None:
        self._services = None

    async def call(self, url: str, body: str) -> ElementTree.Element:
        return await self._client.call(url, body)

    async def _set_clock(self) -> None:
        answer = await self._client.call(self._url, "<tds:GetSystemDateAndTime/>", is_open=True)
        stamp = answer.find(".//tt:UTCDateTime", NAMESPACES)
        if stamp is None:
            return
        parts = ("Date/Year", "Date/Month", "Date/Day", "Time/Hour", "Time/Minute", "Time/Second")
        try:
            year, month, day, hour, minute, second = (
                int(stamp.findtext("/".join(_TT + name for name in part.split("/")), "")) for part in parts
            )
            theirs = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        except ValueError:
            # A device without a clock: ours has to do.
            return
        self._client.clock_offset = theirs - datetime.now(UTC)

    async def _ask(self) -> Services:
        body = "<tds:GetCapabilities><tds:Category>All</tds:Category></tds:GetCapabilities>"
        answer = await self._client.call(self._url, body)
        media = self._address(answer, "Media")
        ptz = self._address(answer, "PTZ")
        if media is None or ptz is None:
            raise OnvifError("摄像机没有 ONVIF 云台服务")
        profiles = await self._client.call(media, "<trt:GetProfiles/>")
        for profile in profiles:
            token = profile.get("token", "")
            if self._profile in (None, token) and profile.find("tt:PTZConfiguration", NAMESPACES) is not None:
                source = profile.findtext("tt:VideoSourceConfiguration/tt:SourceToken", None, NAMESPACES)
                return Services(ptz, self._address(answer, "Imaging"), token, source)
        raise OnvifError("摄像机没有可控制云台的 ONVIF 配置")

    def _address(self, capabilities: ElementTree.Element, name: str) -> str | None:
        """Only the path is taken over: devices name hosts that are theirs behind a NAT, or nobody's."""
        given = capabilities.findtext(f".//tt:{name}/tt:XAddr", None, NAMESPACES)
        if not given:
            return None
        there = urlsplit(given.strip())
        return urlsplit(self._url)._replace(path=there.path, query=there.query).geturl()
