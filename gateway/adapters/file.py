"""A clip that is played over and over, at the speed it was taken."""

from pathlib import Path
from typing import Literal

import msgspec

from gateway.adapters.base import (
    Adapter,
    AdapterFactory,
    PushPlan,
    SourceError,
    Surroundings,
    Unwatched,
)
from gateway.budget import transcoding_cores
from gateway.ffmpeg import COPY_ARGUMENTS, transcode_arguments
from gateway.gate import Urgency
from gateway.probe import ProbeError, SourceFormat, probe
from gateway.troubles import Defect, Trouble
from gateway.turning import PtzRefusedError
from protocol.cameras import CameraRecord
from protocol.codes import PtzAction, VideoType
from protocol.commands import VideoFormat

MEASURE_SECONDS = 20.0
PROBE_SECONDS = 10.0


class Settings(msgspec.Struct, forbid_unknown_fields=True, tag_field="adapter", tag="file"):
    path: str
    mode: Literal["auto", "copy", "transcode"] = "auto"


def input_arguments(path: Path) -> list[str]:
    return ["-nostdin", "-re", "-stream_loop", "-1", "-i", f"file:{path}"]


class FileCamera(Unwatched):
    def __init__(self, settings: Settings, surroundings: Surroundings) -> None:
        self._path = surroundings.folder / settings.path
        self._mode = settings.mode
        self._ffmpeg = surroundings.ffmpeg
        self._gate = surroundings.gate
        self._format: SourceFormat | None = None

    async def check(self, video_type: VideoType = VideoType.LOW) -> Defect | None:
        if self._path.is_file():
            return None
        return Defect(Trouble.UNREACHABLE, f"视频文件 {self._path.name} 不存在")

    async def plan(self, video: VideoFormat, video_type: VideoType) -> PushPlan:
        defect = await self.check()
        if defect is not None:
            raise SourceError(defect.reason, defect.trouble)
        found = await self._measured() if self._mode == "auto" else None
        if self._mode == "copy" or (found and found.fits(video)):
            return PushPlan(input_arguments(self._path), COPY_ARGUMENTS)
        cores = transcoding_cores(video, found.pixels_a_second if found else None)
        return PushPlan(input_arguments(self._path), transcode_arguments(video), cores=cores)

    async def move(self, action: PtzAction, step: int) -> None:
        raise PtzRefusedError("该摄像机不支持云台控制")

    async def _measured(self) -> SourceFormat:
        if self._format is None:
            await self._gate.wait(Urgency.LOOK)
            try:
                self._format = await probe(
                    self._ffmpeg,
                    ["-i", f"file:{self._path}"],
                    measure_seconds=MEASURE_SECONDS,
                    limit_seconds=PROBE_SECONDS,
                )
            except ProbeError as error:
                raise SourceError(f"视频文件 {self._path.name}：{error}") from error
        return self._format


def factory(settings: Settings) -> AdapterFactory:
    def build(record: CameraRecord, surroundings: Surroundings) -> Adapter:
        return FileCamera(settings, surroundings)

    return build
