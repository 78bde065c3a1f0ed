"""What the reports without per-item results share (document 1.2 to 1.4): which cameras they mean, what became of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from access.models import Partner
from access.selectors import below_paths
from cameras.models import Camera
from cameras.selectors import departments_named
from cameras.services.ledger import may_touch_camera

# What ownership and an answer need of a camera; a report may name 20,000.
_FEW_FIELDS = ("number", "number_key", "owner", "organisation__path", "gateway__partner")


@dataclass(frozen=True)
class ReportOutcome:
    """What became of a list without per-item results: how many were applied, which numbers are unknown."""

    applied: int
    unknown: tuple[str, ...]


def key_of(camera_num: str) -> str:
    """The number as cameras are compared by."""
    return camera_num.strip().lower()


def lock_reported(partner: Partner, keys: Iterable[str], department: str | None) -> dict[str, Camera]:
    """Cameras by key, whole and locked, of which `partner` may report under `department`."""
    rows = _reported(keys, partner, department).select_for_update(of=("self",))
    return _touchable(partner, rows.select_related("organisation", "gateway"))


def find_reported(partner: Partner, keys: Iterable[str], department: str | None) -> dict[str, Camera]:
    """The same without a lock, and with few of their fields."""
    rows = _reported(keys, partner, department)
    return _touchable(partner, rows.select_related("organisation", "gateway").only(*_FEW_FIELDS))


def _reported(keys: Iterable[str], partner: Partner, department: str | None) -> QuerySet[Camera]:
    scope = Q()
    if department:
        nodes = departments_named(department, partner)
        scope = below_paths([node.path for node in nodes], "organisation__path")
    return Camera.objects.filter(scope, number_key__any_of=list(keys), deleted_at=None).order_by("pk")


def _touchable(partner: Partner, rows: QuerySet[Camera]) -> dict[str, Camera]:
    return {camera.number_key: camera for camera in rows if may_touch_camera(partner, camera)}
