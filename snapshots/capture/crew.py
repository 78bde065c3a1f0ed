"""Pictures of many cameras at once, a bounded number at a time."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import NamedTuple

from django.utils import timezone

from snapshots.capture.decode import Picture, Style, picture_of
from snapshots.capture.errors import CaptureError
from snapshots.capture.fetch import read_key_frame
from snapshots.capture.flv import KeyFrame
from snapshots.capture.turns import Turns
from snapshots.choices import SnapshotResult
from streaming.selectors import CaptureTarget

logger = logging.getLogger(__name__)

_FIRST_PLACES = 32
_MOMENT_SECONDS = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """What came of one camera: a picture that is kept already, or the reason of the gap."""

    camera_id: int
    result: SnapshotResult
    picture: Picture | None = None


class _Read(NamedTuple):
    """A stream was read; the picture is still to be made."""

    target: CaptureTarget
    future: "Future[tuple[KeyFrame, datetime]]"


@dataclass(frozen=True, slots=True)
class Crew:
    """How pictures are taken: `size` streams are read at a time, each in at most `timeout_seconds`, none begun after
    `until` (of the monotonic clock). `keep` stores a picture and may raise CaptureError; `writers` of them work at
    a time, 0 where storing is not worth a thread. `styles` has the cameras that do not look as `style` says."""

    keep: Callable[[int, Picture], None]
    until: float
    timeout_seconds: float
    style: Style
    size: int
    writers: int = 0
    styles: Mapping[int, Style] = field(default_factory=dict)

    def shoot(self, turns: Turns) -> Iterator[Shot | None]:
        """In the order in which they are ready; None whenever none is for a moment. `turns` is asked for the next
        one only when there is a place.

        Streams that come at once are read a few at a time, as a thread for each would cost more than it brings. While
        all of them keep us waiting there are more and more, up to `size`.
        """
        ready: SimpleQueue[_Read | Future[Shot]] = SimpleQueue()
        reading, writing, places = 0, 0, min(self.size, _FIRST_PLACES)
        with (
            ThreadPoolExecutor(self.size, "capture") as readers,
            ThreadPoolExecutor(max(self.writers, 1), "keep") as writers,
        ):
            while True:
                while reading < places and time.monotonic() < self.until and (target := turns.take()):
                    if target.url is None:
                        yield Shot(target.camera_id, _reason_without_stream(target))
                        continue
                    reading += 1
                    self._read(readers, target, ready)
                if not reading and not writing:
                    return
                try:
                    found = ready.get(timeout=_MOMENT_SECONDS)
                except Empty:
                    places = min(self.size, 2 * places)
                    yield None
                    continue
                if isinstance(found, Future):
                    writing -= 1
                    yield found.result()
                    continue
                reading -= 1
                turns.leave(found.target)
                shot = self._develop(found)
                if shot.picture and self.writers:
                    writing += 1
                    writers.submit(self._kept, shot).add_done_callback(ready.put)
                else:
                    yield self._kept(shot)

    def _read(
        self, readers: ThreadPoolExecutor, target: CaptureTarget, ready: "SimpleQueue[_Read | Future[Shot]]"
    ) -> None:
        # Told by queue: waiting for the first of a hundred futures costs as much as decoding.
        future = readers.submit(_fetch, target, self.timeout_seconds)
        future.add_done_callback(lambda future: ready.put(_Read(target, future)))

    def _develop(self, read: _Read) -> Shot:
        # Only waiting is done in threads: decoding in all of them at once costs a fifth more CPU.
        camera_id = read.target.camera_id
        try:
            frame, taken_at = read.future.result()
            style = self.styles.get(camera_id, self.style)
            picture = picture_of(
                frame, quality=style.quality, longest_side=style.longest_side, taken_at=taken_at
            )
        except CaptureError as error:
            return _without_picture(camera_id, error)
        return Shot(camera_id, SnapshotResult.TAKEN, picture)

    def _kept(self, shot: Shot) -> Shot:
        if shot.picture is None:
            return shot
        try:
            self.keep(shot.camera_id, shot.picture)
        except CaptureError as error:
            return _without_picture(shot.camera_id, error)
        return shot


def _without_picture(camera_id: int, error: CaptureError) -> Shot:
    logger.info("no picture of camera %s: %s (%s)", camera_id, error.result.name, error.detail)
    return Shot(camera_id, error.result)


def _fetch(target: CaptureTarget, timeout_seconds: float) -> tuple[KeyFrame, datetime]:
    try:
        frame = read_key_frame(target.url or "", timeout_seconds=timeout_seconds, ca_file=target.ca_file)
        return frame, timezone.now()
    except CaptureError:
        raise
    except Exception as error:
        # Border of a thread: one odd server must not cost the other cameras of the shard their pictures.
        logger.exception("a stream could not be read")
        raise CaptureError(SnapshotResult.UNREACHABLE, repr(error)) from error


def _reason_without_stream(target: CaptureTarget) -> SnapshotResult:
    # A media server tells which codec it turned away; such a camera is not simply offline.
    if target.codec and target.codec.upper() not in ("H264", "H.264", "AVC"):
        return SnapshotResult.NOT_H264
    if target.is_server_away:
        return SnapshotResult.UNREACHABLE
    return SnapshotResult.OFFLINE
