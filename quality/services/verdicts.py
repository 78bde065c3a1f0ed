"""Verdicts on image quality, flag by flag: the newest of all sources holds (protocol.md section 3).

A verdict is as old as its last change: a gateway that repeats "not blurred" every hour does not overrule a
diagnosis that has found the camera blurred since. A staff rejection is a verdict of its own and so holds until
the next change.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from access.actors import Actor
from access.models import Partner
from access.services.logs import record
from cameras.models import Camera
from cameras.services.reports import ReportOutcome, find_reported, key_of
from protocol.errors import MalformedError
from protocol.reports import QUALITY_FLAGS, QualityItem
from quality.choices import NOTHING_SAID, UNSAID, QualityFlag, QualitySource
from quality.models import (
    CameraDiagnosis,
    CameraQuality,
    CameraView,
    QualityChange,
    QualityFeedback,
    QualityVerdict,
)
from quality.services.bulk import write_changes, write_empty_states, write_states, write_verdicts
from snapshots.slots import is_credible

# Of two verdicts of the same moment the more careful one holds.
_RANK = {QualitySource.GATEWAY.value: 0, QualitySource.DIAGNOSIS.value: 1, QualitySource.STAFF.value: 2}


@dataclass(frozen=True)
class Verdict:
    """What is said of one camera: nine of `0`, `1` and `-` (nothing said); `received` is a gateway's own text."""

    flags: str
    received: str = ""


def report_quality(
    *, partner: Partner, items: Sequence[QualityItem], department: str | None = None
) -> ReportOutcome:
    """Take in ReportCameraQuality (document 1.3). The same camera twice: the later wins."""
    latest = {key_of(item.camera_num): item for item in items}
    known = find_reported(partner, latest, department)
    verdicts = {camera.pk: Verdict(latest[key].flags, latest[key].received) for key, camera in known.items()}
    record_quality(verdicts=verdicts, source=QualitySource.GATEWAY)
    return ReportOutcome(
        applied=len(known), unknown=tuple(item.camera_num for key, item in latest.items() if key not in known)
    )


def reject_flag(*, camera: Camera, flag: QualityFlag, actor: Actor) -> None:
    """Staff say that `flag` is a false alarm; holds until a source changes its mind about this flag."""
    with transaction.atomic():
        row = CameraQuality.objects.select_for_update().filter(camera=camera).first()
        if row is None or flag not in row.abnormal:
            raise MalformedError(f"该摄像机当前没有“{flag.label}”")
        flags = NOTHING_SAID[:flag] + "0" + NOTHING_SAID[flag + 1 :]
        record_quality(verdicts={camera.pk: Verdict(flags)}, source=QualitySource.STAFF)
        record(
            actor,
            "排除质量告警",
            object_kind="camera",
            object_id=camera.pk,
            object_name=camera.name,
            reason=str(flag.label),
        )


def record_quality(
    *, verdicts: Mapping[int, Verdict], source: QualitySource, at: datetime | None = None
) -> int:
    """Take in what `source` says of cameras (by id) at `at`, by default now; of how many something changed.

    A word older than what the same source said before is not news and changes nothing.
    """
    now = timezone.now()
    at = at or now
    with transaction.atomic():
        _lock(sorted(verdicts))
        said = {row.camera_id: row for row in _verdicts(verdicts).filter(source=source)}
        news = {
            camera_id: verdict
            for camera_id, verdict in verdicts.items()
            if _is_news(said.get(camera_id), verdict, source, at)
        }
        repeated = [
            row.pk
            for camera_id, row in said.items()
            if camera_id not in news and (row.heard_at < at or not is_credible(row.heard_at.timestamp(), now))
        ]
        QualityVerdict.objects.filter(pk__in=repeated).update(heard_at=at)
        return _settle(news, said, source, at) if news else 0


def forget_deleted() -> int:
    """Drop what is known of deleted cameras: a number that comes back is another camera; how many."""
    gone = {"camera__deleted_at__isnull": False}
    for model in (QualityVerdict, CameraView, CameraDiagnosis, QualityFeedback):
        model._default_manager.filter(**gone).delete()
    count, _ = CameraQuality.objects.filter(**gone).delete()
    return count


