"""Reads of acceptance."""

from django.db.models import Prefetch, Q, QuerySet

from acceptance.models import AcceptanceReport, ShownPicture
from access.choices import Action
from access.models import User
from access.selectors import below_paths, paths_allowed
from cameras.choices import OnlineStatus
from cameras.models import Camera, Gateway
from cameras.visibility import visible_condition


def gateways_kept_by(user: User) -> QuerySet[Gateway]:
    """Gateways that can be asked for streams, of organisations whose ledger the user keeps."""
    paths = paths_allowed(user, Action.LEDGER)
    usable = Gateway.objects.filter(is_active=True).exclude(base_url="")
    return usable.filter(below_paths(paths, "partner__organisation__path")).order_by("code")


def reports_visible_to(user: User) -> QuerySet[AcceptanceReport]:
    """With their pictures, but not what those show: all for the verdict, and as `shown` those for the user."""
    paths = paths_allowed(user, Action.LEDGER)
    pictures = Prefetch("pictures", ShownPicture.objects.defer("jpeg"))
    shown = Prefetch("pictures", pictures_visible_to(user).defer("jpeg"), to_attr="shown")
    found = AcceptanceReport.objects.filter(below_paths(paths, "organisation__path"))
    return found.prefetch_related(pictures, shown)


def pictures_visible_to(user: User) -> QuerySet[ShownPicture]:
    """Those of cameras that the user keeps; where the camera is not known, the report decides."""
    kept = visible_condition(user, Action.LEDGER, camera="camera", path="camera__organisation__path")
    # Empty for those from whom nothing is hidden, and an empty condition adds nothing to an OR.
    return ShownPicture.objects.filter(Q(camera=None) | kept) if kept else ShownPicture.objects.all()


def lines_visible_to(user: User, report: AcceptanceReport) -> list[dict[str, object]]:
    """What was found, without cameras that are hidden from the user."""
    about = {line["camera_id"] for line in report.findings if "camera_id" in line}
    kept = Camera.objects.filter(visible_condition(user, Action.LEDGER), pk__in=about)
    hidden = about - set(kept.values_list("pk", flat=True))
    return [line for line in report.findings if line.get("camera_id") not in hidden]


def cameras_to_try(gateway: Gateway, count: int) -> list[Camera]:
    """Those that are online first: one that is not shows only that."""
    live = Camera.objects.filter(gateway=gateway, deleted_at=None, is_pending=False)
    online = live.filter(status=OnlineStatus.ONLINE).select_related("gateway").order_by("pk")
    others = live.exclude(status=OnlineStatus.ONLINE).select_related("gateway").order_by("pk")
    return [*online[:count], *others[:count]][:count]
