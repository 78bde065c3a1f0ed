"""What the pages on camera groups, exceptions and partners show, and how their forms name cameras and people."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Min, Q, QuerySet

from access.choices import Action, Role, Scope
from access.models import Organisation, Partner, User
from access.selectors import organisations_visible_to, partners_overseen_by
from access.words import span_in_words
from cameras.models import Camera, CameraException, CameraGroup, GroupChange, PtzGrant
from cameras.services.rights import Subject
from cameras.visibility import cameras_overseen_by, exceptions_overseen_by, groups_overseen_by, hidden_from
from console.rights_choices import camera_meant, named_camera, person_meant
from protocol.errors import MalformedError, NotFoundError, shorten

MOST_NUMBERS: Final = 20_000
MOST_SHOWN: Final = 200
MOST_GROUP_CHANGES: Final = 50
_ROAD: Final = re.compile(r"[GSXYZ]\d{1,4}$", re.IGNORECASE)
_STRETCH: Final = re.compile(r"K(\d{1,4})(?:\+(\d{1,3}))?[-~—至]K?(\d{1,4})(?:\+(\d{1,3}))?$", re.IGNORECASE)
_BREAKS: Final = re.compile(r"[\s,，;；]+")


def group_of(user: User, group_id: int) -> CameraGroup:
    found = groups_overseen_by(user).filter(pk=group_id).first()
    if found is None:
        raise NotFoundError("摄像机组不存在")
    return found


def groups_of(user: User) -> QuerySet[CameraGroup]:
    return groups_overseen_by(user).annotate(
        camera_count=Count("members", filter=Q(members__camera__deleted_at=None), distinct=True),
        exception_count=Count(
            "exceptions", filter=Q(exceptions__in=exceptions_overseen_by(user)), distinct=True
        ),
    )


def changes_of_group(group: CameraGroup) -> list[dict[str, object]]:
    """Who put how many cameras into the group or took them out, the latest first."""
    rows = GroupChange.objects.filter(group_id=group.pk).order_by("-at").values("at", "is_entry", "actor_name")
    told = rows.annotate(count=Count("pk"), example=Min("camera__name"))
    return [{**row} for row in told[:MOST_GROUP_CHANGES]]


def members_of(group: CameraGroup) -> QuerySet[Camera]:
    """Without those that have left the organisation meanwhile."""
    own = Camera.objects.filter(organisation__path__startswith=group.organisation.path, deleted_at=None)
    found = own.filter(memberships__group=group).select_related("organisation")
    return found.order_by("road", "stake_m", "pk")


def candidates(user: User, group: CameraGroup, words: str) -> QuerySet[Camera]:
    """Cameras a search line means, of the group's organisation and not in it yet."""
    own = cameras_overseen_by(user).filter(organisation__path__startswith=group.organisation.path)
    fresh = own.exclude(memberships__group=group).select_related("organisation")
    return _narrowed(fresh, words).order_by("road", "stake_m", "pk")


def _narrowed(cameras: QuerySet[Camera], text: str) -> QuerySet[Camera]:
    """By road, stretch (`K1100-K1120+500`) and words of name, number and office; nothing finds nothing."""
    words = text.split()
    for word in words:
        if stretch := _STRETCH.match(word):
            first, last = (_metres(*stretch.groups()[begin : begin + 2]) for begin in (0, 2))
            cameras = cameras.filter(stake_m__range=(first, last))
        elif _ROAD.match(word):
            cameras = cameras.filter(
                Q(road__iexact=word) | Q(road__icontains=f"{word}&") | Q(road__iendswith=f"&{word}")
            )
        else:
            cameras = cameras.filter(
                Q(name__icontains=word)
                | Q(number_key__startswith=word.lower())
                | Q(stake__istartswith=word)
                | Q(organisation__name__icontains=word)
            )
    return cameras if words else cameras.none()


def _metres(kilometre: str, metre: str | None) -> int:
    return int(kilometre) * 1000 + int(metre or 0)


