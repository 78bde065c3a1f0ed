"""What an upper platform does not hold yet: everywhere our state differs from what it acknowledged."""

from collections.abc import Iterable
from datetime import datetime
from typing import TypedDict

from django.db.models import CharField, F, FilteredRelation, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django_stubs_ext import WithAnnotations

from analysis.models import AnalysisResult
from cameras.models import Camera
from ministry.models import AnalysisDelivery, CameraDelivery, UpperPlatform


def current_hour(now: datetime | None = None) -> datetime:
    return (now or timezone.now()).replace(minute=0, second=0, microsecond=0)


def _may_try(prefix: str = "") -> Q:
    return Q(**{f"{prefix}next_attempt_at": None}) | Q(**{f"{prefix}next_attempt_at__lte": timezone.now()})


def unregistered_cameras(platform: UpperPlatform) -> QuerySet[Camera]:
    """Cameras the platform does not hold, or holds in an older version."""
    return (
        Camera.objects.filter(
            deleted_at=None, is_pending=False, organisation__path__startswith=platform.organisation.path
        )
        .annotate(delivery=FilteredRelation("deliveries", condition=Q(deliveries__platform=platform)))
        .filter(Q(delivery=None) | Q(delivery__version__lt=F("version")))
        .filter(_may_try("delivery__"))
        .select_related("organisation__parent", "gateway")
        .order_by("pk")
    )


def undeleted_deliveries(platform: UpperPlatform) -> QuerySet[CameraDelivery]:
    """Cameras the platform holds, or may hold, though we deleted them or took them out of its scope."""
    gone = (
        ~Q(camera__deleted_at=None)
        | Q(camera__is_pending=True)
        | ~Q(camera__organisation__path__startswith=platform.organisation.path)
    )
    held = Q(version__gt=0) | Q(is_in_doubt=True)
    return (
        CameraDelivery.objects.filter(gone, held, _may_try(), platform=platform)
        .select_related("camera")
        .order_by("pk")
    )


def unreported_statuses(platform: UpperPlatform) -> QuerySet[CameraDelivery]:
    """Registered cameras whose status differs, or was not yet reported in this clock hour (document 1.2).

    One whose modification is in doubt waits: its department there may be the old or the new one.
    """
    stale = Q(status=None) | ~Q(status=F("camera__status")) | Q(status_at__lt=current_hour())
    return _certain(platform).filter(stale, _may_try_again("status_retry_at")).select_related("camera")


def unreported_qualities(platform: UpperPlatform) -> QuerySet[CameraDelivery]:
    """The same of image quality (document 1.3); of a camera that nobody ever judged nothing is told."""
    stale = Q(quality=None) | ~Q(quality=F("camera__quality__flags")) | Q(quality_at__lt=current_hour())
    return (
        _certain(platform)
        .filter(stale, _may_try_again("quality_retry_at"), camera__quality__isnull=False)
        .select_related("camera__quality")
    )


def _certain(platform: UpperPlatform) -> QuerySet[CameraDelivery]:
    """Cameras whose registration is acknowledged and not in doubt, by the department acknowledged last."""
    return CameraDelivery.objects.filter(
        platform=platform,
        version__gt=0,
        is_in_doubt=False,
        camera__deleted_at=None,
        camera__is_pending=False,
    ).order_by("department", "pk")


def _may_try_again(field: str) -> Q:
    return Q(**{field: None}) | Q(**{f"{field}__lte": timezone.now()})


class _Department(TypedDict):
    department: str


def unreported_analyses(
    platform: UpperPlatform,
) -> "QuerySet[WithAnnotations[AnalysisDelivery, _Department]]":
    """Results not yet acknowledged, the oldest first; each with the `department` it goes under."""
    held = _certain(platform).filter(camera=OuterRef("camera")).order_by()
    return (
        AnalysisDelivery.objects.filter(_may_try_again("retry_at"), platform=platform, reported_at=None)
        .annotate(department=Subquery(held.values("department")[:1], output_field=CharField()))
        .exclude(department=None)
        .select_related("camera", "result")
        .order_by("received_at", "id")
    )


def deliveries_of(results: Iterable[AnalysisResult]) -> dict[int, list[AnalysisDelivery]]:
    """By id of the result: what each upper platform was told of it, and when."""
    rows = AnalysisDelivery.objects.filter(result__in=[result.pk for result in results])
    found: dict[int, list[AnalysisDelivery]] = {}
    for row in rows.select_related("platform").order_by("platform__name"):
        found.setdefault(row.result_id, []).append(row)
    return found


def backlog(platform: UpperPlatform) -> int:
    """How many reports are waiting."""
    return (
        unregistered_cameras(platform).count()
        + undeleted_deliveries(platform).count()
        + unreported_statuses(platform).count()
        + unreported_qualities(platform).count()
        + unreported_analyses(platform).count()
    )
