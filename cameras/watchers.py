"""谁能看这路摄像机: everybody who can do something with one camera, and why, now or at a moment of the past.

The same rules as in cameras/visibility.py, asked from the camera's side.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q

from access.choices import CAMERA_ACTIONS, Action, PartnerKind, Scope
from access.models import Partner, StaffRole, User
from access.models.staff import was_in_force
from access.selectors import actions_of, is_beyond_screen
from access.words import span_in_words
from cameras.models import Camera, CameraException, GroupChange, GroupMember, PtzGrant

_SCOPES = {Action.WATCH: Scope.PLAY, Action.SNAPSHOT: Scope.SNAPSHOT, Action.PTZ: Scope.PTZ}


@dataclass(frozen=True, slots=True)
class Watcher:
    """Somebody with what they can do, why, and what an exception takes from them."""

    name: str
    kind: str
    place: str
    is_active: bool
    actions: frozenset[Action]
    reasons: list[str]
    denials: list[str]

    @property
    def marks(self) -> list[bool]:
        """In the order of CAMERA_ACTIONS."""
        return [action in self.actions for action in CAMERA_ACTIONS]


@dataclass(slots=True)
class _Person:
    allowed: set[Action] = field(default_factory=set)
    denied: set[Action] = field(default_factory=set)
    reasons: list[str] = field(default_factory=list)
    denials: list[str] = field(default_factory=list)

    def add_exception(self, row: CameraException) -> None:
        words = _in_words(row)
        if row.is_denied:
            self.denied |= set(CAMERA_ACTIONS) if row.action == Action.WATCH else {Action(row.action)}
            self.denials.append(words)
        else:
            self.allowed |= {Action.WATCH, Action(row.action)}
            self.reasons.append(words)


def watchers_of(camera: Camera, moment: datetime) -> list[Watcher]:
    """People, then partners; `organisation` should be loaded. The number of queries does not depend on anything.

    Of the past are roles, exceptions and groups; where the camera belongs and what a partner's scope is are as they
    are now, and so are groups from before their changes were kept.
    """
    above = [int(part) for part in camera.organisation.path.strip("/").split("/")]
    exceptions = _exceptions_on(camera, moment)
    people = _people_by_roles(above, moment)
    holders = _holders([row for row in exceptions if row.role], moment)
    for row in exceptions:
        for user_id in [row.user_id] if row.user_id else holders.get(row.pk, []):
            people[user_id].add_exception(row)
    superusers = User.objects.filter(is_superuser=True).values_list("pk", flat=True)
    for user_id in superusers:
        # Exceptions do not concern them.
        people[user_id] = _Person(allowed=set(CAMERA_ACTIONS), reasons=["超级管理员，不受角色限制"])
    users = User.objects.select_related("organisation").in_bulk(people)
    found = [_watcher(users[pk], person) for pk, person in people.items() if person.allowed]
    found.sort(key=lambda one: (not one.actions, not one.is_active, one.place, one.name))
    return [*found, *_partners(camera, above, exceptions)]


def _exceptions_on(camera: Camera, moment: datetime) -> list[CameraException]:
    on_it = Q(camera=camera) | Q(group__in=_groups_at(camera, moment))
    rows = CameraException.objects.filter(on_it, was_in_force(moment)).order_by("-id")
    found = rows.select_related("user", "role_at", "partner", "camera", "group", "organisation")
    # One that allows holds only while the camera belongs to who made it.
    return [row for row in found if row.is_denied or row.organisation.contains(camera.organisation)]


def _groups_at(camera: Camera, moment: datetime) -> set[int]:
    """The groups of now, with what happened since taken back."""
    groups = set(GroupMember.objects.filter(camera=camera).values_list("group", flat=True))
    since = GroupChange.objects.filter(camera=camera, at__gt=moment).order_by("-id")
    for group_id, is_entry in since.values_list("group_id", "is_entry"):
        groups = groups - {group_id} if is_entry else groups | {group_id}
    return groups


def _people_by_roles(above: list[int], moment: datetime) -> defaultdict[int, _Person]:
    people: defaultdict[int, _Person] = defaultdict(_Person)
    roles = StaffRole.objects.filter(was_in_force(moment), organisation__in=above)
    for role in roles.select_related("organisation").order_by("organisation__path", "role"):
        opened = {action for action in CAMERA_ACTIONS if action in actions_of(role.role)}
        if opened:
            person = people[role.user_id]
            person.allowed |= opened
            span = span_in_words(role.valid_from, role.valid_until)
            words = f"{role.organisation.name}的{role.get_role_display()}"
            person.reasons.append(f"{words}，{span}" if span else words)
    return people


def _holders(rows: list[CameraException], moment: datetime) -> dict[int, list[int]]:
    """By exception for a role: who holds that role there or below."""
    if not rows:
        return {}
    held = StaffRole.objects.filter(was_in_force(moment), role__in={row.role for row in rows})
    by_role: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for role, user_id, path in held.values_list("role", "user_id", "organisation__path"):
        by_role[role].append((user_id, path))
    return {
        row.pk: sorted({pk for pk, path in by_role[row.role] if row.role_at and path.startswith(row.role_at.path)})
        for row in rows
    }


def _watcher(user: User, person: _Person) -> Watcher:
    left = person.allowed - person.denied
    return Watcher(
        name=f"{user.display_name}（{user.username}）",
        kind="用户",
        place=user.organisation.name if user.organisation else "",
        is_active=user.is_active,
        actions=frozenset(action for action in left if not is_beyond_screen(user, action)),
        reasons=[*person.reasons, "大屏账号，只能查看视频"] if user.is_screen else person.reasons,
        denials=person.denials,
    )


def _partners(camera: Camera, above: list[int], exceptions: Iterable[CameraException]) -> list[Watcher]:
    hidden = {row.partner_id: _in_words(row) for row in exceptions if row.partner_id}
    opened = set(PtzGrant.objects.filter(camera=camera).values_list("partner_id", flat=True))
    partners = Partner.objects.filter(organisation__in=above).select_related("organisation")
    rows = []
    for partner in partners.order_by("name"):
        actions = {action for action, scope in _SCOPES.items() if scope in partner.scopes}
        if partner.pk not in opened:
            actions.discard(Action.PTZ)
        if not actions:
            continue
        reasons = [f"单位范围 {partner.organisation.name}"]
        reasons += ["云台已开放（重要点位）"] if Action.PTZ in actions else []
        is_hidden = partner.pk in hidden
        rows.append(
            Watcher(
                name=str(partner),
                kind=f"接入方 · {PartnerKind(partner.kind).label}",
                place=partner.organisation.name,
                is_active=partner.is_active,
                actions=frozenset() if is_hidden else frozenset(actions),
                reasons=reasons,
                denials=[hidden[partner.pk]] if is_hidden else [],
            )
        )
    return rows


def _in_words(row: CameraException) -> str:
    words = f"例外：{'禁止' if row.is_denied else '允许'}{row.get_action_display()}"
    words += f"（组“{row.group}”）" if row.group else ""
    words += f"，按{row.get_role_display()}" if row.role else ""
    span = span_in_words(row.valid_from, row.valid_until)
    return f"{words}，{span}" if span else words