def cameras_numbered(user: User, text: str) -> QuerySet[Camera]:
    """Cameras of a pasted list of numbers; MalformedError names those that are not there."""
    keys = {word.lower() for word in _BREAKS.split(text) if word}
    if not keys:
        raise MalformedError("请填写摄像机编号")
    if len(keys) > MOST_NUMBERS:
        raise MalformedError(f"一次最多 {MOST_NUMBERS:,} 个编号")
    found = cameras_overseen_by(user).filter(number_key__any_of=sorted(keys))
    missing = keys - set(found.values_list("number_key", flat=True))
    if missing:
        some = "、".join(shorten(key) for key in sorted(missing)[:5])
        raise MalformedError(f"{len(missing)} 个编号不存在：{some}")
    return found


def one_camera(user: User, text: str) -> Camera:
    found = named_camera(user, text)
    if found is None:
        raise NotFoundError("摄像机不存在")
    return found


def target_of(user: User, *, group_id: int | None, number: str) -> Camera | CameraGroup:
    if group_id is not None:
        return group_of(user, group_id)
    if not number:
        raise MalformedError("请选择摄像机组，或填写摄像机")
    return camera_meant(user, number)


def subject_of(
    user: User, *, username: str, role: str, role_at: int | None, partner_id: int | None
) -> Subject:
    """The one that the form names."""
    if partner_id is not None:
        return Subject(partner=partner_of(user, partner_id))
    if role:
        place = organisations_visible_to(user, Action.OVERSEE).filter(pk=role_at or 0).first()
        if place is None or role not in Role.values:
            raise MalformedError("请选择角色及其所在单位")
        return Subject(role=Role(role), role_at=place)
    return Subject(user=person_meant(user, username))


def partner_of(user: User, partner_id: int) -> Partner:
    found = partners_overseen_by(user).filter(pk=partner_id).first()
    if found is None:
        raise NotFoundError("接入方不存在")
    return found


@dataclass(frozen=True, slots=True)
class ExceptionRow:
    """One exception in words."""

    id: int
    effect: str
    is_denied: bool
    subject: str
    kind: str
    action: str
    target: str
    organisation: str
    span: str
    reason: str


def exception_rows(rows: QuerySet[CameraException]) -> list[ExceptionRow]:
    return [
        ExceptionRow(
            id=row.pk,
            effect="禁止" if row.is_denied else "允许",
            is_denied=row.is_denied,
            subject=row.subject_name,
            kind="用户" if row.user_id else "接入方" if row.partner_id else "角色",
            action="全部（隐藏）"
            if row.is_denied and row.action == Action.WATCH
            else row.get_action_display(),
            target=row.object_name,
            organisation=row.organisation.name,
            span=span_in_words(row.valid_from, row.valid_until) or "长期",
            reason=row.reason,
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class PartnerRow:
    """A partner with what it sees and turns."""

    partner: Partner
    scopes: str
    cameras: int
    hidden: int
    opened: int
    exceptions: list[ExceptionRow]


def partner_rows(user: User) -> list[PartnerRow]:
    """Some queries a partner: there are a dozen of them, not thousands."""
    opened = Counter[int](
        PtzGrant.objects.filter(camera__deleted_at=None).values_list("partner_id", flat=True)
    )
    words = {scope.value: str(scope.label) for scope in Scope}
    rows = []
    for partner in partners_overseen_by(user).order_by("kind", "name"):
        cameras = Camera.objects.filter(
            organisation__path__startswith=partner.organisation.path, deleted_at=None, is_pending=False
        )
        rows.append(
            PartnerRow(
                partner=partner,
                scopes="、".join(words.get(scope, scope) for scope in partner.scopes),
                cameras=cameras.count(),
                hidden=cameras.filter(hidden_from(partner)).count(),
                opened=opened[partner.pk],
                exceptions=exception_rows(exceptions_overseen_by(user).filter(partner=partner)),
            )
        )
    return rows


def opened_cameras(partner: Partner) -> QuerySet[Camera]:
    found = Camera.objects.filter(ptz_grants__partner=partner, deleted_at=None).select_related("organisation")
    return found.order_by("road", "stake_m", "pk")


def places_of(user: User, action: Action) -> QuerySet[Organisation]:
    return organisations_visible_to(user, action).order_by("path")
