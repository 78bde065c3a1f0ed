"""Reads of access: who may do what, on which part of the organisation tree."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.utils import timezone

from access.choices import DUTIES, DUTY_ACTIONS, ROLE_ACTIONS, SCREEN_ACTIONS, Action, ActorKind, Role
from access.models import Alarm, Organisation, Partner, PartnerToken, StaffRole, User
from access.models.staff import in_force, not_ended
from access.statements import fetch_one
from protocol.tokens import token_digest

# No row at all.
NOTHING = Q(pk__in=[])


def root_organisation() -> Organisation | None:
    return Organisation.objects.filter(parent=None).order_by("pk").first()


class HeldRole(NamedTuple):
    """A role of somebody that counts now, and where."""

    role: Role
    organisation_id: int
    path: str


def roles_held(user: User, now: datetime | None = None) -> list[HeldRole]:
    """Read anew for each request: a role that was taken away or ran out counts for nothing from then on."""
    if not user.is_active:
        return []
    rows = StaffRole.objects.filter(in_force(now or timezone.now()), user=user)
    columns = rows.values_list("role", "organisation_id", "organisation__path")
    return [HeldRole(Role(role), pk, path) for role, pk, path in columns]


def actions_of(role: str) -> frozenset[str]:
    """What a role opens. With separate duties users, grants and logs are left to 三员."""
    actions = ROLE_ACTIONS[role]
    if settings.SEPARATE_DUTIES and role not in DUTIES:
        return actions - DUTY_ACTIONS
    return actions


def is_beyond_screen(user: User, action: Action) -> bool:
    """Whether it is closed to the account because it is one for a big screen."""
    return user.is_screen and action not in SCREEN_ACTIONS


def paths_allowed(user: User, action: Action) -> list[str]:
    """Path prefixes of the subtrees in which `user` may do `action`; [""] is everything."""
    if user.is_active and user.is_superuser:
        return [""]
    return [] if is_beyond_screen(user, action) else paths_of(roles_held(user), action)


def is_province_wide(paths: Iterable[str]) -> bool:
    """Whether the subtrees at these paths are all there is: the path of the root names itself alone (`/1/`)."""
    return any(path.count("/") <= len("//") for path in paths)


def may_province_wide(user: User, action: Action) -> bool:
    return is_province_wide(paths_allowed(user, action))


def paths_of(held: Iterable[HeldRole], action: Action) -> list[str]:
    return sorted({role.path for role in held if action in actions_of(role.role)})


def actions_allowed(user: User) -> frozenset[str]:
    """Everything that `user` may do somewhere."""
    if user.is_active and user.is_superuser:
        return frozenset(Action.values)
    allowed = actions_held(roles_held(user))
    return allowed & SCREEN_ACTIONS if user.is_screen else allowed


def actions_held(held: Iterable[HeldRole]) -> frozenset[str]:
    return frozenset[str]().union(*(actions_of(role.role) for role in held))


def holds_duty(user: User) -> bool:
    """Whether `user` is one of 三员."""
    return StaffRole.objects.filter(user=user, role__in=DUTIES).exists()


def is_set_up() -> bool:
    """Whether each of the three duties has somebody who can sign in for it."""
    held = StaffRole.objects.filter(role__in=DUTIES, user__is_active=True, user__is_superuser=False)
    return len(set(held.values_list("role", flat=True))) == len(DUTIES)


def are_superusers_out() -> bool:
    """Whether superusers are refused, since 三员 are there (threats.md 15)."""
    return settings.SEPARATE_DUTIES and is_set_up()


def acts_readable(user: object, own: Callable[[list[str]], Q]) -> Q:
    """Condition on what was done, by its `actor_kind` and `actor_id`.

    All of it for who audits the province; else what people and partners of the organisations one audits did, and what
    was done to their things (`own`, by the paths of those); for a security administrator what operators did, not 三员.
    """
    if not isinstance(user, User):
        return NOTHING
    if may_audit(user):
        return Q()
    found = NOTHING
    if paths := paths_allowed(user, Action.AUDIT):
        below = below_paths(paths, "organisation__path")
        people = StaffRole.objects.filter(below).values("user_id")
        partners = Partner.objects.filter(below).order_by().values("pk")
        found |= Q(actor_kind=ActorKind.STAFF, actor_id__in=people)
        found |= Q(actor_kind=ActorKind.PARTNER, actor_id__in=partners)
        found |= own(paths)
    if may_province_wide(user, Action.OPERATOR_LOG):
        administrators = StaffRole.objects.filter(role__in=DUTIES).values("user")
        found |= Q(actor_kind=ActorKind.STAFF) & ~Q(actor_id__in=administrators)
    return found


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
        return NOTHING
    if is_province_wide(paths):
        return Q()
    above = {int(part) for path in paths for part in path.strip("/").split("/")}
    return below_paths(paths, "organisation__path") | (shared & (Q(organisation=None) | Q(organisation__in=above)))


def alarms_concerning(user: User) -> QuerySet[Alarm]:
    """By organisation alone; `cameras.visibility.alarms_visible_to` is what may be shown."""
    return Alarm.objects.filter(concerned(user, Q(is_shared=True)))


def may_handle(user: User, alarm: Alarm, paths: list[str] | None = None) -> bool:
    """Whether the user acknowledges it: what is above their own part they only read.

    `paths` are those of Action.ALARM, where they are known already.
    """
    paths = paths_allowed(user, Action.ALARM) if paths is None else paths
    if alarm.organisation is None:
        return is_province_wide(paths)
    return any(alarm.organisation.path.startswith(path) for path in paths)


def users_overseen_by(user: User) -> QuerySet[User]:
    """People whose account belongs to an organisation the user oversees, or who hold a role in one."""
    paths = paths_allowed(user, Action.OVERSEE)
    roles = StaffRole.objects.filter(not_ended(timezone.now()), below_paths(paths, "organisation__path"))
    people = User.objects.select_related("organisation")
    if "" in paths:
        return people
    own = below_paths(paths, "organisation__path") | Q(pk__in=roles.values("user"))
    if is_province_wide(paths):
        # Accounts from before they belonged to an organisation.
        own |= Q(organisation=None)
    return people.filter(own)


def people_managed_by(user: User) -> QuerySet[User]:
    """Staff whose account and sign-in `user` looks after: everybody, or those whose account belongs to the user's own
    organisations and who hold no role beyond them, so that nobody is switched off by somebody below.
    """
    paths = paths_allowed(user, Action.USERS)
    everybody = User.objects.order_by("username")
    if "" in paths:
        return everybody
    if is_province_wide(paths):
        return everybody.filter(is_superuser=False)
    inside = below_paths(paths, "organisation__path")
    roles = StaffRole.objects.filter(not_ended(timezone.now()), user=OuterRef("pk"))
    return everybody.filter(inside, ~Exists(roles.exclude(inside)), is_superuser=False)


def partners_overseen_by(user: User) -> QuerySet[Partner]:
    """Partners all of whose cameras the user may grant or oversee."""
    paths = paths_allowed(user, Action.OVERSEE)
    return Partner.objects.filter(below_paths(paths, "organisation__path")).select_related("organisation")


def may_audit(user: object) -> bool:
    """Who reads the logs of the whole province: superusers, and auditors of its root."""
    return isinstance(user, User) and may_province_wide(user, Action.AUDIT)


def may_read_logs(user: object) -> bool:
    """Whether the raw logs of the province are for `user`: `cameras.visibility.logs_visible_to` says which rows."""
    return isinstance(user, User) and (may_audit(user) or may_province_wide(user, Action.OPERATOR_LOG))


def may_enter_admin(user: object) -> bool:
    """Whether the admin opens anything to `user`: asked of roles, as a mark on the account may be older than its role.

    Superusers; who reads the logs of the province; and with separate duties who keeps the system or gives rights.
    """
    if not isinstance(user, User) or not user.is_active or user.is_screen:
        return False
    if user.is_superuser or may_read_logs(user):
        return True
    return settings.SEPARATE_DUTIES and (may_province_wide(user, Action.USERS) or may_province_wide(user, Action.GRANT))


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
