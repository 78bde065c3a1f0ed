"""Analysis results that an upper platform has not acknowledged, and what became of the others."""

from collections.abc import Iterable
from typing import TypedDict

from django.db.models import F, FilteredRelation, Q, QuerySet
from django.utils import timezone
from django_stubs_ext import WithAnnotations

from analysis.models import AnalysisResult
from ministry.models import AnalysisDelivery, UpperPlatform
from ministry.selectors.scope import in_scope


class _Department(TypedDict):
    department: str


def owed_analyses(platform: UpperPlatform) -> QuerySet[AnalysisDelivery]:
    """Of cameras that are gone, or out of the platform's scope, nothing can be told any more."""
    return AnalysisDelivery.objects.filter(
        in_scope(platform, "camera"), platform=platform, reported_at=None
    )


def sendable_analyses(
    platform: UpperPlatform,
) -> "QuerySet[WithAnnotations[AnalysisDelivery, _Department]]":
    """Those that may go now, the oldest first; each with the `department` it goes under.

    A camera's results wait until its registration is acknowledged and no modification is in doubt.
    """
    now = timezone.now()
    held = FilteredRelation("camera__deliveries", condition=Q(camera__deliveries__platform=platform))
    return (
        owed_analyses(platform)
        .annotate(held=held)
        .filter(Q(retry_at=None) | Q(retry_at__lte=now), Q(claimed_until=None) | Q(claimed_until__lte=now))
        .filter(held__version__gt=0, held__is_in_doubt=False)
        .annotate(department=F("held__department"))
        .order_by("received_at", "id")
    )


def deliveries_of(results: Iterable[AnalysisResult]) -> dict[int, list[AnalysisDelivery]]:
    """By id of the result: what each upper platform was told of it, and when."""
    rows = AnalysisDelivery.objects.filter(result__in=[result.pk for result in results])
    found: dict[int, list[AnalysisDelivery]] = {}
    for row in rows.select_related("platform").order_by("platform__name"):
        found.setdefault(row.result_id, []).append(row)
    return found
