"""Camera groups, exceptions and PTZ opened to partners, as those who grant rights in an organisation set them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from access.actors import Actor
from access.choices import CAMERA_ACTIONS, DUTIES, Action, Role
from access.models import Organisation, Partner, StaffRole, User
from access.selectors import is_allowed, users_overseen_by
from access.services.logs import record
from access.services.rights import ensure_may_change, ensure_span
from access.words import span_in_words
from cameras.models import Camera, CameraException, CameraGroup, GroupChange, GroupMember, PtzGrant
from cameras.models.rights import LONGEST_NAME
from cameras.visibility import visible_condition
from protocol.errors import ForbiddenError, MalformedError

_MOST_NAMED = 100


@transaction.atomic
def create_group(*, by: User, name: str, organisation: Organisation, actor: Actor) -> CameraGroup:
    ensure_may_grant(by, organisation)
    if not 0 < len(name) <= LONGEST_NAME:
        raise MalformedError(f"组名应为 1 至 {LONGEST_NAME} 个字")
    group, is_new = CameraGroup.objects.get_or_create(name=name, organisation=organisation)
    if not is_new:
        raise MalformedError(f"{organisation.name}已有名为“{name}”的组")
    _record_group(actor, "建立摄像机组", group, {"单位": organisation.name})
    return group


@transaction.atomic
def remove_group(*, by: User, group: CameraGroup, actor: Actor) -> None:
    """With its exceptions, all of which the log names."""
    ensure_may_grant(by, group.organisation)
    lost = [exception_in_words(row) for row in group.exceptions.all()]
    _record_group(actor, "删除摄像机组", group, {"之前": {"路数": group.members.count(), "例外": lost}})
    _keep_group_changes(group, group.members.values_list("camera", flat=True), is_entry=False, actor=actor)
    group.delete()


def add_members(*, by: User, group: CameraGroup, cameras: QuerySet[Camera], actor: Actor) -> int:
    """Those of `cameras` that belong to the group's organisation; how many were new to the group."""
    ensure_may_grant(by, group.organisation)
    own = cameras.filter(organisation__path__startswith=group.organisation.path).order_by("pk")
    with transaction.atomic():
        held = CameraGroup.objects.select_for_update().get(pk=group.pk)
        fresh = list(own.exclude(memberships__group=held))
        GroupMember.objects.bulk_create(
            [GroupMember(group=held, camera=camera) for camera in fresh], batch_size=5000
        )
        _keep_group_changes(held, [camera.pk for camera in fresh], is_entry=True, actor=actor)
        if fresh:
            _record_group(actor, "摄像机入组", held, _named(fresh, before=held.members.count() - len(fresh)))
    return len(fresh)


def drop_members(*, by: User, group: CameraGroup, camera_ids: Sequence[int], actor: Actor) -> int:
    ensure_may_grant(by, group.organisation)
    with transaction.atomic():
        held = CameraGroup.objects.select_for_update().get(pk=group.pk)
        rows = held.members.filter(camera__in=list(camera_ids))
        leaving = list(Camera.objects.filter(memberships__in=rows).order_by("pk"))
        before = held.members.count()
        rows.delete()
        _keep_group_changes(held, [camera.pk for camera in leaving], is_entry=False, actor=actor)
        if leaving:
            _record_group(actor, "摄像机出组", held, _named(leaving, before=before, sign=-1))
    return len(leaving)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom an exception concerns: one of the three, a role with where it is held."""

    user: User | None = None
    role: Role | None = None
    role_at: Organisation | None = None
    partner: Partner | None = None


def _ensure_may_rule(by: User, role: str, role_at: Organisation, *, is_denied: bool) -> None:
    """Exceptions of a role: who grants rights opens no cameras to their own kind, and nobody shuts out who is above."""
    if role in DUTIES:
        raise ForbiddenError("三员不看摄像机，没有权限例外")
    if is_denied and not is_allowed(by, Action.GRANT, role_at):
        raise ForbiddenError("只能禁止自己单位的角色")


def make_exception(
    *,
    by: User,
    subject: Subject,
    target: Camera | CameraGroup,
    action: Action,
    is_denied: bool,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    reason: str = "",
    actor: Actor,
) -> CameraException:
    """ForbiddenError for what `by` may not give: cameras of others, rights of their own, more than they hold."""
    organisation = target.organisation
    ensure_may_grant(by, organisation)
    ensure_span(valid_from, valid_until)
    if subject.user is not None:
        ensure_may_change(by, subject.user)
        if is_denied and not users_overseen_by(by).filter(pk=subject.user.pk).exists():
            # Anybody may be let in; who is above is not shut out from below.
            raise ForbiddenError("只能禁止自己单位的用户")
    if subject.role is not None and subject.role_at is not None:
        _ensure_may_rule(by, subject.role, subject.role_at, is_denied=is_denied)
    if subject.partner is not None and not (is_denied and action == Action.WATCH):
        raise MalformedError("对接入方只能隐藏摄像机；可见范围按单位，云台按重要点位开放")
    if subject.partner is not None:
        ensure_may_grant(by, subject.partner.organisation)
    if not is_denied:
        _ensure_holds(by, target, action)
    row = CameraException(
        user=subject.user,
        role=subject.role or "",
        role_at=subject.role_at,
        partner=subject.partner,
        camera=target if isinstance(target, Camera) else None,
        group=target if isinstance(target, CameraGroup) else None,
        organisation=organisation,
        action=action,
        is_denied=is_denied,
        valid_from=valid_from,
        valid_until=valid_until,
        reason=reason,
    )
    with transaction.atomic():
        row.save()
        _record_exception(actor, "新增权限例外", row, before=None, after=exception_in_words(row))
    return row


@transaction.atomic
def end_exception(*, by: User, exception_id: int, actor: Actor) -> None:
    """Ends it from now on; the row stays, so that it can be told who could see what."""
    row = CameraException.objects.select_for_update().filter(pk=exception_id).first()
    if row is None or (row.valid_until and row.valid_until <= timezone.now()):
        raise MalformedError("该例外已撤销或已到期")
    ensure_may_grant(by, row.organisation)
    if row.partner is not None:
        ensure_may_grant(by, row.partner.organisation)
    if row.user is not None:
        ensure_may_change(by, row.user)
    before = exception_in_words(row)
    if row.is_begun:
        row.valid_until = timezone.now()
        row.save(update_fields=["valid_until"])
    else:
        row.delete()
    _record_exception(actor, "撤销权限例外", row, before=before, after=None)


def set_ptz_open(
    *, by: User, partner: Partner, cameras: QuerySet[Camera], is_open: bool, actor: Actor
) -> int:
    """Opens 重要点位 to a partner or closes them; how many changed. All must be the granter's to give."""
    ensure_may_grant(by, partner.organisation)
    own = list(cameras.select_related("organisation").order_by("pk"))
    for organisation in {camera.organisation for camera in own}:
        ensure_may_grant(by, organisation)
    with transaction.atomic():
        held = PtzGrant.objects.filter(partner=partner)
        before = held.count()
        opened = set(held.values_list("camera_id", flat=True))
        changed = [camera for camera in own if (camera.pk in opened) != is_open]
        if is_open:
            PtzGrant.objects.bulk_create(
                [PtzGrant(partner=partner, camera=camera) for camera in changed], ignore_conflicts=True
            )
        else:
            held.filter(camera__in=[camera.pk for camera in changed]).delete()
        if changed:
            record(
                actor,
                "开放云台" if is_open else "收回云台",
                object_kind="partner",
                object_id=partner.pk,
                object_name=str(partner),
                detail=_named(changed, before=before, sign=1 if is_open else -1),
            )
    return len(changed)


