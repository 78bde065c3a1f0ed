"""Analysis results go upward as events, the oldest first; each is told once to each platform (document 1.4)."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from django.conf import settings
from django.utils import timezone

from access.days import DailyTable, day_of
from analysis.models import AnalysisResult
from cameras.models import Camera
from ministry.choices import Interface
from ministry.models import AnalysisDelivery, UpperPlatform
from ministry.services.claims import Claim
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
        owed = AnalysisDelivery.objects.filter(pk__in=held.keys, reported_at=None)
        rows = list(owed.select_related("camera", "result").order_by("received_at", "id"))
        if not rows:
            return None
        body = [{"cameraNum": row.camera.number, "data": row.result.data} for row in rows]
        return Batch(held, rows, {row.pk: "" for row in rows}, body, department)

    def accept(self, batch: Batch, answer: Answer) -> Verdicts:
        days = {row.received_at for row in batch.rows}
        # The time finds the partitions.
        rows = AnalysisDelivery.objects.filter(
            pk__in=batch.keys, received_at__in=days, claimed_until=batch.claim.until
        )
        rows.update(
            reported_at=timezone.now(), last_error="", retry_at=None, parked_at=None, claimed_until=None
        )
        return Verdicts(batch.keys)


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
