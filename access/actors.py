"""Who acts: a member of staff, a partner or the platform itself, and from where."""

import ipaddress
from dataclasses import dataclass

from django.http import HttpRequest

from access.choices import ActorKind
from access.models import Partner, User


@dataclass(frozen=True, slots=True)
class Actor:
    kind: ActorKind
    id: int | None
    name: str
    address: str | None = None


SYSTEM = Actor(ActorKind.SYSTEM, None, "系统")


def address_of(request: HttpRequest) -> str | None:
    """The peer's IP address; None over a Unix socket."""
    try:
        return str(ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return None


def actor_of_user(request: HttpRequest) -> Actor:
    user = person_of(request)
    name = user.display_name
    if user != request.user and isinstance(request.user, User):
        name = f"{name}（以 {request.user.display_name} 查看）"
    return Actor(ActorKind.STAFF, user.pk, name, address_of(request))


def person_of(request: HttpRequest) -> User:
    """Who sits there, also while they look at the console as somebody else (console/viewing_as.py)."""
    user = getattr(request, "person", request.user)
    if not isinstance(user, User):
        raise TypeError("a page for staff was reached by somebody who is not signed in")
    return user


def actor_of_partner(partner: Partner, request: HttpRequest) -> Actor:
    return partner_actor(partner, address_of(request))


def partner_actor(partner: Partner, address: str | None) -> Actor:
    return Actor(ActorKind.PARTNER, partner.pk, partner.name or partner.user, address)
