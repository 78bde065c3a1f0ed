"""Reads of PTZ: who holds a camera, what was ordered."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet
from django.utils import timezone

from access.choices import ActorKind
from access.selectors import acts_readable, below_paths
from cameras.models import Camera
from ptz.choices import PtzAction, PtzLevel, PtzOutcome
from ptz.models import PtzLease, PtzOrder


@dataclass(frozen=True)
class LeaseView:
    """Control of one camera that has not run out."""

    level: PtzLevel
    holder_kind: ActorKind
    holder_id: int | None
    holder_name: str
    seconds_left: float


def lease_of(camera: Camera) -> LeaseView | None:
    lease = PtzLease.objects.filter(camera=camera).first()
    if lease is None:
        return None
    seconds_left = (lease.held_until - timezone.now()).total_seconds()
    if seconds_left <= 0:
        return None
    return LeaseView(
        PtzLevel(lease.level), ActorKind(lease.holder_kind), lease.holder_id, lease.holder_name, seconds_left
    )


def recent_orders(camera: Camera, limit: int = 20) -> list[PtzOrder]:
    """Newest first."""
    return list(PtzOrder.objects.filter(camera=camera).order_by("-id")[:limit])


def orders_visible_to(user: object) -> QuerySet[PtzOrder]:
    """As of the behaviour log: all, or those that concern the user."""
    return PtzOrder.objects.filter(
        acts_readable(user, lambda paths: below_paths(paths, "camera__organisation__path"))
    )


def moves_between(cameras: QuerySet[Camera], begin: datetime, end: datetime) -> list[tuple[int, str, int]]:
    """Office, road and how many orders were carried out there in this time; the end of a movement is none."""
    orders = PtzOrder.objects.filter(at__gte=begin, at__lt=end, camera__in=cameras.order_by(), outcome=PtzOutcome.DONE)
    moves = orders.exclude(action__in=[PtzAction.STOP, PtzAction.STOP_LENS]).order_by()
    return list(moves.values_list("camera__organisation_id", "camera__road").annotate(Count("pk")))
