"""A network camera, with one stream for both video types or one for each."""

import msgspec

from gateway.adapters.base import Adapter, AdapterFactory, PushPlan, Surroundings, Unwatched
from gateway.adapters.rtsp_stream import Mode, RtspStream
from gateway.addresses import check_address
from gateway.onvif import ptz as onvif
from gateway.troubles import Defect
from gateway.turning import PtzRefusedError
from protocol.cameras import CameraRecord
from protocol.codes import PtzAction, VideoType
from protocol.commands import VideoFormat


class Settings(msgspec.Struct, forbid_unknown_fields=True, tag_field="adapter", tag="rtsp"):
    url: str
    mode: Mode = "auto"
    # The main stream, for the high video type; None: as the low one.
    high_url: str | None = None
    high_mode: Mode | None = None
    ptz: onvif.Settings | None = None

    def __post_init__(self) -> None:
        check_address(self.url, "rtsp", "rtsps")
        if self.high_url is not None:
            check_address(self.high_url, "rtsp", "rtsps", name="high_url")


class RtspCamera(Unwatched):
    def __init__(self, settings: Settings, surroundings: Surroundings) -> None:
        low = RtspStream(settings.url, surroundings)
        high = RtspStream(settings.high_url, surroundings) if settings.high_url else low
        self._streams = {VideoType.LOW: low, VideoType.HIGH: high}
        self._modes = {VideoType.LOW: settings.mode, VideoType.HIGH: settings.high_mode or settings.mode}
        self._ptz = onvif.build(settings.ptz, settings.url) if settings.ptz else None

    async def check(self, video_type: VideoType = VideoType.LOW) -> Defect | None:
        return await self._streams[video_type].check()

    async def plan(self, video: VideoFormat, video_type: VideoType) -> PushPlan:
        return await self._streams[video_type].plan(video, video_type, self._modes[video_type])

    def note_denial(self, video_type: VideoType, defect: Defect) -> None:
        self._streams[video_type].note_denial(defect)

    async def move(self, action: PtzAction, step: int) -> None:
        if self._ptz is None:
            raise PtzRefusedError("该摄像机不支持云台控制")
        await self._ptz.move(action, step)

    async def close(self) -> None:
        if self._ptz is not None:
            await self._ptz.close()


def factory(settings: Settings) -> AdapterFactory:
    def build(record: CameraRecord, surroundings: Surroundings) -> Adapter:
        return RtspCamera(settings, surroundings)

    return build
