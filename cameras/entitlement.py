"""Of many viewers at once, who may still watch: the rules of cameras/visibility.py, asked in a fixed number of reads.

A test compares the two over rights of every kind.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import NamedTuple

from django.db.models import Q
from django.utils import timezone

from access.choices import CAMERA_ACTIONS, Action, Role, Scope
from access.models import Partner, StaffRole, User
from access.models.staff import in_force
from access.selectors import HeldRole, actions_of, are_superusers_out
from cameras.models import Camera, CameraException, GroupMember

# Id of a person or partner, and of a camera.
Pair = tuple[int, int]


class _Exception(NamedTuple):
    """What counts of one exception in force."""

    user_id: int | None
    role: str
    role_at_id: int | None
    partner_id: int | None
    camera_id: int | None
    group_id: int | None
    owned: str
    is_denied: bool
    action: str

    def is_for(self, user_id: int, held: Iterable[HeldRole]) -> bool:
        if not self.role:
            return self.user_id == user_id
        return any(role.role == self.role and f"/{self.role_at_id}/" in role.path for role in held)


_COLUMNS = (
    *("user_id", "role", "role_at_id", "partner_id", "camera_id", "group_id"),
    *("organisation__path", "is_denied", "action"),
)
_ALLOWING = {action.value for action in CAMERA_ACTIONS}


def staff_entitled(pairs: Collection[Pair]) -> set[Pair]:
    """Those pairs of a person and a camera of which `cameras_visible_to` would show the camera to the person."""
    user_ids = {user_id for user_id, _ in pairs}
    people = dict(User.objects.filter(pk__in=user_ids, is_active=True).values_list("pk", "is_superuser"))
    has_superusers = any(people.values()) and not are_superusers_out()
    paths = _paths({camera_id for _, camera_id in pairs})
    held = _roles_held(people)
    roles = {role.role for rows in held.values() for role in rows}
    concerning = Q(user__in=list(people)) | Q(role__in=roles)
    exceptions = _exceptions(concerning, paths)
    found = set()
    for user_id, camera_id in pairs:
        path = paths.get(camera_id)
        if path is None or user_id not in people:
            continue
        if people[user_id]:
            may_watch = has_superusers
        else:
            own = [row for row in exceptions[camera_id] if row.is_for(user_id, held[user_id])]
            may_watch = _may_watch(path, held[user_id], own)
        if may_watch:
            found.add((user_id, camera_id))
    return found


def partners_entitled(pairs: Collection[Pair]) -> set[Pair]:
    """Those pairs of a partner and a camera of which the partner would be given a play address."""
    wanted = {partner_id for partner_id, _ in pairs}
    active = Partner.objects.filter(pk__in=wanted, is_active=True, scopes__contains=[Scope.PLAY.value])
    reach = dict(active.values_list("pk", "organisation__path"))
    paths = _paths({camera_id for _, camera_id in pairs})
    exceptions = _exceptions(Q(partner__in=list(reach), is_denied=True), paths)
    return {
        (partner_id, camera_id)
        for partner_id, camera_id in pairs
        if partner_id in reach
        and paths.get(camera_id, "").startswith(reach[partner_id])
        and all(row.partner_id != partner_id for row in exceptions[camera_id])
    }


def _may_watch(path: str, held: Iterable[HeldRole], exceptions: list[_Exception]) -> bool:
    if any(row.is_denied and row.action == Action.WATCH for row in exceptions):
        return False
    if any(Action.WATCH in actions_of(role.role) and path.startswith(role.path) for role in held):
        return True
    allowing = (row for row in exceptions if not row.is_denied and row.action in _ALLOWING)
    return any(path.startswith(row.owned) for row in allowing)


def _paths(camera_ids: Iterable[int]) -> dict[int, str]:
    """By live camera, where it belongs."""
    live = Camera.objects.filter(pk__in=list(camera_ids), deleted_at=None, is_pending=False)
    return dict(live.order_by().values_list("pk", "organisation__path"))


def _roles_held(user_ids: Iterable[int]) -> defaultdict[int, list[HeldRole]]:
    rows = StaffRole.objects.filter(in_force(timezone.now()), user__in=list(user_ids))
    held: defaultdict[int, list[HeldRole]] = defaultdict(list)
    for user_id, role, pk, path in rows.values_list("user", "role", "organisation", "organisation__path"):
        held[user_id].append(HeldRole(Role(role), pk, path))
    return held


def _exceptions(which: Q, camera_ids: Collection[int]) -> defaultdict[int, list[_Exception]]:
    """By camera, its own and those of groups it is in."""
    ids = list(camera_ids)
    objects = Q(camera__in=ids) | Q(group__isnull=False)
    rows = CameraException.objects.filter(which, objects, in_force(timezone.now())).order_by()
    found = [_Exception(*row) for row in rows.values_list(*_COLUMNS)]
    groups = {row.group_id for row in found if row.group_id}
    members: defaultdict[int | None, list[int]] = defaultdict(list)
    if groups:
        inside = GroupMember.objects.filter(group__in=groups, camera__in=ids)
        for group_id, camera_id in inside.values_list("group_id", "camera_id"):
            members[group_id].append(camera_id)
    by_camera: defaultdict[int, list[_Exception]] = defaultdict(list)
    for row in found:
        for camera_id in [row.camera_id] if row.camera_id else members[row.group_id]:
            by_camera[camera_id].append(row)
    return by_camera
