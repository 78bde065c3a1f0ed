"""A drawn motorway with a dome camera over it, for demos, tests and benchmarks."""

import asyncio
import re
import time
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import msgspec

from gateway.adapters.base import Adapter, AdapterFactory, PushPlan, SourceError, Surroundings
from gateway.ffmpeg import transcode_arguments
from gateway.scene.faults import Fault
from gateway.scene.light import LightName
from gateway.scene.panorama import Site
from gateway.scene.scene import Scene, painter
from gateway.scene.stage import Stage, build_stage
from gateway.scene.studio import Output, Studio
from gateway.scene.text import Letterer, find_font
from gateway.scene.watch import Watch
from gateway.troubles import Defect, Trouble
from protocol.cameras import CameraRecord
from protocol.codes import PtzAction, QualityFlag, VideoType
from protocol.commands import VideoFormat

LARGEST_WIDTH, LARGEST_HEIGHT = 1920, 1080


class Settings(msgspec.Struct, forbid_unknown_fields=True, tag_field="adapter", tag="simulated"):
    seed: int | None = None
    light: LightName = LightName.CLOCK
    place: str | None = None  # what the signs there say
    fault: Fault | None = None


_PLACES = ("溧水", "白马", "东屏", "和凤", "洪蓝", "湖熟", "天王", "句容")

_FLAWS: Mapping[Fault | None, frozenset[QualityFlag]] = {
    None: frozenset(),
    Fault.OFFLINE: frozenset({QualityFlag.OFFLINE}),
    Fault.OCCLUDED: frozenset({QualityFlag.OCCLUDED}),
    Fault.BLURRED: frozenset({QualityFlag.BLURRED}),
}

_ROAD_NAME = re.compile("^.*?高速(公路)?")
_KIND_OF_PLACE = re.compile("特大桥|大桥|桥|隧道|服务区|停车区|收费|互通|枢纽|段|道路| ?ETC|门架")

_studio = Studio()


class SimulatedCamera:
    def __init__(self, settings: Settings, record: CameraRecord, surroundings: Surroundings) -> None:
        seed = settings.seed if settings.seed is not None else zlib.crc32(record.camera_num.lower().encode())
        place = settings.place or _town(record.poi_name) or _PLACES[seed % len(_PLACES)]
        site = Site(record.road, place, record.classify, seed)
        letterer = _letterer(surroundings.font)
        self._fault = settings.fault
        self._scene = Scene(
            record.camera_name, site, settings.light, letterer, surroundings.cache, settings.fault
        )
        self._watch = Watch(self._scene)

    async def check(self, video_type: VideoType = VideoType.LOW) -> Defect | None:
        return Defect(Trouble.UNREACHABLE, "模拟摄像机设为离线") if self._fault is Fault.OFFLINE else None

    async def plan(self, video: VideoFormat, video_type: VideoType) -> PushPlan:
        defect = await self.check()
        if defect is not None:
            raise SourceError(defect.reason, defect.trouble)
        if video.width > LARGEST_WIDTH or video.height > LARGEST_HEIGHT:
            raise SourceError(f"模拟摄像机最大 {LARGEST_WIDTH}x{LARGEST_HEIGHT}")
        width, height = video.width & ~1, video.height & ~1
        stage = await asyncio.get_running_loop().run_in_executor(
            painter, build_stage, self._scene, width, height
        )
        source = [
            *("-f", "rawvideo", "-pixel_format", "yuv420p", "-video_size", f"{width}x{height}"),
            *("-framerate", str(video.framerate), "-probesize", "32", "-analyzeduration", "0"),
            *("-i", "pipe:0"),
        ]
        codec = [
            *transcode_arguments(video, scale=False),
            # The sensor is 16:9 whatever the stream is stored as, as with a real camera's CIF.
            *(
                "-aspect",
                "16:9",
                "-x264-params",
                "colorprim=smpte170m:transfer=smpte170m:colormatrix=smpte170m",
            ),
        ]
        return PushPlan(source, codec, _Feed(stage, video.framerate))

    async def move(self, action: PtzAction, step: int) -> None:
        self._scene.view.order(action, step, time.monotonic())

    def note_denial(self, video_type: VideoType, defect: Defect) -> None:
        return

    async def close(self) -> None:
        return

    @property
    def flaws(self) -> frozenset[QualityFlag]:
        return _FLAWS[self._fault]

    def analyse(self, begin: int, end: int) -> Mapping[str, object] | None:
        """None from a camera at fault: what its picture hides cannot be counted."""
        return None if self._fault else self._watch.result(begin, end)


class _Feed:
    """One channel's place in the drawing thread."""

    def __init__(self, stage: Stage, framerate: int) -> None:
        self._stage = stage
        self._framerate = framerate
        self._output: Output | None = None

    def open(self, descriptor: int) -> None:
        self._output = _studio.add(descriptor, self._framerate, self._stage.draw)

    def close(self) -> None:
        if self._output is not None:
            self._output.leave()
            self._output = None


def _town(poi_name: str) -> str:
    """The name that a sign adds its own word to: 溧水 of 溧水服务区 and of 长深高速溧水段."""
    local = _ROAD_NAME.sub("", poi_name)
    return _KIND_OF_PLACE.split(local, maxsplit=1)[0][:4].strip()


@lru_cache(maxsize=4)
def _letterer(font: Path | None) -> Letterer:
    return Letterer(find_font(font))


def factory(settings: Settings) -> AdapterFactory:
    def build(record: CameraRecord, surroundings: Surroundings) -> Adapter:
        return SimulatedCamera(settings, record, surroundings)

    return build
