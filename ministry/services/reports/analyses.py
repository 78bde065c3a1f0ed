"""Analysis results go upward as events, the oldest first; each is told once to each platform (document 1.4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from access.days import DailyTable, day_of
from analysis.models import AnalysisResult
from cameras.models import Camera
from ministry.choices import Interface
from ministry.models import AnalysisDelivery, CameraDelivery, UpperPlatform
from ministry.selectors.scope import in_scope
from ministry.services.claims import Claim, release
from ministry.services.reports.base import Batch, Report, Verdicts
from ministry.services.troubles import AnalysisTroubles
from protocol.envelope import Answer
from protocol.reports import ANALYSE_SPELLINGS

_BATCH: Final = 2000
_DELIVERIES: Final = DailyTable(AnalysisDelivery._meta.db_table)


class Analyses(Report):
    interface = Interface.ANALYSE
    model = AnalysisDelivery

    def __init__(self) -> None:
        self.troubles = AnalysisTroubles()

    def verbs(self, platform: UpperPlatform) -> Sequence[str]:
        """protocol.md section 3: on 404 the other spelling once; the one that answers 200 stays."""
        first = platform.analyse_verb
        return (first, *(spelling for spelling in ANALYSE_SPELLINGS if spelling != first))

    def prefer(self, platform: UpperPlatform, verb: str) -> None:
        platform.analyse_verb = verb
        platform.save(update_fields=["analyse_verb"])

    def load(self, platform: UpperPlatform, held: Claim, department: str) -> Batch | None:
        owed = AnalysisDelivery.objects.filter(pk__any_of=list(held.keys), reported_at=None)
        places = _places(platform, owed)
        rows = [
            _Event(row, places[row.camera_id])
            for row in owed.select_related("camera", "result").order_by("received_at", "id")
            if row.camera_id in places and places[row.camera_id].department == department
        ]
        if not rows:
            return None
        body = [{"cameraNum": one.row.camera.number, "data": one.row.result.data} for one in rows]
        return Batch(held, rows, {one.row.pk: "" for one in rows}, body, department)

    def accept(self, batch: Batch, answer: Answer) -> Verdicts:
        """Only of cameras that nobody moved or deleted meanwhile: those are passed over in silence (document 1.4)."""
        sent: Sequence[_Event] = batch.rows
        owed = AnalysisDelivery.objects.filter(
            pk__any_of=batch.keys,
            # The time finds the partitions.
            received_at__in={one.row.received_at for one in sent},
            claimed_until=batch.claim.until,
        )
        places = _places(sent[0].row.platform, owed)
        done = [one.row.pk for one in sent if places.get(one.row.camera_id) == one.place]
        owed.filter(pk__any_of=done).update(
            reported_at=timezone.now(), last_error="", retry_at=None, parked_at=None, claimed_until=None
        )
        release(batch.claim, batch.keys)
        return Verdicts(done)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a camera stands over there: it changes whenever something of it was acknowledged."""

    department: str
    version: int


@dataclass(frozen=True, slots=True)
class _Event:
    row: AnalysisDelivery
    place: _Place


def _places(platform: UpperPlatform, owed: QuerySet[AnalysisDelivery]) -> dict[int, _Place]:
    """By camera; none where a registration or deletion is under way."""
    rows = CameraDelivery.objects.filter(
        in_scope(platform, "camera"),
        platform=platform,
        camera__in=owed.values("camera"),
        version__gt=0,
        is_in_doubt=False,
    )
    return {
        camera: _Place(department, version)
        for camera, department, version in rows.values_list("camera_id", "department", "version")
    }


def queue_results(
    sender: object, results: Sequence[AnalysisResult], cameras: Mapping[int, Camera], **_: Any
) -> None:
    """Within the transaction that keeps results: note for each platform what it is to be told.

    A platform that is switched off is noted too; it hears of what happened when it is switched on again.
    """
    platforms = list(UpperPlatform.objects.select_related("organisation"))
    if not platforms:
        return
    _DELIVERIES.ensure(day_of(results[0].received_at))
    rows = [
        AnalysisDelivery(
            platform=platform,
            camera_id=result.camera_id,
            result_id=result.pk,
            received_at=result.received_at,
        )
        for platform in platforms
        for result in results
        if cameras[result.camera_id].organisation.path.startswith(platform.organisation.path)
    ]
    AnalysisDelivery.objects.bulk_create(rows, batch_size=_BATCH)


def keep_days(*, now: datetime | None = None) -> tuple[list[date], list[date]]:
    """Partitions as long as those of the results themselves; what was made, what was dropped."""
    return _DELIVERIES.keep(settings.ANALYSIS_KEEP_DAYS, now=now)
