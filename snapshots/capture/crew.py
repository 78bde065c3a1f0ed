"""Pictures of many cameras at once, a bounded number at a time."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from snapshots.capture.decode import Picture, picture_of
from snapshots.capture.errors import CaptureError
from snapshots.capture.fetch import read_key_frame
from snapshots.capture.flv import KeyFrame
from snapshots.choices import SnapshotResult
from streaming.selectors import CaptureTarget

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """What came of one camera: a picture that is kept already, or the reason of the gap."""

    camera_id: int
    result: SnapshotResult
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class Crew:
    """How pictures are taken: `size` at a time, each in at most `timeout_seconds`, none begun after `until`
    (of the monotonic clock). `keep` stores a picture and may raise CaptureError."""

    keep: Callable[[int, Picture], None]
    until: float
    timeout_seconds: float
    quality: int
    size: int = 16

    def shoot(self, targets: Iterable[CaptureTarget]) -> Iterator[Shot]:
        """In the order in which they are ready. `targets` is asked for the next one only when it is its turn,
        so that an address may be signed right before it is opened."""
        running: dict[Future[_Fetched], int] = {}
        with ThreadPoolExecutor(self.size, thread_name_prefix="capture") as pool:
            for target in targets:
                if time.monotonic() >= self.until:
                    break
                if target.url is None:
                    yield Shot(target.camera_id, _reason_without_stream(target))
                    continue
                running[pool.submit(_fetch, target, self.timeout_seconds)] = target.camera_id
                if len(running) >= self.size:
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        yield self._develop(running.pop(future), future)
            for future in as_completed(running):
                yield self._develop(running[future], future)

    def _develop(self, camera_id: int, future: "Future[_Fetched]") -> Shot:
        # Only waiting is done in threads: decoding in all of them at once costs a fifth more CPU.
        try:
            frame, taken_at = future.result()
            picture = picture_of(frame, quality=self.quality, taken_at=taken_at)
            self.keep(camera_id, picture)
        except CaptureError as error:
            logger.info("no picture of camera %s: %s (%s)", camera_id, error.result.name, error.detail)
            return Shot(camera_id, error.result)
        return Shot(camera_id, SnapshotResult.TAKEN, picture)


_Fetched = tuple[KeyFrame, datetime]


def _fetch(target: CaptureTarget, timeout_seconds: float) -> _Fetched:
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
    return SnapshotResult.OFFLINE
