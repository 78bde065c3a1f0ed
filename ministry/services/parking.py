"""What staff can hurry: things that were parked, and waits of the breakers."""

from django.db import transaction
from django.utils import timezone

from access.actors import Actor
from access.services.logs import record
from ministry.choices import Interface
from ministry.models import AnalysisDelivery, DeliveryTrouble, InterfaceState, UpperPlatform
from ministry.selectors import CAMERA_INTERFACES


def retry_parked(*, platform: UpperPlatform, actor: Actor, interface: Interface | None = None) -> int:
    """Let parked things of one interface, or of all, be tried at once and as often as new ones; how many.

    Their strikes stay: they still travel in small batches, so that they hold up no others.
    """
    with transaction.atomic():
        count = 0
        for one in CAMERA_INTERFACES if interface is None else {interface} & set(CAMERA_INTERFACES):
            rows = DeliveryTrouble.objects.filter(delivery__platform=platform, interface=one)
            count += rows.exclude(parked_at=None).update(
                parked_at=None, retry_at=timezone.now(), refusals=0, attempts=0
            )
        if interface in (None, Interface.ANALYSE):
            events = AnalysisDelivery.objects.filter(platform=platform, reported_at=None)
            count += events.exclude(parked_at=None).update(parked_at=None, retry_at=None, attempts=0)
        if count:
            about = {"接口": interface.label} if interface else {}
            _log(actor, "重试搁置的上报", platform, {**about, "项数": count})
    return count


def retry_now(*, platform: UpperPlatform, actor: Actor) -> None:
    """End the waits of the platform and of its interfaces: the next run tries, with one request where it failed."""
    with transaction.atomic():
        UpperPlatform.objects.filter(pk=platform.pk).update(retry_at=None)
        InterfaceState.objects.filter(platform=platform).update(retry_at=None)
        _log(actor, "立即重试上报", platform, {})


def _log(actor: Actor, verb: str, platform: UpperPlatform, detail: dict[str, object]) -> None:
    record(
        actor,
        verb,
        object_kind="upper_platform",
        object_id=platform.pk,
        object_name=platform.name,
        detail=detail,
    )
