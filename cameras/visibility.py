"""Which cameras somebody may do what with: roles on organisations, and the exceptions from them.

The only place that knows: console, interface, admin and exports all ask here, and always the database.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, Final, NamedTuple, Self

from django.db.models import CharField, Q, QuerySet
from django.db.models.functions import Cast
from django.utils import timezone

from access.choices import CAMERA_ACTIONS, SCREEN_ACTIONS, Action
from access.models import Alarm, BehaviourLog, Organisation, Partner, StaffRole, User
from access.models.staff import in_force, not_ended
from access.selectors import (
    NOTHING,
    HeldRole,
    actions_held,
    acts_readable,
    alarms_concerning,
    below_paths,
    is_beyond_screen,
    paths_allowed,
    paths_of,
    roles_held,
)
from cameras.models import Camera, CameraException, CameraGroup, Gateway, GroupMember

# Where a camera itself has them.
_OF_CAMERA: Final = ("pk", "organisation__path")


def visible_condition(
    user: User, action: Action, *, camera: str = "pk", path: str = "organisation__path"
) -> Q:
    """Condition: `user` may do `action` with the camera at `camera`, whose organisation's path is at `path`.

    Two small reads, and subqueries only where an exception concerns the user: rows are never listed here.
    """
    return visible_conditions(user, action, (camera, path))[0]


def visible_conditions(user: User, action: Action, *places: tuple[str, str]) -> list[Q]:
    """The same for several models, each with where its camera is and the path of that: in one reading."""
    if not user.is_active:
        return [NOTHING] * len(places)
    if user.is_superuser:
        return [Q()] * len(places)
    if is_beyond_screen(user, action):
        return [NOTHING] * len(places)
    standing = _Standing.of(user)
    return [standing.condition(action, camera, path) for camera, path in places]


class _Effect(NamedTuple):
    """What some exceptions in force do: all that are alike are one."""

    is_denied: bool
    action: str
    organisation: int
    path: str


@dataclass(frozen=True, slots=True)
class _Standing:
    """Roles and exceptions of somebody at this moment, in two small reads for all actions."""

    held: list[HeldRole]
    concerning: Q
    effects: set[_Effect]

    @classmethod
    def of(cls, user: User) -> Self:
        now = timezone.now()
        held = roles_held(user, now)
        concerning = exceptions_for(user, held, now)
        rows = CameraException.objects.filter(concerning).order_by().distinct()
        columns = rows.values_list("is_denied", "action", "organisation", "organisation__path")
        return cls(held, concerning, {_Effect(*row) for row in columns})

    def condition(self, action: Action, camera: str, path: str) -> Q:
        condition = below_paths(paths_of(self.held, action), path)
        allowing = self.concerning & Q(is_denied=False, action__in=_allowing(action))
        allowed = {effect[2:] for effect in self.effects if _does(effect, action, is_denied=False)}
        for organisation, owned in sorted(allowed):
            # A camera that has left the organisation which allowed it is no longer that one's to show.
            own = cameras_of_exceptions(allowing & Q(organisation=organisation), camera)
            condition |= own & Q(**{f"{path}__startswith": owned})
        if any(_does(effect, action, is_denied=True) for effect in self.effects):
            denying = self.concerning & Q(is_denied=True, action__in=_denying(action))
            condition &= ~cameras_of_exceptions(denying, camera)
        return condition


def exceptions_for(user: User, held: list[HeldRole], now: datetime) -> Q:
    """Condition of CameraException: those in force for the person, or for a role held."""
    subjects = [Q(user=user)]
    for role in held:
        # The path holds the ids of all organisations above.
        above = [int(part) for part in role.path.strip("/").split("/")]
        subjects.append(Q(role=role.role, role_at__in=above))
    return reduce(or_, subjects) & in_force(now)


def _allowing(action: Action) -> set[str]:
    return {action.value} if action != Action.WATCH else {each.value for each in CAMERA_ACTIONS}


def _denying(action: Action) -> set[str]:
    return {action.value, Action.WATCH.value}


def _does(effect: _Effect, action: Action, *, is_denied: bool) -> bool:
    """Whether it allows the action, or denies it."""
    return effect.is_denied == is_denied and effect.action in (_denying if is_denied else _allowing)(action)


def cameras_of_exceptions(which: Q, camera: str) -> Q:
    """Condition: the camera, or a group it is in, has one of these exceptions; hashed once by the database."""
    exceptions = CameraException.objects.filter(which).order_by()
    direct = exceptions.filter(camera__isnull=False).values("camera")
    groups = exceptions.filter(group__isnull=False).values("group")
    members = GroupMember.objects.filter(group__in=groups).values("camera")
    return Q(**{f"{camera}__in": direct}) | Q(**{f"{camera}__in": members})


def exceptions_stay_within(user: User, person: User) -> bool:
    """Whether exceptions open to `user` nothing that `person` may not do as well, provided that all roles of the one
    lie within those of the other.

    Only cameras opened to the one or closed to the other can tell, by their ids and not by a search in the ledger.
    Neither is a superuser.
    """
    theirs, own = _Standing.of(user), _Standing.of(person)
    actions = [
        action
        for action in CAMERA_ACTIONS
        if any(_does(effect, action, is_denied=False) for effect in theirs.effects)
        or any(_does(effect, action, is_denied=True) for effect in own.effects)
    ]
    if not actions:
        return True
    which = (theirs.concerning & Q(is_denied=False)) | (own.concerning & Q(is_denied=True))
    objects = list(CameraException.objects.filter(which).order_by().values_list("camera", "group").distinct())
    members = GroupMember.objects.filter(group__in={group for _, group in objects if group})
    ids = {pk for pk, _ in objects if pk} | set(members.values_list("camera", flat=True))
    cameras = Camera.objects.filter(pk__in=ids, deleted_at=None, is_pending=False).order_by()

    def may(who: User, standing: _Standing, action: Action) -> set[int]:
        if is_beyond_screen(who, action):
            return set()
        return set(cameras.filter(standing.condition(action, *_OF_CAMERA)).values_list("pk", flat=True))

    return all(may(user, theirs, action) <= may(person, own, action) for action in actions)


def alarms_visible_to(user: User) -> QuerySet[Alarm]:
    """Those that concern the user, without those about one camera that the user may not watch."""
    return alarms_within(user, visible_condition(user, Action.WATCH, camera="camera_id", path="organisation__path"))


def alarms_within(user: User, shown: Q) -> QuerySet[Alarm]:
    """The same, where it is known already of which cameras alarms are shown."""
    alarms = alarms_concerning(user)
    # Empty for those who watch everything, and an empty condition adds nothing to an OR.
    return alarms.filter(Q(camera_id=None) | shown) if shown else alarms


def logs_visible_to(user: object) -> QuerySet[BehaviourLog]:
    """All of the behaviour log, or the part that concerns the user (`access.selectors.acts_readable`)."""
    return BehaviourLog.objects.filter(acts_readable(user, _logged_on))


def _logged_on(paths: list[str]) -> Q:
    """Condition: it was done to what lies below."""
    below = below_paths(paths, "organisation__path")
    people = StaffRole.objects.filter(below).values("user_id")
    things: dict[str, QuerySet[Any]] = {
        "camera": Camera.objects.filter(below),
        "gateway": Gateway.objects.filter(below_paths(paths, "partner__organisation__path")),
        "partner": Partner.objects.filter(below),
        "user": User.objects.filter(pk__in=people),
        "organisation": Organisation.objects.filter(below_paths(paths)),
    }
    found = NOTHING
    for kind, rows in things.items():
        ids = rows.order_by().annotate(pk_text=Cast("pk", CharField())).values("pk_text")
        found |= Q(object_kind=kind, object_id__in=ids)
    return found


def hidden_from(partner: Partner, camera: str = "pk") -> Q:
    """Condition: the camera is hidden from the partner, as if it were not there."""
    return cameras_of_exceptions(Q(partner=partner, is_denied=True) & in_force(timezone.now()), camera)


def cameras_overseen_by(user: User) -> QuerySet[Camera]:
    """Live cameras whose rights the user looks after: to name them, not to watch them."""
    own = below_paths(paths_allowed(user, Action.OVERSEE), "organisation__path")
    return Camera.objects.filter(own, deleted_at=None, is_pending=False)


def groups_overseen_by(user: User) -> QuerySet[CameraGroup]:
    own = below_paths(paths_allowed(user, Action.OVERSEE), "organisation__path")
    return CameraGroup.objects.filter(own).select_related("organisation")


def exceptions_overseen_by(user: User) -> QuerySet[CameraException]:
    """Those that count or will, the newest first."""
    own = below_paths(paths_allowed(user, Action.OVERSEE), "organisation__path")
    rows = CameraException.objects.filter(own & not_ended(timezone.now()))
    return rows.select_related("user", "partner", "camera", "group", "role_at", "organisation")


def actions_open_to(user: User) -> frozenset[str]:
    """Everything that `user` may do somewhere, by a role or by an exception."""
    if not user.is_active:
        return frozenset()
    if user.is_superuser:
        return frozenset(Action.values)
    now = timezone.now()
    held = roles_held(user, now)
    allowed = actions_held(held) | _allowed_by_exception(user, held, now)
    return allowed & SCREEN_ACTIONS if user.is_screen else allowed


def may_somewhere(user: User, action: Action) -> bool:
    """Asks for exceptions only where no role says yes."""
    if not user.is_active or user.is_superuser:
        return user.is_active
    if is_beyond_screen(user, action):
        return False
    now = timezone.now()
    held = roles_held(user, now)
    if action.value in actions_held(held):
        return True
    return action in CAMERA_ACTIONS and action.value in _allowed_by_exception(user, held, now)


def _allowed_by_exception(user: User, held: list[HeldRole], now: datetime) -> frozenset[str]:
    """Actions on some camera; whoever may do one of them may watch it too."""
    rows = CameraException.objects.filter(exceptions_for(user, held, now), is_denied=False)
    actions = frozenset[str](rows.order_by().values_list("action", flat=True).distinct())
    return actions | {Action.WATCH.value} if actions else actions
