"""The matrix of 用户与权限: people down, organisations across, roles in the cells; and the panel of one cell."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Q, QuerySet
from django.utils import timezone

from access.choices import DUTIES, Action, Role
from access.models import Organisation, StaffRole, User
from access.models.staff import not_ended
from access.selectors import (
    actions_of,
    below_paths,
    organisations_visible_to,
    paths_allowed,
    users_overseen_by,
)
from access.services.rights import grantable_roles
from access.words import span_in_words
from console.cards import path_ids
from console.rights_cameras import ExceptionRow
from protocol.errors import NotFoundError

PAGE_PEOPLE: Final = 50


@dataclass(frozen=True, slots=True)
class RoleChip:
    """One role of one person; `place` is named where it lies below the column."""

    id: int
    label: str
    place: str
    span: str
    is_begun: bool
    is_duty: bool


@dataclass(frozen=True, slots=True)
class Cell:
    user_id: int
    organisation_id: int
    name: str
    is_node: bool
    chips: list[RoleChip]


@dataclass(frozen=True, slots=True)
class PersonRow:
    user: User
    above: list[RoleChip]
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Matrix:
    """`node` is what is looked into; `has_above` says whether roles on organisations above it count here too."""

    node: Organisation | None
    trail: list[Organisation]
    columns: list[Organisation]
    has_below: set[int]
    rows: list[PersonRow]
    people: int
    page: int
    has_above: bool

    @property
    def later(self) -> int | None:
        return self.page + 1 if self.people > self.page * PAGE_PEOPLE else None


def matrix_of(user: User, *, organisation_id: int | None, words: str, page: int) -> Matrix:
    places = list(organisations_visible_to(user, Action.OVERSEE).order_by("path"))
    by_id = {place.pk: place for place in places}
    tops = [place for place in places if place.parent_id not in by_id]
    if organisation_id is not None and organisation_id not in by_id:
        raise NotFoundError("单位不存在")
    node = by_id[organisation_id] if organisation_id is not None else (tops[0] if len(tops) == 1 else None)
    # In the order of the people, whose companies then lie on a diagonal.
    below = [place for place in places if node and place.parent_id == node.pk]
    columns = [node, *below] if node else tops
    people = _people(user, node, words)
    begin = (page - 1) * PAGE_PEOPLE
    shown = list(people[begin : begin + PAGE_PEOPLE])
    return Matrix(
        node=node,
        trail=[by_id[pk] for pk in path_ids(node.path) if pk in by_id] if node else [],
        columns=columns,
        has_below={place.parent_id for place in places if place.parent_id},
        rows=_rows(shown, columns, node, places),
        people=people.count(),
        page=page,
        has_above=node is not None and node.parent_id is not None,
    )


def _people(user: User, node: Organisation | None, words: str) -> QuerySet[User]:
    people = users_overseen_by(user)
    if node is not None and node.parent_id is not None:
        here = StaffRole.objects.filter(not_ended(timezone.now()), organisation__path__startswith=node.path)
        people = people.filter(Q(organisation__path__startswith=node.path) | Q(pk__in=here.values("user")))
    for word in words.split():
        people = people.filter(Q(username__icontains=word) | Q(full_name__icontains=word))
    return people.order_by("-is_active", "organisation__path", "full_name", "username")


def _rows(
    people: Sequence[User],
    columns: Sequence[Organisation],
    node: Organisation | None,
    places: Sequence[Organisation],
) -> list[PersonRow]:
    above = path_ids(node.path)[:-1] if node else []
    within = Q(organisation__in=[place.pk for place in places]) | Q(organisation__in=above)
    roles = StaffRole.objects.filter(not_ended(timezone.now()), within, user__in=list(people))
    held: dict[int, list[StaffRole]] = defaultdict(list)
    for role in roles.select_related("organisation").order_by("organisation__path", "role"):
        held[role.user_id].append(role)
    return [
        PersonRow(
            user=person,
            above=[chip_of(role, None) for role in held[person.pk] if role.organisation_id in above],
            cells=[cell_of(person, column, held[person.pk], is_node=column == node) for column in columns],
        )
        for person in people
    ]


def cell_of(person: User, column: Organisation, held: Sequence[StaffRole], *, is_node: bool) -> Cell:
    """The column of the node itself shows its own roles, the others all that lies below them too."""
    mine = [role for role in held if _is_in(role, column, is_node)]
    name = f"{person.display_name} 在{column.name}"
    return Cell(person.pk, column.pk, name, is_node, [chip_of(role, column) for role in mine])


def _is_in(role: StaffRole, column: Organisation, is_node: bool) -> bool:
    if is_node:
        return role.organisation_id == column.pk
    return role.organisation.path.startswith(column.path)


def chip_of(role: StaffRole, column: Organisation | None) -> RoleChip:
    is_here = column is not None and role.organisation_id == column.pk
    return RoleChip(
        id=role.pk,
        label=str(role.get_role_display()),
        place="" if is_here else role.organisation.name,
        span=span_in_words(role.valid_from, role.valid_until),
        is_begun=role.is_begun,
        is_duty=role.role in DUTIES,
    )


# The panel of one cell ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GivenRole:
    """A role that can be given here, and what it opens."""

    role: Role
    opens: str


@dataclass(frozen=True, slots=True)
class CellPanel:
    person: User
    organisation: Organisation
    places: list[Organisation]
    here: list[tuple[RoleChip, StaffRole, bool]]
    above: list[RoleChip]
    givable: list[GivenRole]
    why_not: str
    cell: Cell


def person_of_matrix(user: User, user_id: int) -> User:
    found = users_overseen_by(user).filter(pk=user_id).first()
    if found is None:
        raise NotFoundError("用户不存在")
    return found


def place_of_matrix(user: User, organisation_id: int) -> Organisation:
    found = organisations_visible_to(user, Action.OVERSEE).filter(pk=organisation_id).first()
    if found is None:
        raise NotFoundError("单位不存在")
    return found


def cell_panel(user: User, person: User, organisation: Organisation, *, is_node: bool) -> CellPanel:
    now = timezone.now()
    roles = StaffRole.objects.filter(not_ended(now), user=person).select_related("organisation")
    listed = list(roles.order_by("organisation__path", "role"))
    above = path_ids(organisation.path)[:-1]
    givable = grantable_roles(user, organisation)
    is_fixed = any(role.role in DUTIES for role in listed) or person.is_superuser or person.pk == user.pk
    below = organisations_visible_to(user, Action.OVERSEE).filter(path__startswith=organisation.path)
    return CellPanel(
        person=person,
        organisation=organisation,
        places=[organisation] if is_node else list(below.order_by("path")),
        here=[
            (chip_of(role, organisation), role, not is_fixed and role.role in givable)
            for role in listed
            if _is_in(role, organisation, is_node)
        ],
        above=[chip_of(role, None) for role in listed if role.organisation_id in above],
        givable=[] if is_fixed else [GivenRole(role, _opens(role)) for role in givable],
        why_not=_why_not(user, person, is_fixed),
        cell=cell_of(person, organisation, listed, is_node=is_node),
    )


def _why_not(user: User, person: User, is_fixed: bool) -> str:
    if person.pk == user.pk:
        return "不能修改自己的权限"
    if is_fixed:
        return "三员与超级管理员的权限只在服务器上设置"
    return ""


def _opens(role: Role) -> str:
    opened = actions_of(role)
    return "、".join(str(action.label) for action in Action if action in opened)


# One person --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PersonPanel:
    person: User
    roles: list[RoleChip]
    exceptions: list[ExceptionRow]
    may_keep: bool
    may_mark_screen: bool
    may_view_as: bool


def roles_of(user: User, person: User) -> list[RoleChip]:
    """All roles that lie where `user` oversees, on the one page about a person."""
    within = below_paths(paths_allowed(user, Action.OVERSEE), "organisation__path")
    rows = StaffRole.objects.filter(not_ended(timezone.now()), within, user=person)
    return [
        chip_of(role, None) for role in rows.select_related("organisation").order_by("organisation__path")
    ]
