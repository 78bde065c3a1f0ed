"""Play domains of the platform."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Field
from django.utils import timezone

from access.actors import Actor
from access.services.logs import record
from protocol.errors import MalformedError
from streaming.models import PlayDomain
from streaming.services.commissioning import Finding

# Who is led there proves nothing about the domain itself.
_FIELDS_OF_USE: Final = {"is_active", "is_for_partners", "is_for_staff", "is_backup_signing"}


def add_play_domain(*, name: str, actor: Actor, **fields: Any) -> PlayDomain:
    """Create a play domain, or change these fields of the one of that name; MalformedError in words."""
    domain = PlayDomain.objects.filter(name=name).first() or PlayDomain(name=name)
    for field, value in fields.items():
        setattr(domain, field, value)
    try:
        domain.full_clean()
    except ValidationError as error:
        raise MalformedError("；".join(error.messages)) from error
    return save_play_domain(domain=domain, actor=actor)


def save_play_domain(*, domain: PlayDomain, actor: Actor) -> PlayDomain:
    """Store a play domain that has passed `full_clean`; the very next address goes through it."""
    former = PlayDomain.objects.filter(pk=domain.pk).first()
    changed = _changed(former, domain) if former else []
    if any(field.name not in _FIELDS_OF_USE for field in changed):
        domain.checked_at, domain.findings = None, []
    with transaction.atomic():
        domain.save()
        record(
            actor,
            "修改播放域名" if former else "新增播放域名",
            object_kind="play_domain",
            object_id=domain.pk,
            object_name=domain.name,
            detail={"修改": [str(field.verbose_name) for field in changed]} if former else {},
        )
    return domain


@transaction.atomic
def delete_play_domain(*, domain: PlayDomain, actor: Actor) -> None:
    """Viewers are led to the media servers again from the very next address on."""
    record(actor, "删除播放域名", object_kind="play_domain", object_id=domain.pk, object_name=domain.name)
    domain.delete()


def keep_findings(*, domain: PlayDomain, findings: Iterable[Finding], actor: Actor) -> None:
    """What a commissioning found, to be shown until the domain is changed."""
    kept = [asdict(finding) for finding in findings]
    # Without `changed_at`: the addresses stay as they are.
    PlayDomain.objects.filter(pk=domain.pk).update(checked_at=timezone.now(), findings=kept)
    domain.refresh_from_db(fields=["checked_at", "findings"])
    record(
        actor,
        "验收播放域名",
        object_kind="play_domain",
        object_id=domain.pk,
        object_name=domain.name,
        detail={"不符": domain.faults},
    )


def _changed(former: PlayDomain, domain: PlayDomain) -> list[Field[Any, Any]]:
    return [
        field
        for field in PlayDomain._meta.concrete_fields
        if field.editable and getattr(former, field.attname) != getattr(domain, field.attname)
    ]
