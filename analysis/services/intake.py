"""Taking in and keeping analysis results (document 1.4)."""

from collections.abc import Sequence
from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from access.days import DailyTable, day_of
from access.models import Partner
from analysis.models import AnalysisResult
from analysis.schema import UnrecognisedError, understand
from analysis.signals import results_kept
from cameras.services.reports import ReportOutcome, find_reported, key_of
from protocol.reports import AnalysisItem

_BATCH = 2000
_LONGEST_FAULT = 200
_RESULTS = DailyTable(AnalysisResult._meta.db_table)


def keep_results(
    *, partner: Partner, items: Sequence[AnalysisItem], department: str | None = None
) -> ReportOutcome:
    """Keep every result of a camera we know; what our schema does not fit is kept as well, with the reason.

    Results are events: two of the same camera are two rows, in the order sent.
    """
    known = find_reported(partner, {key_of(item.camera_num) for item in items}, department)
    now = timezone.now()
    mine = [item for item in items if key_of(item.camera_num) in known]
    rows = [_row(item, known[key_of(item.camera_num)].pk, now) for item in mine]
    if rows:
        _RESULTS.ensure(day_of(now))
        with transaction.atomic():
            AnalysisResult.objects.bulk_create(rows, batch_size=_BATCH)
            cameras = {camera.pk: camera for camera in known.values()}
            results_kept.send(AnalysisResult, results=rows, cameras=cameras)
    unknown = dict.fromkeys(item.camera_num for item in items if key_of(item.camera_num) not in known)
    return ReportOutcome(applied=len(rows), unknown=tuple(unknown))


def _row(item: AnalysisItem, camera_id: int, now: datetime) -> AnalysisResult:
    row = AnalysisResult(camera_id=camera_id, received_at=now, occurred_at=now, data=item.data)
    try:
        found = understand(item.data, now)
    except UnrecognisedError as error:
        row.fault = str(error)[:_LONGEST_FAULT]
    else:
        row.subject, row.occurred_at = found.subject, found.occurred_at
        row.level, row.figure = found.level, found.figure
    return row


def keep_days(*, now: datetime | None = None) -> tuple[list[date], list[date]]:
    """Make the partitions of the next days, drop those beyond ANALYSIS_KEEP_DAYS; both lists."""
    return _RESULTS.keep(settings.ANALYSIS_KEEP_DAYS, now=now)
