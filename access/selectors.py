"""Reads of access: who may do what, on which part of the organisation tree."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.db.models import Max, Q, QuerySet

from access.choices import ROLE_ACTIONS, Action
from access.models import Alarm, Organisation, Partner, PartnerToken, StaffRole, User
from access.statements import fetch_one
from protocol.tokens import token_digest


def root_organisation() -> Organisation | None:
    return Organisation.objects.filter(parent=None).order_by("pk").first()


def paths_allowed(user: User, action: Action) -> list[str]:
    """Path prefixes of the subtrees in which `user` may do `action`; [""] is everything."""
    if not user.is_active:
        return []
    if user.is_superuser:
        return [""]
    roles = [role for role, actions in ROLE_ACTIONS.items() if action in actions]
    rows = StaffRole.objects.filter(user=user, role__in=roles).values_list("organisation__path", flat=True)
    return sorted(set(rows))


def actions_allowed(user: User) -> frozenset[str]:
    """Everything that `user` may do somewhere."""
    if not user.is_active:
        return frozenset()
    if user.is_superuser:
        return frozenset(Action.values)
    roles = StaffRole.objects.filter(user=user).values_list("role", flat=True)
    return frozenset[str]().union(*(ROLE_ACTIONS[role] for role in roles))


def below_paths(paths: Iterable[str], field: str = "path") -> Q:
    """Condition: `field` lies in one of the subtrees; no path means nothing."""
    condition = Q(pk__in=[])
    for path in paths:
        if path == "":
            return Q()
        condition |= Q(**{f"{field}__startswith": path})
    return condition


def organisations_visible_to(user: User, action: Action = Action.WATCH) -> QuerySet[Organisation]:
    return Organisation.objects.filter(below_paths(paths_allowed(user, action)))


def is_allowed(user: User, action: Action, organisation: Organisation) -> bool:
    return any(organisation.path.startswith(path) for path in paths_allowed(user, action))


def concerned(user: User, shared: Q) -> Q:
    """Condition on what has an `organisation`, None being the platform itself: it lies in the subtrees that the user
    watches, or holds for all below an organisation above them (`shared`). What is the platform's own, and not
    shared, is for those who watch the whole province.
    """
    paths = paths_allowed(user, Action.WATCH)
    if not paths:
        return Q(pk__in=[])
    if _are_everything(paths):
        return Q()
    above = {int(part) for path in paths for part in path.strip("/").split("/")}
    return below_paths(paths, "organisation__path") | (shared & (Q(organisation=None) | Q(organisation__in=above)))


def _are_everything(paths: list[str]) -> bool:
    """The path of the root names itself alone: `/1/`."""
    return any(path.count("/") <= len("//") for path in paths)


def alarms_visible_to(user: User) -> QuerySet[Alarm]:
    return Alarm.objects.filter(concerned(user, Q(is_shared=True)))


def may_handle(user: User, alarm: Alarm, paths: list[str] | None = None) -> bool:
    """Whether the user acknowledges it: what is above their own part they only read.

    `paths` are those of Action.ALARM, where they are known already.
    """
    paths = paths_allowed(user, Action.ALARM) if paths is None else paths
    if alarm.organisation is None:
        return _are_everything(paths)
    return any(alarm.organisation.path.startswith(path) for path in paths)


def may_audit(user: object) -> bool:
    """Who reads the logs of the whole province: superusers, and auditors of its root."""
    if not isinstance(user, User):
        return False
    paths = paths_allowed(user, Action.AUDIT)
    root = root_organisation()
    return "" in paths or (root is not None and root.path in paths)


def organisations_named(name: str, within: Organisation) -> list[Organisation]:
    """Nodes called `name` in the subtree: companies first; several places means all of them (protocol.md 3)."""
    rows = list(Organisation.objects.filter(name=name, path__startswith=within.path).order_by("kind", "path"))
    if not rows:
        return []
    return [row for row in rows if row.kind == rows[0].kind]


def find_token(token: str) -> PartnerToken | None:
    """The generation of some partner's ring that `token` is."""
    # Prepared, so that guessing costs us next to nothing (threats.md 12).
    row = fetch_one(b"SELECT id FROM access_partnertoken WHERE digest = %s", [token_digest(token)])
    if row is None:
        return None
    return PartnerToken.objects.select_related("partner__organisation").filter(pk=row[0]).first()


def newest_token(partner: Partner) -> PartnerToken | None:
    return partner.tokens.filter(revoked_at=None).order_by("-generation").first()


class TokenStanding(NamedTuple):
    """Of one partner's ring: how long its newest token holds, and when the partner last took up one."""

    expires_at: datetime
    used_at: datetime | None


def token_standings(partner_ids: Iterable[int]) -> dict[int, TokenStanding]:
    """By partner; one whose tokens are all revoked is missing."""
    held = PartnerToken.objects.filter(partner__in=list(partner_ids), revoked_at=None)
    rows = held.order_by().values_list("partner").annotate(Max("expires_at"), Max("first_used_at"))
    return {partner_id: TokenStanding(*standing) for partner_id, *standing in rows}
