"""What an upper platform acknowledged and holds no doubt about: only there can its copy be wrong.

`before` is when the reading of its copy began. What was told since, or is being told, is on its way and no
difference.
"""

from datetime import datetime

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from cameras.models import Camera
from ministry.models import CameraDelivery, UpperPlatform
from ministry.selectors.scope import in_scope


def live_cameras(platform: UpperPlatform) -> QuerySet[Camera]:
    """What it ought to hold."""
    return Camera.objects.filter(in_scope(platform))


def gone_cameras(platform: UpperPlatform) -> QuerySet[Camera]:
    """What it ought not to hold, though we know of it."""
    return Camera.objects.exclude(in_scope(platform))


def registrations_in_step(platform: UpperPlatform, before: datetime) -> QuerySet[CameraDelivery]:
    return CameraDelivery.objects.filter(
        Q(claimed_until=None) | Q(claimed_until__lte=timezone.now()),
        Q(registered_at=None) | Q(registered_at__lt=before),
        in_scope(platform, "camera"),
        platform=platform,
        version__gt=0,
        version=F("camera__version"),
        is_in_doubt=False,
        # Its version rises only when the minute is over (protocol.md section 3, classify 8).
        camera__is_moved=False,
    )


def statuses_in_step(platform: UpperPlatform, before: datetime) -> QuerySet[CameraDelivery]:
    return registrations_in_step(platform, before).filter(status=F("camera__status"), status_at__lt=before)


def on_the_way(platform: UpperPlatform) -> QuerySet[CameraDelivery]:
    """Deliveries of which something is held there, may be held, or is in a request."""
    return CameraDelivery.objects.filter(
        Q(version__gt=0) | Q(is_in_doubt=True) | Q(claimed_until__gt=timezone.now()), platform=platform
    )
