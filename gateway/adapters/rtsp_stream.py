"""One stream of a network camera: passed through when it is what was asked for, else transcoded."""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from gateway.adapters.base import PushPlan, SourceError, Surroundings
from gateway.adapters.describe import describe, place_of
from gateway.budget import transcoding_cores
from gateway.ffmpeg import COPY_ARGUMENTS, transcode_arguments
from gateway.gate import Urgency
from gateway.probe import ProbeError, SourceFormat, probe
from gateway.troubles import Defect, Trouble
from protocol.codes import VideoType
from protocol.commands import VideoFormat

logger = logging.getLogger(__name__)

Mode = Literal["auto", "copy", "transcode"]

ANSWER_SECONDS = 3.0
PROBE_SECONDS = 10.0
# Two key frames of a camera that keeps to the document are in it.
MEASURE_SECONDS = 4.2
# A camera may be set up anew: at the next start after this time what is known of it is measured again.
FRESH_SECONDS = 600.0
# Cameras lock an address out for half an hour after some five wrong passwords.
DENIED_SECONDS = 600.0


def input_arguments(url: str) -> list[str]:
    # Without -timeout a camera that freezes holds ffmpeg for ever; the probing is left as it is,
    # shortened it lost channels.
    # Cameras sign their own certificates; newer ffmpegs refuse them unless told otherwise.
    tls = ["-tls_verify", "0"] if url.lower().startswith("rtsps:") else []
    return ["-nostdin", "-rtsp_transport", "tcp", "-timeout", "3000000", *tls, "-i", url]


@dataclass(frozen=True)
class _Known:
    """What the camera was found to send; not measured, its key frames and its bit rate are taken on trust."""

    format: SourceFormat
    is_measured: bool
    at: float

    def suits(self, video: VideoFormat, video_type: VideoType) -> bool:
        judge = self.format.fits if self.is_measured else self.format.looks_fit
        return judge(video, may_be_larger=video_type is VideoType.HIGH)


class RtspStream:
    def __init__(
        self, url: str, surroundings: Surroundings, *, fresh_seconds: float = FRESH_SECONDS
    ) -> None:
        self._url = url
        self._fresh_seconds = fresh_seconds
        self._ffmpeg = surroundings.ffmpeg
        self._gate = surroundings.gate
        self._known: _Known | None = None
        self._denial: Defect | None = None
        self._denied_at = 0.0

    async def check(self) -> Defect | None:
        if self._denial and time.monotonic() - self._denied_at < DENIED_SECONDS:
            return self._denial
        defect = await describe(self._url, ANSWER_SECONDS)
        is_denied = defect is not None and defect.trouble is Trouble.WRONG_PASSWORD
        self._denial, self._denied_at = defect if is_denied else None, time.monotonic()
        return defect

    def note_denial(self, defect: Defect) -> None:
        """Only ffmpeg finds it out behind TLS. What is known already is not put off once more."""
        if self._denial is None:
            self._denial, self._denied_at = defect, time.monotonic()

    async def plan(self, video: VideoFormat, video_type: VideoType, mode: Mode) -> PushPlan:
        if self._denial and (defect := await self.check()):
            raise SourceError(defect.reason, defect.trouble)
        if mode != "auto":
            return self._plan(video, passes=mode == "copy")
        return await self._judged(video, video_type)

    async def _judged(self, video: VideoFormat, video_type: VideoType) -> PushPlan:
        """Measuring takes longer than a viewer should wait: it is done while the push runs already."""
        known = self._known
        if known is None:
            known = self._known = await self._look()
        passes = known.suits(video, video_type)
        is_stale = time.monotonic() - known.at > self._fresh_seconds
        if is_stale or (passes and not known.is_measured):
            # Relied on once: a push that breaks before the review looks anew.
            self._known = None
            return self._plan(video, passes, known, lambda: self._is_outdated(video, video_type, passes))
        return self._plan(video, passes, known)

    def _plan(
        self,
        video: VideoFormat,
        passes: bool,
        known: _Known | None = None,
        review: Callable[[], Awaitable[bool]] | None = None,
    ) -> PushPlan:
        source = input_arguments(self._url)
        if passes:
            return PushPlan(source, COPY_ARGUMENTS, review=review)
        cores = transcoding_cores(video, known.format.pixels_a_second if known else None)
        return PushPlan(source, transcode_arguments(video), cores=cores, review=review)

    async def _look(self) -> _Known:
        await self._gate.wait(Urgency.LOOK)
        try:
            return await self._probe(0.0)
        except ProbeError as error:
            raise SourceError(f"无法取得视频：{error}", error.trouble) from error

    async def _is_outdated(self, video: VideoFormat, video_type: VideoType, passes: bool) -> bool:
        await self._gate.wait(Urgency.MEASURE)
        try:
            known = self._known = await self._probe(MEASURE_SECONDS)
        except ProbeError as error:
            logger.warning("%s not measured: %s", place_of(self._url), error)
            return False
        return known.suits(video, video_type) is not passes

    async def _probe(self, measure_seconds: float) -> _Known:
        found = await probe(
            self._ffmpeg,
            input_arguments(self._url),
            measure_seconds=measure_seconds,
            limit_seconds=PROBE_SECONDS,
        )
        return _Known(found, is_measured=measure_seconds > 0, at=time.monotonic())
