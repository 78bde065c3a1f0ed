"""Analysis results that an upper platform has not acknowledged, and what became of the others."""

from collections.abc import Iterable
from typing import TypedDict

from django.db.models import CharField, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django_stubs_ext import WithAnnotations

from analysis.models import AnalysisResult
from ministry.models import AnalysisDelivery, CameraDelivery, UpperPlatform


class _Department(TypedDict):
    department: str


def owed_analyses(platform: UpperPlatform) -> QuerySet[AnalysisDelivery]:
    return AnalysisDelivery.objects.filter(platform=platform, reported_at=None)


def sendable_analyses(
    platform: UpperPlatform,
) -> "QuerySet[WithAnnotations[AnalysisDelivery, _Department]]":
    """Those that may go now, the oldest first; each with the `department` it goes under.

    A camera's results wait until its registration is acknowledged and no modification is in doubt.
    """
    now = timezone.now()
    held = CameraDelivery.objects.filter(
        platform=platform,
        camera=OuterRef("camera"),
        version__gt=0,
        is_in_doubt=False,
        camera__deleted_at=None,
        camera__is_pending=False,
    )
    return (
        owed_analyses(platform)
        .filter(Q(retry_at=None) | Q(retry_at__lte=now), Q(claimed_until=None) | Q(claimed_until__lte=now))
        .annotate(department=Subquery(held.values("department")[:1], output_field=CharField()))
        .exclude(department=None)
        .order_by("strikes", "received_at", "id")
    )


def deliveries_of(results: Iterable[AnalysisResult]) -> dict[int, list[AnalysisDelivery]]:
    """By id of the result: what each upper platform was told of it, and when."""
    rows = AnalysisDelivery.objects.filter(result__in=[result.pk for result in results])
    found: dict[int, list[AnalysisDelivery]] = {}
    for row in rows.select_related("platform").order_by("platform__name"):
        found.setdefault(row.result_id, []).append(row)
    return found
