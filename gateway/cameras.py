"""The gateway's cameras: what each can do, whether it works, and who wants to know."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from gateway.adapters.base import Adapter
from gateway.pusher import Cause, Failure
from gateway.troubles import Defect, Trouble
from gateway.turning import PtzFailedError, PtzRefusedError
from protocol.cameras import CameraRecord
from protocol.codes import CameraType, OnlineStatus, PtzAction, QualityFlag, VideoType
from protocol.errors import InternalError, NotFoundError

logger = logging.getLogger(__name__)

FAILURES_TO_FAULT = 3
CHECKS_AT_ONCE = 32


class Camera:
    """One camera with its status."""

    def __init__(
        self,
        record: CameraRecord,
        adapter: Adapter,
        *,
        is_ptz_open: bool = False,
        is_assigned: bool = False,
    ) -> None:
        self.record = record
        # One of the 重要点位 that a ministry connected directly may turn (document 4.2 2.c).
        self.is_ptz_open = is_ptz_open
        # By the platform: it need not be told of it.
        self.is_assigned = is_assigned
        self.adapter = adapter
        self.defect: Defect | None = None
        self.failures: Counter[VideoType] = Counter()
        # How often pictures began to flow.
        self.beginnings = 0
        # Nine digits, as a box beside the road sees the picture.
        self.seen_quality: str | None = None

    @property
    def num(self) -> str:
        return self.record.camera_num

    @property
    def status(self) -> OnlineStatus:
        if self.defect is None:
            return OnlineStatus.ONLINE
        return OnlineStatus.OFFLINE if self.defect.trouble is Trouble.UNREACHABLE else OnlineStatus.FAULT

    @property
    def quality(self) -> str | None:
        """Nine digits 0/1 (document 1.3); None when nobody looks at the pictures."""
        flaws = self.adapter.flaws
        if self.seen_quality is None and flaws is None:
            return None
        digits = list(self.seen_quality or ("01"[flag in (flaws or ())] for flag in QualityFlag))
        if self.status is not OnlineStatus.ONLINE:
            is_away = self.status is OnlineStatus.OFFLINE
            digits[QualityFlag.OFFLINE if is_away else QualityFlag.SIGNAL_LOST] = "1"
        return "".join(digits)

    async def move(self, action: PtzAction, step: int) -> None:
        """Raises NotFoundError for a camera without PTZ, InternalError for one that could not be told.

        Appendix 3 has no number for it. 400 would say that the gateway knows no stop, 403 that the
        token is bad, 500 that something broke; 404 is left: there is no such thing to control.
        """
        if self.record.camera_type is not CameraType.DOME:
            raise NotFoundError("该摄像机不支持云台控制")
        try:
            await self.adapter.move(action, step)
        except PtzRefusedError as error:
            raise NotFoundError(str(error)) from error
        except PtzFailedError as error:
            raise InternalError(str(error)) from error


class Cameras:
    """All of them, found without regard to case (protocol.md section 3)."""

    def __init__(self, cameras: Iterable[Camera]) -> None:
        self._by_num = {camera.num.lower(): camera for camera in cameras}
        self.changed = asyncio.Event()

    def replace(self, cameras: Iterable[Camera]) -> None:
        self._by_num = {camera.num.lower(): camera for camera in cameras}

    def __len__(self) -> int:
        return len(self._by_num)

    def __iter__(self) -> Iterator[Camera]:
        # A copy: whoever goes through them may wait in between, and they may be replaced meanwhile.
        return iter(list(self._by_num.values()))

    def holds(self, camera: Camera) -> bool:
        """Whether it is one of them still."""
        return self._by_num.get(camera.num.lower()) is camera

    def get(self, num: str) -> Camera:
        camera = self._by_num.get(num.lower())
        if camera is None:
            raise NotFoundError(f"摄像机 {num} 不存在")
        return camera

    def note_frames(self, camera: Camera, video_type: VideoType) -> None:
        camera.failures[video_type] = 0
        camera.beginnings += 1
        self._set(camera, None)

    async def note_failure(
        self, camera: Camera, video_type: VideoType, failure: Failure, *, is_flowing: Callable[[], bool]
    ) -> None:
        """A push ended. Only what is the camera's own doing says something about the camera.

        `is_flowing`: pictures of its other stream flow, and prove it well.
        """
        if failure.cause is not Cause.SOURCE:
            return
        camera.failures[video_type] += 1
        if failure.trouble is Trouble.WRONG_PASSWORD:
            # It is not asked again for a long time.
            camera.failures[video_type] = FAILURES_TO_FAULT
        if camera.failures[video_type] < FAILURES_TO_FAULT or is_flowing():
            return
        before = camera.beginnings
        defect = await camera.adapter.check(video_type)
        if camera.beginnings == before:
            self._set(camera, defect or Defect(failure.trouble or Trouble.NO_VIDEO, failure.reason))

    def note_quality(self, camera: Camera, flags: str) -> None:
        """Nine digits from a box that looks at the picture; they hold until it says otherwise."""
        if camera.seen_quality != flags:
            logger.info("camera %s: picture %s", camera.num, flags)
            camera.seen_quality = flags
            self.changed.set()

    async def check(self, cameras: Iterable[Camera]) -> None:
        """Look whether cameras that nobody watches can be reached."""
        places = asyncio.Semaphore(CHECKS_AT_ONCE)

        async def check(camera: Camera) -> None:
            before = camera.beginnings
            async with places:
                try:
                    defect = await camera.adapter.check()
                except Exception:
                    logger.exception("camera %s not checked", camera.num)
                    return
            if camera.beginnings != before:
                # The pictures that came meanwhile know better.
                return
            if defect is None:
                camera.failures.clear()
            self._set(camera, defect)

        await asyncio.gather(*(check(camera) for camera in cameras))

    def _set(self, camera: Camera, defect: Defect | None) -> None:
        before, camera.defect = camera.status, defect
        if camera.status is not before:
            reason = defect.reason if defect else ""
            logger.info("camera %s: %s -> %s %s", camera.num, before.name, camera.status.name, reason)
            self.changed.set()