def ensure_may_grant(by: User, organisation: Organisation) -> None:
    if not is_allowed(by, Action.GRANT, organisation):
        raise ForbiddenError(f"没有在{organisation.name}授予权限的权限")


def _ensure_holds(by: User, target: Camera | CameraGroup, action: Action) -> None:
    """What is given on every camera of it; a security administrator gives what they do not hold."""
    if by.is_superuser or StaffRole.objects.filter(user=by, role=Role.SECURITY).exists():
        return
    cameras = Camera.objects.filter(deleted_at=None)
    if isinstance(target, Camera):
        cameras = cameras.filter(pk=target.pk)
    else:
        cameras = cameras.filter(memberships__group=target)
    if action not in CAMERA_ACTIONS or cameras.exclude(visible_condition(by, action)).exists():
        raise ForbiddenError(f"自己没有的“{action.label}”权限不能授予他人")


def exception_in_words(row: CameraException) -> str:
    span = span_in_words(row.valid_from, row.valid_until)
    return f"{row}{f'，{span}' if span else ''}"


def _named(cameras: Sequence[Camera], *, before: int, sign: int = 1) -> dict[str, object]:
    return {
        "摄像机": [camera.number for camera in cameras[:_MOST_NAMED]],
        "数量": len(cameras),
        "之前": {"路数": before},
        "之后": {"路数": before + sign * len(cameras)},
    }


def _keep_group_changes(group: CameraGroup, camera_ids: Iterable[int], *, is_entry: bool, actor: Actor) -> None:
    """Of every single camera: the log names a hundred."""
    now = timezone.now()
    rows = [
        GroupChange(
            camera_id=pk,
            group_id=group.pk,
            group_name=group.name,
            at=now,
            is_entry=is_entry,
            actor_name=actor.name[:80],
        )
        for pk in camera_ids
    ]
    GroupChange.objects.bulk_create(rows, batch_size=5000)


def _record_group(actor: Actor, verb: str, group: CameraGroup, detail: dict[str, object]) -> None:
    record(
        actor,
        verb,
        object_kind="camera_group",
        object_id=group.pk,
        object_name=f"{group.name}（{group.organisation.name}）",
        detail=detail,
    )


def _record_exception(
    actor: Actor, verb: str, row: CameraException, *, before: str | None, after: str | None
) -> None:
    """Under the person or partner it concerns, so that one look at them shows it."""
    subject = row.user or row.partner
    kind = "user" if row.user else "partner" if row.partner else "role"
    record(
        actor,
        verb,
        object_kind=kind,
        object_id=subject.pk if subject else row.role,
        object_name=row.subject_name,
        reason=before or after or "",
        detail={"之前": before, "之后": after, "原因": row.reason},
    )
