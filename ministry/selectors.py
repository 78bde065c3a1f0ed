"""What an upper platform does not hold yet: everywhere our state differs from what it acknowledged."""

from datetime import datetime

from django.db.models import F, FilteredRelation, Q, QuerySet
from django.utils import timezone

from cameras.models import Camera
from ministry.models import CameraDelivery, UpperPlatform


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
    may_try = Q(status_retry_at=None) | Q(status_retry_at__lte=timezone.now())
    return (
        CameraDelivery.objects.filter(
            stale,
            may_try,
            platform=platform,
            version__gt=0,
            is_in_doubt=False,
            camera__deleted_at=None,
            camera__is_pending=False,
        )
        .select_related("camera")
        .order_by("department", "pk")
    )


def backlog(platform: UpperPlatform) -> int:
    """How many reports are waiting."""
    return (
        unregistered_cameras(platform).count()
        + undeleted_deliveries(platform).count()
        + unreported_statuses(platform).count()
    )
