"""Department and road section of a camera are the names of its place in the organisation tree."""

from django.db.models import F
from django.utils import timezone

from access.models import Organisation
from cameras.models import Camera


def follow_organisation(
    sender: type[Organisation], instance: Organisation, raw: bool = False, **_: object
) -> None:
    """Receiver of pre_save: cameras below a node that gets another name, kind or parent are reported anew."""
    if raw or instance.pk is None:
        return
    before = Organisation.objects.filter(pk=instance.pk).first()
    # The kind decides which of the names above a camera is its department.
    named = ("name", "kind", "parent_id")
    if before is None or all(getattr(before, field) == getattr(instance, field) for field in named):
        return
    Camera.objects.filter(organisation__path__startswith=before.path, deleted_at=None).update(
        version=F("version") + 1, version_at=timezone.now(), is_moved=False
    )
