"""Some seconds of a few streams at a time: flicker and rolling stripes seldom show in single pictures."""

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from cameras.choices import OnlineStatus
from ptz.models import PtzLease
from quality.clips import Clip, frames_of, read_clip
from quality.diagnosis import Burst, Trace
from quality.models import CameraDiagnosis
from quality.services.pictures import ENGINE, Engine, note_moves, views_of
from quality.services.rows import keep_rows, lock_rows, take_look
from quality.timing import ROUND_SECONDS
from snapshots.capture.errors import CaptureError
from snapshots.slots import unix_slot
from streaming.selectors import CaptureTarget, capture_targets

logger = logging.getLogger(__name__)

# Those under suspicion get at most this part of a round, so that the rotation never stands still.
_SUSPECTED_PART: Final = 0.75
# In rotation no camera needs it more often.
_ROTATION: Final = timedelta(hours=1)
# Fewer frames tell nothing (quality.diagnosis).
_FEWEST_FRAMES: Final = 20

Targets = Callable[[Iterable[int]], list[CaptureTarget]]


def look_at_bursts(
    *, now: datetime | None = None, engine: Engine = ENGINE, targets: Targets = capture_targets
) -> int:
    """One round; how many streams were judged. Any number may run at once, each with cameras of its own."""
    now = now or timezone.now()
    most = settings.QUALITY_BURSTS_PER_MINUTE * ROUND_SECONDS // 60
    if not settings.QUALITY_DIAGNOSIS or most == 0:
        return 0
    ready = [target for target in targets(claim_bursts(now=now, most=most)) if target.url is not None]
    if not ready:
        return 0
    judged = 0
    with ThreadPoolExecutor(len(ready), thread_name_prefix="burst") as pool:
        for target, clip in zip(ready, pool.map(_read, ready), strict=True):
            judged += clip is not None and _judge(target.camera_id, clip, now, engine)
    return judged


def claim_bursts(*, now: datetime, most: int) -> list[int]:
    """Cameras whose turn it is, which from here on is over: a process that dies leaves them to the next rotation."""
    with transaction.atomic():
        again = now - timedelta(seconds=settings.SNAPSHOT_PERIOD_SECONDS)
        suspected = _due(now, again).filter(wants_burst=True)[: max(1, int(most * _SUSPECTED_PART))]
        claimed = list(suspected.values_list("pk", flat=True))
        rotation = _due(now, now - _ROTATION).exclude(pk__in=claimed)[: most - len(claimed)]
        claimed += rotation.values_list("pk", flat=True)
        CameraDiagnosis.objects.filter(pk__in=claimed).update(burst_at=now)
    return claimed


def _due(now: datetime, before: datetime) -> QuerySet[CameraDiagnosis]:
    """Online, not being turned, and not read since `before`; the longest waiting first."""
    quiet_since = now - timedelta(minutes=settings.QUALITY_MUTE_MINUTES)
    turning = PtzLease.objects.filter(camera=OuterRef("pk"), held_until__gt=quiet_since)
    live = Q(camera__deleted_at=None, camera__is_pending=False, camera__has_stream=True)
    waiting = Q(burst_at=None) | Q(burst_at__lte=before)
    return (
        CameraDiagnosis.objects.filter(waiting, live, ~Exists(turning), camera__status=OnlineStatus.ONLINE)
        .order_by(F("burst_at").asc(nulls_first=True))
        .select_for_update(skip_locked=True, of=("self",))
    )


def _read(target: CaptureTarget) -> Clip | None:
    try:
        return read_clip(
            target.url or "",
            seconds=settings.QUALITY_BURST_SECONDS,
            timeout_seconds=settings.SNAPSHOT_TIMEOUT_SECONDS,
            ca_file=target.ca_file,
        )
    except CaptureError as error:
        # The next picture tells what is the matter with the stream.
        logger.info("no burst of camera %s: %s (%s)", target.camera_id, error.result.name, error.detail)
        return None


def _judge(camera_id: int, clip: Clip, at: datetime, engine: Engine) -> bool:
    """One transaction each: the captures of other cameras must not wait for the decoding of all."""
    try:
        frames, seconds = frames_of(clip)
    except CaptureError as error:
        logger.info("no burst of camera %s: %s (%s)", camera_id, error.result.name, error.detail)
        return False
    if len(frames) < _FEWEST_FRAMES:
        return False
    with transaction.atomic():
        rows = lock_rows([camera_id])
        row, said_before = rows[camera_id], {camera_id: rows[camera_id].flags}
        muted_until = note_moves(rows, engine).get(camera_id)
        if muted_until is not None and at < muted_until:
            return False
        burst = Burst(
            frames=frames,
            seconds=seconds,
            at=at,
            memory=views_of({camera_id: at}, rows)[camera_id],
            trace=Trace.from_bytes(bytes(row.trace)),
            sensitivity=row.sensitivity,
        )
        take_look(row, engine.look_at_burst(burst), unix_slot(at))
        keep_rows([row], said_before)
    return True
