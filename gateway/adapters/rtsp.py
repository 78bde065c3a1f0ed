"""A network camera: passed through when its stream is what was asked for, else transcoded."""

import re
import time
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from gateway.adapters.base import (
    Adapter,
    AdapterFactory,
    PushPlan,
    SourceError,
    Surroundings,
    Unwatched,
)
from gateway.adapters.describe import describe
from gateway.addresses import check_port
from gateway.budget import transcoding_cores
from gateway.ffmpeg import COPY_ARGUMENTS, transcode_arguments
from gateway.onvif import ptz as onvif
from gateway.probe import ProbeError, SourceFormat, probe
from gateway.troubles import Defect, Trouble
from gateway.turning import PtzRefusedError
from protocol.cameras import CameraRecord
from protocol.codes import PtzAction
from protocol.commands import VideoFormat

ANSWER_SECONDS = 3.0
PROBE_SECONDS = 10.0
# Two key frames of a camera that keeps to the document are in it.
MEASURE_SECONDS = 4.2
# A camera that was set up anew is measured anew at the next start after this time.
FRESH_SECONDS = 600.0
# Cameras lock an address out for half an hour after some five wrong passwords.
DENIED_SECONDS = 600.0


class Settings(msgspec.Struct, forbid_unknown_fields=True, tag_field="adapter", tag="rtsp"):
    url: str
    mode: Literal["auto", "copy", "transcode"] = "auto"
    ptz: onvif.Settings | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("rtsp", "rtsps") or not parts.hostname or re.search(r"\s", self.url):
            raise ValueError("url 不是 rtsp 地址")
        check_port(parts)


def input_arguments(url: str) -> list[str]:
    # Without -timeout a camera that freezes holds ffmpeg for ever; the probing is left as it is,
    # shortened it lost channels.
    return ["-nostdin", "-rtsp_transport", "tcp", "-timeout", "3000000", "-i", url]


class RtspCamera(Unwatched):
    def __init__(self, settings: Settings, surroundings: Surroundings) -> None:
        self._url = settings.url
        self._mode = settings.mode
        self._ffmpeg = surroundings.ffmpeg
        self._format: SourceFormat | None = None
        self._measured_at = 0.0
        self._denial: Defect | None = None
        self._denied_at = 0.0
        self._ptz = onvif.build(settings.ptz, settings.url) if settings.ptz else None

    async def check(self) -> Defect | None:
        if self._denial and time.monotonic() - self._denied_at < DENIED_SECONDS:
            return self._denial
        defect = await describe(self._url, ANSWER_SECONDS)
        is_denied = defect is not None and defect.trouble is Trouble.WRONG_PASSWORD
        self._denial, self._denied_at = defect if is_denied else None, time.monotonic()
        return defect

    async def plan(self, video: VideoFormat) -> PushPlan:
        if self._denial and (defect := await self.check()):
            raise SourceError(defect.reason, defect.trouble)
        found = await self._measured() if self._mode == "auto" else None
        if self._mode == "copy" or (found and found.fits(video)):
            return PushPlan(input_arguments(self._url), COPY_ARGUMENTS)
        cores = transcoding_cores(video, found.pixels_a_second if found else None)
        return PushPlan(input_arguments(self._url), transcode_arguments(video), cores=cores)

    async def move(self, action: PtzAction, step: int) -> None:
        if self._ptz is None:
            raise PtzRefusedError("该摄像机不支持云台控制")
        await self._ptz.move(action, step)

    async def close(self) -> None:
        if self._ptz is not None:
            await self._ptz.close()

    async def _measured(self) -> SourceFormat:
        if self._format is None or time.monotonic() - self._measured_at > FRESH_SECONDS:
            try:
                self._format = await probe(
                    self._ffmpeg,
                    input_arguments(self._url),
                    measure_seconds=MEASURE_SECONDS,
                    limit_seconds=PROBE_SECONDS,
                )
            except ProbeError as error:
                raise SourceError(f"无法取得视频：{error}", error.trouble) from error
            self._measured_at = time.monotonic()
        return self._format


def factory(settings: Settings) -> AdapterFactory:
    def build(record: CameraRecord, surroundings: Surroundings) -> Adapter:
        return RtspCamera(settings, surroundings)

    return build
