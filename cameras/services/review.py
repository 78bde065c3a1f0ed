"""Review of what gateways submitted: into service, or back with a reason."""

from collections.abc import Iterable, Sequence

from django.db import transaction
from django.utils import timezone

from access.actors import Actor
from cameras.choices import ChangeAct, ChangeSource
from cameras.models import Camera
from cameras.services.history import Change, keep_changes
from cameras.services.ledger import locked_cameras, record_camera
from protocol.errors import MalformedError

LONGEST_REASON = 200


def approve_cameras(
    cameras: Iterable[Camera], *, actor: Actor, source: ChangeSource = ChangeSource.ADMIN
) -> int:
    """Staff let reviewed cameras into service; how many had been waiting."""
    with transaction.atomic():
        now = timezone.now()
        waiting = _waiting(cameras)
        Camera.objects.filter(pk__in=[camera.pk for camera in waiting]).update(
            is_pending=False, rejected_at=None, rejection="", updated_at=now
        )
        keep_changes(
            [Change(camera.pk, ChangeAct.APPROVED) for camera in waiting], actor=actor, source=source, now=now
        )
        for camera in waiting:
            record_camera(actor, "通过审核", camera)
    return len(waiting)


def reject_cameras(cameras: Iterable[Camera], *, reason: str, actor: Actor) -> int:
    """Staff send cameras back; how many. Their gateway hears the reason when it reports them again.

    They stay pending, out of service and unknown to every platform, until they come with something changed.
    """
    reason = "".join(char if char.isprintable() else " " for char in reason).strip()
    if not 1 <= len(reason) <= LONGEST_REASON:
        raise MalformedError(f"请写明退回原因，最多 {LONGEST_REASON} 个字符")
    with transaction.atomic():
        now = timezone.now()
        waiting = _waiting(cameras)
        Camera.objects.filter(pk__in=[camera.pk for camera in waiting]).update(
            rejected_at=now, rejection=reason, updated_at=now
        )
        changes = [Change(camera.pk, ChangeAct.REJECTED) for camera in waiting]
        keep_changes(changes, actor=actor, source=ChangeSource.REVIEW, now=now, reason=reason)
        for camera in waiting:
            record_camera(actor, "退回摄像机", camera)
    return len(waiting)


def _waiting(cameras: Iterable[Camera]) -> Sequence[Camera]:
    """Locked: what was read may have been decided meanwhile."""
    return locked_cameras(pk__in=[camera.pk for camera in cameras], is_pending=True, deleted_at=None)
