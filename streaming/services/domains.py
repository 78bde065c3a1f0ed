"""Play domains of the platform."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from access.actors import Actor
from access.services.logs import record
from protocol.errors import MalformedError
from streaming.models import PlayDomain


def add_play_domain(*, name: str, actor: Actor, **fields: Any) -> PlayDomain:
    """Create a play domain, or bring the one of that name up to date; MalformedError in words."""
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
    with transaction.atomic():
        domain.save()
        record(
            actor,
            "修改播放域名" if former else "新增播放域名",
            object_kind="play_domain",
            object_id=domain.pk,
            object_name=domain.name,
            detail={"修改": _changes(former, domain)} if former else {},
        )
    return domain


def _changes(former: PlayDomain, domain: PlayDomain) -> list[str]:
    return [
        str(field.verbose_name)
        for field in PlayDomain._meta.concrete_fields
        if field.name != "changed_at" and getattr(former, field.attname) != getattr(domain, field.attname)
    ]
