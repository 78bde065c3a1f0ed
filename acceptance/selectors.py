"""Reads of acceptance."""

from django.db.models import Prefetch, QuerySet

from acceptance.models import AcceptanceReport, ShownPicture
from access.choices import Action
from access.models import User
from access.selectors import below_paths, paths_allowed
from cameras.choices import OnlineStatus
from cameras.models import Camera, Gateway


def gateways_kept_by(user: User) -> QuerySet[Gateway]:
    """Gateways that can be asked for streams, of organisations whose ledger the user keeps."""
    paths = paths_allowed(user, Action.LEDGER)
    usable = Gateway.objects.filter(is_active=True).exclude(base_url="")
    return usable.filter(below_paths(paths, "partner__organisation__path")).order_by("code")


def reports_visible_to(user: User) -> QuerySet[AcceptanceReport]:
    """With their pictures, but not what those show."""
    paths = paths_allowed(user, Action.LEDGER)
    pictures = Prefetch("pictures", ShownPicture.objects.defer("jpeg"))
    found = AcceptanceReport.objects.filter(below_paths(paths, "organisation__path"))
    return found.prefetch_related(pictures)


def cameras_to_try(gateway: Gateway, count: int) -> list[Camera]:
    """Those that are online first: one that is not shows only that."""
    live = Camera.objects.filter(gateway=gateway, deleted_at=None, is_pending=False)
    online = live.filter(status=OnlineStatus.ONLINE).select_related("gateway").order_by("pk")
    others = live.exclude(status=OnlineStatus.ONLINE).select_related("gateway").order_by("pk")
    return [*online[:count], *others[:count]][:count]
