"""What an upper platform was told of the cameras' status, beside what we report now."""

from collections.abc import Hashable
from dataclasses import dataclass

from django.db.models import Count, F, FilteredRelation, Q, QuerySet

from access.choices import Action
from access.models import User
from access.selectors import paths_allowed
from cameras.choices import OnlineStatus
from cameras.models import Camera
from ministry.models import UpperPlatform
from ministry.selectors.scope import in_scope


@dataclass(frozen=True, slots=True)
class Reported:
    """Cameras online as we report them, as the platform has acknowledged them, and how many differ one by one."""

    ours: int = 0
    theirs: int = 0
    differing: int = 0

    def __add__(self, other: "Reported") -> "Reported":
        return Reported(self.ours + other.ours, self.theirs + other.theirs, self.differing + other.differing)


def platform_compared(user: User) -> UpperPlatform | None:
    """The first that is to hold cameras which the user watches."""
    watched = paths_allowed(user, Action.WATCH)
    platforms = UpperPlatform.objects.filter(is_active=True).select_related("organisation").order_by("pk")
    for platform in platforms:
        own = platform.organisation.path
        if any(own.startswith(path) or path.startswith(own) for path in watched):
            return platform
    return None


def reported_by(platform: UpperPlatform, cameras: QuerySet[Camera], key: str) -> dict[Hashable, Reported]:
    """Of those `cameras` that `platform` is to hold, by their field `key`."""
    told = FilteredRelation("deliveries", condition=Q(deliveries__platform=platform))
    held = cameras.filter(in_scope(platform)).annotate(told=told).order_by()
    # Nothing is told of a camera that nobody heard of.
    differs = Q(status_at__isnull=False) & (Q(told__status__isnull=True) | ~Q(told__status=F("status")))
    rows = held.values_list(key).annotate(
        ours=Count("pk", filter=Q(status=OnlineStatus.ONLINE)),
        theirs=Count("pk", filter=Q(told__status=OnlineStatus.ONLINE)),
        differing=Count("pk", filter=differs),
    )
    return {value: Reported(*counts) for value, *counts in rows}
