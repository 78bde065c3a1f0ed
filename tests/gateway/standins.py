"""Cameras for tests that need none to look through."""

import json
import time

from gateway.adapters.base import PushPlan, SourceError, Unwatched
from gateway.cameras import Camera
from gateway.gate import StartGate, Urgency
from gateway.troubles import Defect
from gateway.turning import PtzRefusedError
from protocol.cameras import CameraRecord, parse_camera
from protocol.codes import CameraType, PtzAction, VideoType
from protocol.commands import VideoFormat
from tests.gateway.roadside import COMPANY, camera


class Reachable(Unwatched):
    """A camera that can be reached and gives no pictures."""

    async def check(self, video_type: VideoType = VideoType.LOW) -> Defect | None:
        return None

    async def plan(self, video: VideoFormat, video_type: VideoType) -> PushPlan:
        raise SourceError("无画面")

    async def move(self, action: PtzAction, step: int) -> None:
        raise PtzRefusedError("该摄像机不支持云台控制")


class Odd(Reachable):
    """Fails in a way that nobody thought of."""

    async def check(self, video_type: VideoType = VideoType.LOW) -> Defect | None:
        raise ZeroDivisionError

    async def plan(self, video: VideoFormat, video_type: VideoType) -> PushPlan:
        raise ZeroDivisionError


class Noting(StartGate):
    """Knows when it let whom through."""

    def __init__(self) -> None:
        super().__init__()
        self.passed: list[tuple[Urgency, float]] = []

    async def wait(self, urgency: Urgency = Urgency.PUSH) -> None:
        await super().wait(urgency)
        self.passed.append((urgency, time.monotonic()))


def record(
    num: str, department: str = COMPANY, camera_type: CameraType = CameraType.FIXED
) -> CameraRecord:
    wire = camera(num, {}, department=department, cameraType=int(camera_type))
    del wire["source"]
    return parse_camera(json.dumps(wire).encode())


def standing(num: str, department: str = COMPANY) -> Camera:
    return Camera(record(num, department), Reachable())
