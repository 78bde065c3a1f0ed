"""One stream of a network camera: passed through when it is what was asked for, else transcoded."""

import time
from typing import Literal

from gateway.adapters.base import PushPlan, SourceError, Surroundings
from gateway.adapters.describe import describe
from gateway.budget import transcoding_cores
from gateway.ffmpeg import COPY_ARGUMENTS, transcode_arguments
from gateway.probe import ProbeError, SourceFormat, probe
from gateway.troubles import Defect, Trouble
from protocol.codes import VideoType
from protocol.commands import VideoFormat

Mode = Literal["auto", "copy", "transcode"]

ANSWER_SECONDS = 3.0
PROBE_SECONDS = 10.0
# Two key frames of a camera that keeps to the document are in it.
MEASURE_SECONDS = 4.2
# A camera that was set up anew is measured anew at the next start after this time.
FRESH_SECONDS = 600.0
# Cameras lock an address out for half an hour after some five wrong passwords.
DENIED_SECONDS = 600.0


def input_arguments(url: str) -> list[str]:
    # Without -timeout a camera that freezes holds ffmpeg for ever; the probing is left as it is,
    # shortened it lost channels.
    return ["-nostdin", "-rtsp_transport", "tcp", "-timeout", "3000000", "-i", url]


class RtspStream:
    def __init__(self, url: str, surroundings: Surroundings) -> None:
        self._url = url
        self._ffmpeg = surroundings.ffmpeg
        self._format: SourceFormat | None = None
        self._measured_at = 0.0
        self._denial: Defect | None = None
        self._denied_at = 0.0

    async def check(self) -> Defect | None:
        if self._denial and time.monotonic() - self._denied_at < DENIED_SECONDS:
            return self._denial
        defect = await describe(self._url, ANSWER_SECONDS)
        is_denied = defect is not None and defect.trouble is Trouble.WRONG_PASSWORD
        self._denial, self._denied_at = defect if is_denied else None, time.monotonic()
        return defect

    async def plan(self, video: VideoFormat, video_type: VideoType, mode: Mode) -> PushPlan:
        if self._denial and (defect := await self.check()):
            raise SourceError(defect.reason, defect.trouble)
        found = await self._measured() if mode == "auto" else None
        is_high = video_type is VideoType.HIGH
        if mode == "copy" or (found and found.fits(video, may_be_larger=is_high)):
            return PushPlan(input_arguments(self._url), COPY_ARGUMENTS)
        cores = transcoding_cores(video, found.pixels_a_second if found else None)
        return PushPlan(input_arguments(self._url), transcode_arguments(video), cores=cores)

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