def _verdicts(cameras: Iterable[int]) -> QuerySet[QualityVerdict]:
    return QualityVerdict.objects.filter(camera__in=list(cameras))


def _lock(camera_ids: list[int]) -> None:
    """Whoever changes a camera's quality holds its row, always taken in the order of the ids."""
    missing = set(camera_ids) - set(_locked(camera_ids))
    if not missing:
        return
    write_empty_states(sorted(missing))
    _locked(sorted(missing))


def _locked(camera_ids: list[int]) -> list[int]:
    rows = CameraQuality.objects.select_for_update().filter(camera__in=camera_ids).order_by("camera_id")
    return list(rows.values_list("camera_id", flat=True))


def _is_news(said: QualityVerdict | None, verdict: Verdict, source: QualitySource, at: datetime) -> bool:
    if said is None:
        return True
    if at < said.heard_at and is_credible(said.heard_at.timestamp(), timezone.now()):
        return False
    # Rejecting once more is said of the flag as it is now.
    if source == QualitySource.STAFF or verdict.received != said.received:
        return True
    return any(new not in (UNSAID, old) for new, old in zip(verdict.flags, said.flags, strict=True))


def _settle(
    news: Mapping[int, Verdict], said: dict[int, QualityVerdict], source: QualitySource, at: datetime
) -> int:
    """Write what was said and what holds now; of how many cameras something changed."""
    spoken = [
        _speak(said.get(camera_id), camera_id, news[camera_id], source, at) for camera_id in sorted(news)
    ]
    write_verdicts(spoken, source=source, at=at)
    heard: dict[int, list[QualityVerdict]] = {row.camera_id: [row] for row in spoken}
    for other in _verdicts(news).exclude(source=source):
        heard[other.camera_id].append(other)
    holding = list(CameraQuality.objects.filter(camera__in=list(news)).order_by("camera_id"))
    history = []
    for state in holding:
        before = state.flags
        _judge(state, heard[state.camera_id], at)
        if state.flags != before:
            state.changed_at = at
            history.append(
                QualityChange(
                    camera_id=state.camera_id, at=at, before=before, after=state.flags, source=source
                )
            )
    write_states(holding)
    if history:
        write_changes(history, source=source, at=at)
    return len(history)


def _speak(
    row: QualityVerdict | None, camera_id: int, verdict: Verdict, source: QualitySource, at: datetime
) -> QualityVerdict:
    if row is None:
        row = QualityVerdict(camera_id=camera_id, source=source, flags=NOTHING_SAID)
    flags = list(row.flags)
    for flag, new in enumerate(verdict.flags):
        if new != UNSAID and (new != flags[flag] or source == QualitySource.STAFF):
            flags[flag], row.since[flag] = new, at.timestamp()
    row.flags = "".join(flags)
    row.received, row.heard_at = verdict.received, at
    return row


def _judge(row: CameraQuality, heard: Sequence[QualityVerdict], at: datetime) -> None:
    """Let the newest verdict on each flag hold."""
    flags, sources = list(row.flags), list(row.sources)
    for flag in range(QUALITY_FLAGS):
        newest: tuple[float, int, QualityVerdict] | None = None
        for verdict in heard:
            since = verdict.since[flag]
            if since is not None and not is_credible(since, timezone.now()):
                # Said while the clock was wrong: whoever has spoken since knows better.
                since = 0.0
            if since is not None and (newest is None or (since, _RANK[verdict.source]) > newest[:2]):
                newest = (since, _RANK[verdict.source], verdict)
        if newest is None:
            continue
        verdict = newest[2]
        sources[flag] = verdict.source
        if row.since[flag] is None or flags[flag] != verdict.flags[flag]:
            flags[flag], row.since[flag] = verdict.flags[flag], at.timestamp()
    row.flags, row.sources = "".join(flags), "".join(sources)
