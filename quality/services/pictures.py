"""Judging the pictures of a round in the process that took them, a batch at a time."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from ptz.models import PtzLease
from quality import diagnosis
from quality.choices import QualityFlag
from quality.diagnosis import Burst, Look, Memory, Sight, Trace, band_of
from quality.models import CameraDiagnosis, CameraView
from quality.services.presence import offline_words
from quality.services.rows import keep_rows, keep_views, lock_rows, say_flag, take_look
from snapshots.capture.crew import Shot
from snapshots.capture.decode import Picture
from snapshots.choices import SnapshotResult
from snapshots.slots import is_credible

# The stream is there and shows nothing. The other reasons are the platform's own or told by the status.
_BLIND: Final = frozenset({SnapshotResult.NO_KEY_FRAME, SnapshotResult.UNDECODABLE})


class Engine(Protocol):
    """What judges: the package `quality.diagnosis`, which knows no database."""

    def look(self, sights: Sequence[Sight]) -> list[Look]: ...

    def look_at_burst(self, burst: Burst) -> Look: ...

    def forget_view(self, trace: Trace) -> Trace: ...


ENGINE: Final[Engine] = diagnosis


def hear_pictures(*, slot_at: datetime, shots: Sequence[Shot], **_: object) -> None:
    """Receiver of `snapshots.signals.pictures_taken`."""
    judge_pictures(slot_at=slot_at, shots=shots)


def judge_pictures(*, slot_at: datetime, shots: Sequence[Shot], engine: Engine = ENGINE) -> int:
    """Let the pictures and gaps of one slot count; of how many cameras something that holds has changed.

    A slot counts once for each camera, however often it is told.
    """
    by_camera = {shot.camera_id: shot for shot in shots}
    listed = offline_words(by_camera)
    slot = int(slot_at.timestamp())
    with transaction.atomic():
        # The engine works under the lock: a burst of the same camera meanwhile would lose one of both traces.
        rows = {pk: row for pk, row in lock_rows(listed).items() if _is_news(row, slot)}
        # Once more: what was read before the lock may be older than what `presence` has said meanwhile.
        offline = offline_words(rows)
        before = {pk: _facts(row) for pk, row in rows.items()}
        muted_until = note_moves(rows, engine)
        for pk, row in rows.items():
            row.slot = slot
            say_flag(row, QualityFlag.OFFLINE, offline.get(pk, listed[pk]), slot)
            _note_stream(row, by_camera[pk].result)
        pictures = {pk: picture for pk in rows if (picture := by_camera[pk].picture) is not None}
        if settings.QUALITY_DIAGNOSIS:
            _look(pictures, rows, muted_until, engine)
        # Of the many that are offline there is nothing to write, slot after slot.
        kept = [row for pk, row in rows.items() if pk in pictures or _facts(row) != before[pk]]
        return keep_rows(kept, {pk: flags for pk, (flags, *_) in before.items()})


def _is_news(row: CameraDiagnosis, slot: int) -> bool:
    return row.slot < slot or not is_credible(row.slot, timezone.now())


def _facts(row: CameraDiagnosis) -> tuple[str, int, datetime | None]:
    return row.flags, row.failures, row.view_since


def note_moves(rows: Mapping[int, CameraDiagnosis], engine: Engine) -> dict[int, datetime]:
    """Begin anew where somebody has turned the camera. By camera id, until when its pictures are not judged.

    Control counts, not each order: a lease is one row a camera, renewed by every order that came through.
    """
    quiet = timedelta(minutes=settings.QUALITY_MUTE_MINUTES)
    held = dict(PtzLease.objects.filter(camera__in=list(rows)).values_list("camera_id", "held_until"))
    for pk, held_until in held.items():
        row = rows[pk]
        if row.view_since is None or row.view_since < held_until:
            row.view_since = held_until
            row.trace = engine.forget_view(Trace.from_bytes(bytes(row.trace))).to_bytes()
    return {pk: held_until + quiet for pk, held_until in held.items()}


def _note_stream(row: CameraDiagnosis, result: SnapshotResult) -> None:
    most: int = settings.QUALITY_LOST_CAPTURES
    if result in _BLIND:
        row.failures = min(row.failures + 1, most)
        if row.failures == most:
            say_flag(row, QualityFlag.SIGNAL_LOST, "1", row.slot)
    elif result == SnapshotResult.TAKEN and row.failures:
        row.failures = min(row.failures, most) - 1
        if row.failures == 0:
            say_flag(row, QualityFlag.SIGNAL_LOST, "0", row.slot)


def _look(
    pictures: Mapping[int, Picture],
    rows: Mapping[int, CameraDiagnosis],
    muted_until: Mapping[int, datetime],
    engine: Engine,
) -> None:
    views = views_of({pk: picture.taken_at for pk, picture in pictures.items()}, rows)
    sights = [
        Sight(
            luma=picture.planes.y,
            at=picture.taken_at,
            memory=views[pk],
            trace=Trace.from_bytes(bytes(rows[pk].trace)),
            sensitivity=rows[pk].sensitivity,
            is_moving=pk in muted_until and picture.taken_at < muted_until[pk],
        )
        for pk, picture in pictures.items()
    ]
    learned = []
    for (pk, picture), look in zip(pictures.items(), engine.look(sights), strict=True):
        take_look(rows[pk], look, rows[pk].slot)
        if look.has_learned:
            learned.append(
                CameraView(
                    camera_id=pk,
                    band=band_of(picture.taken_at),
                    memory=look.memory.to_bytes(),
                    view_since=rows[pk].view_since,
                    learned_at=picture.taken_at,
                )
            )
    keep_views(learned)


def views_of(moments: Mapping[int, datetime], rows: Mapping[int, CameraDiagnosis]) -> dict[int, Memory]:
    """What is usual for each camera at its moment; an empty memory of one that looks elsewhere since."""
    bands = {pk: band_of(at) for pk, at in moments.items()}
    found = CameraView.objects.filter(camera__in=list(bands), band__in=set(bands.values()))
    known = {
        view.camera_id: bytes(view.memory)
        for view in found
        if view.band == bands[view.camera_id] and view.view_since == rows[view.camera_id].view_since
    }
    return {pk: Memory.from_bytes(known.get(pk, b"")) for pk in bands}
