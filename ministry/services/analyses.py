"""Analysis results go upward as events, the oldest first; each is told once to each platform (document 1.4)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.utils import timezone

from access.days import DailyTable, day_of
from analysis.models import AnalysisResult
from cameras.models import Camera
from ministry import selectors
from ministry.models import AnalysisDelivery, UpperPlatform
from ministry.services.channel import Channel, RefusedError
from protocol.codes import Code
from protocol.errors import RemoteError

# The document's heading, and what its address line prints.
SPELLINGS = ("ReportAnalyse", "ReporlAnalyse")
_BATCH = 2000
_LONGEST_BACKOFF_SECONDS = 3600
_DELIVERIES = DailyTable(AnalysisDelivery._meta.db_table)


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


def report_analyses(channel: Channel) -> bool:
    """One look at what is pending; False when there was nothing, or no time for it."""
    size = settings.MINISTRY_BATCH_SIZE
    departments: dict[str, list[AnalysisDelivery]] = defaultdict(list)
    for row in selectors.unreported_analyses(channel.platform)[: size * 5]:
        departments[row.department].append(row)
    for department, rows in departments.items():
        for begin in range(0, len(rows), size):
            if not channel.may_go_on():
                return False
            channel.deliver(rows[begin : begin + size], partial(_send, channel, department), _put_off)
    return bool(departments)


def _send(channel: Channel, department: str, rows: Sequence[AnalysisDelivery]) -> None:
    wire = [{"cameraNum": row.camera.number, "data": row.result.data} for row in rows]
    try:
        _call_either_spelling(channel, wire, department)
    except _NoSuchError as refusal:
        for row in rows:
            _put_off(row, str(refusal))
        return
    _rows(rows).update(reported_at=timezone.now(), last_error="", retry_at=None)


class _NoSuchError(Exception):
    """404 under both spellings: no such verb, or it holds none of these cameras."""


def _call_either_spelling(channel: Channel, wire: object, department: str) -> None:
    """protocol.md section 3: on HTTP 404 or code 404 the other spelling once; the one that answers 200 stays."""
    platform = channel.platform
    first = platform.analyse_verb
    for verb in (first, *(spelling for spelling in SPELLINGS if spelling != first)):
        try:
            channel.call(verb, wire, department)
        except RefusedError as refusal:
            if refusal.is_malformed:
                raise
            why = refusal.error.message
        except RemoteError as error:
            if error.http_status != Code.NOT_FOUND:
                raise
            # An HTML page, most often; it was answered all the same.
            channel.answered += error.remote_code is None
            why = error.message
        else:
            if verb != first:
                platform.analyse_verb = verb
                platform.save(update_fields=["analyse_verb"])
            return
    raise _NoSuchError(why)


def _rows(rows: Sequence[AnalysisDelivery]) -> Any:
    days = {row.received_at for row in rows}
    # The time finds the partitions.
    return AnalysisDelivery.objects.filter(pk__in=[row.pk for row in rows], received_at__in=days)


def _put_off(row: AnalysisDelivery, why: str) -> None:
    wait = min(10 * 2 ** min(row.attempts + 1, 9), _LONGEST_BACKOFF_SECONDS)
    _rows([row]).update(
        attempts=row.attempts + 1,
        retry_at=timezone.now() + timedelta(seconds=wait),
        last_error=why[:200],
    )


def keep_days(*, now: datetime | None = None) -> tuple[list[date], list[date]]:
    """Partitions as long as those of the results themselves; what was made, what was dropped."""
    return _DELIVERIES.keep(settings.ANALYSIS_KEEP_DAYS, now=now)
