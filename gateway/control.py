"""Who may turn a camera now: the road section goes before the ministry (document 4.2 2.c)."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from gateway.cameras import Camera
from gateway.ptz_log import PtzLog
from protocol.codes import PtzAction
from protocol.errors import ForbiddenError, ProtocolError


class Level(Enum):
    PLATFORM = "平台"
    SECTION = "路段"


class Mode(Enum):
    """How the gateway is connected upward."""

    PROVINCE = "province"  # document 4.1: the province arbitrates
    MINISTRY = "ministry"  # document 4.2: this gateway arbitrates


@dataclass(frozen=True)
class Orderer:
    level: Level
    user: str  # as the request names it
    address: str


class Control:
    """Arbitrates, passes on and writes down."""

    def __init__(
        self, mode: Mode, lease_seconds: float, log: PtzLog, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._mode = mode
        self._lease_seconds = lease_seconds
        self._log = log
        self._clock = clock
        self._held_until: dict[str, float] = {}

    async def order(self, camera: Camera, action: PtzAction, step: int, orderer: Orderer) -> None:
        """Raises ForbiddenError, and what the camera raises; leaves a line in the log in any case."""
        try:
            self._arbitrate(camera, orderer)
            await camera.move(action, step)
        except ProtocolError as error:
            self._write(camera, action, step, orderer, error.message)
            raise
        except BaseException:
            self._write(camera, action, step, orderer, "未完成")
            raise
        self._write(camera, action, step, orderer, "")

    def _arbitrate(self, camera: Camera, orderer: Orderer) -> None:
        if self._mode is Mode.PROVINCE:
            if orderer.level is Level.SECTION:
                raise ForbiddenError("经省级平台接入时由省级平台仲裁，请在省级平台上控制")
            return
        now = self._clock()
        if orderer.level is Level.SECTION:
            # Taken even from a ministry that is turning it, and renewed by each order.
            self._held_until[camera.num] = now + self._lease_seconds
            return
        if not camera.is_ptz_open:
            raise ForbiddenError("该摄像机未向部级平台开放云台控制")
        left = self._held_until.get(camera.num, now) - now
        if left > 0:
            until = self._log.now() + timedelta(seconds=left)
            raise ForbiddenError(f"路段正在控制，{until:%H:%M:%S} 以前部级不能控制")

    def _write(self, camera: Camera, action: PtzAction, step: int, orderer: Orderer, refusal: str) -> None:
        self._log.write(
            {
                "level": orderer.level.value,
                "user": orderer.user,
                "address": orderer.address,
                "cameraNum": camera.num,
                "action": int(action),
                "step": step,
                "done": not refusal,
                "message": refusal,
            }
        )
