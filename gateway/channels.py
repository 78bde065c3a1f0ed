"""The pushed channels: at most one stream for each camera and video type."""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass

from gateway.budget import CoreBudget
from gateway.cameras import Camera, Cameras
from gateway.pusher import Cause, Failure, Pusher, Workshop
from protocol.codes import Code, VideoType
from protocol.commands import PushCommand
from protocol.errors import InternalError, NotFoundError

logger = logging.getLogger(__name__)

# Enough to see that ffmpeg cannot be started. Longer, and a platform that begins many would wait.
FIRST_ATTEMPT_SECONDS = 0.4

Key = tuple[str, VideoType]


@dataclass(frozen=True)
class PushState:
    """One push of a camera; `failure` (Chinese) is what keeps it from flowing."""

    video_type: VideoType
    is_pushing: bool
    failure: str | None


class Channels:
    def __init__(self, cameras: Cameras, workshop: Workshop) -> None:
        self._cameras = cameras
        self._workshop = workshop
        self._pushers: dict[Key, Pusher] = {}
        self._locks: dict[Key, asyncio.Lock] = {}
        self._notes: set[asyncio.Task[None]] = set()

    @property
    def pushing(self) -> int:
        return sum(pusher.is_pushing for pusher in self._pushers.values())

    @property
    def budget(self) -> CoreBudget:
        return self._workshop.budget

    def pushes_of(self, camera: Camera) -> list[PushState]:
        return [
            PushState(video_type, pusher.is_pushing, pusher.failure.reason if pusher.failure else None)
            for (num, video_type), pusher in self._pushers.items()
            if num == camera.num.lower()
        ]

    def unwatched(self) -> list[Camera]:
        """Cameras without a push, which would tell whether they work."""
        watched = {num for (num, _), pusher in self._pushers.items() if not pusher.is_refused}
        return [camera for camera in self._cameras if camera.num.lower() not in watched]

    async def begin(self, camera: Camera, video_type: VideoType, command: PushCommand) -> Code:
        """Push there; OK, or ALREADY_PUSHING. Another target or format replaces the running push.

        Raises ForbiddenError and MalformedError for the target, NotFoundError for a broken camera,
        InternalError when ffmpeg cannot be started; after these two it is tried further. InternalError
        as well when the budget for transcoding is spent: then it is not, a later order may find room.
        """
        await self._workshop.targets.resolve(command.server_ip, command.server_port)
        key = camera.num.lower(), video_type
        async with self._locks.setdefault(key, asyncio.Lock()):
            pusher = self._pushers.get(key)
            if pusher is not None and pusher.goes_to(command) and not pusher.is_refused:
                pusher.renew(command)
                _refuse_broken(camera, pusher.failure)
                return Code.ALREADY_PUSHING
            if pusher is not None:
                await pusher.stop()
            pusher = self._pushers[key] = self._push(camera, video_type, command)
            failure = await pusher.first_attempt(FIRST_ATTEMPT_SECONDS)
            if pusher.is_refused and failure is not None:
                await self._drop(key)
                raise InternalError(failure.reason)
            _refuse_broken(camera, failure)
            return Code.OK

    async def finish(self, camera: Camera, video_type: VideoType) -> bool:
        """Whether there was a push to end."""
        key = camera.num.lower(), video_type
        async with self._locks.setdefault(key, asyncio.Lock()):
            return await self._drop(key)

    async def finish_all(self, camera: Camera) -> None:
        """End whatever is pushed of it."""
        for key in [key for key in self._pushers if key[0] == camera.num.lower()]:
            await self.finish(camera, key[1])

    async def close(self) -> None:
        await asyncio.gather(*(pusher.stop() for pusher in self._pushers.values()))
        self._pushers.clear()
        for note in self._notes:
            note.cancel()

    async def _drop(self, key: Key) -> bool:
        pusher = self._pushers.pop(key, None)
        if pusher is None:
            return False
        await pusher.stop()
        return True

    def _push(self, camera: Camera, video_type: VideoType, command: PushCommand) -> Pusher:
        logger.info(
            "push %s/%s to %s:%s%s",
            camera.num,
            video_type.name,
            command.server_ip,
            command.server_port,
            command.pub_name,
        )
        return Pusher(
            f"{camera.num}/{video_type.name}",
            camera.adapter,
            video_type,
            command,
            self._workshop,
            on_frames=lambda: self._cameras.note_frames(camera, video_type),
            on_failure=lambda failure: self._note(
                self._cameras.note_failure(
                    camera, video_type, failure, is_flowing=lambda: self._is_flowing(camera)
                )
            ),
        )

    def _is_flowing(self, camera: Camera) -> bool:
        return any(push.is_pushing for push in self.pushes_of(camera))

    def _note(self, note: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(_logged(note))
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)


async def _logged(note: Coroutine[None, None, None]) -> None:
    try:
        await note
    except Exception:
        logger.exception("failure of a push not noted")


def _refuse_broken(camera: Camera, failure: Failure | None) -> None:
    """The push goes on being tried; the platform hears what is wrong with it now."""
    if failure is not None and failure.cause in (Cause.ENCODER, Cause.GATEWAY):
        raise InternalError(f"{failure.reason}（网关将继续重试）")
    # Appendix 3, 404: 切换时表示该路视频故障.
    if failure is not None and failure.cause is Cause.SOURCE:
        raise NotFoundError(f"该路视频故障：{failure.reason}（网关将继续重试）")
    if failure is not None and camera.defect is not None:
        raise NotFoundError(f"该路视频故障：{camera.defect.reason}（网关将继续重试）")
