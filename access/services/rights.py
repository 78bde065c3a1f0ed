"""Roles of people: who may give which to whom, where and until when; every change with what was before and after."""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from access.actors import Actor
from access.choices import DUTIES, Action, Role
from access.models import Organisation, StaffRole, User
from access.models.staff import not_ended
from access.selectors import actions_of, holds_duty, is_allowed
from access.services.logs import record
from access.sign_in_steps import lacks_second_factor
from access.staff_sessions import forget_sessions_of, record_end
from access.words import span_in_words
from protocol.errors import ForbiddenError, MalformedError

# What a security administrator gives without holding it: the work of the control room.
_BUSINESS_ROLES = [role for role in Role if role not in DUTIES]


def grantable_roles(granter: User, organisation: Organisation) -> list[Role]:
    """Roles that `granter` may give on `organisation`: none that opens more than the granter holds there."""
    if not is_allowed(granter, Action.GRANT, organisation):
        return []
    if StaffRole.objects.filter(user=granter, role=Role.SECURITY).exists():
        return _BUSINESS_ROLES
    held = {action.value for action in Action if is_allowed(granter, action, organisation)}
    return [role for role in _BUSINESS_ROLES if actions_of(role) <= held]


def ensure_may_change(granter: User, user: User) -> None:
    """Nobody changes rights of their own, nor those of 三员 and superusers, which are given on the server."""
    if granter.pk == user.pk:
        raise ForbiddenError("不能修改自己的权限")
    if user.is_superuser or holds_duty(user):
        raise ForbiddenError("三员与超级管理员的权限不在此修改")


@transaction.atomic
def grant_role(
    *,
    granter: User,
    user: User,
    role: Role,
    organisation: Organisation,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    actor: Actor,
) -> StaffRole:
    """Gives a role, or changes from and until of the one held there.

    Whoever lacks the second factor that the role needs is signed out, and enrols at the next sign-in.
    """
    ensure_may_change(granter, user)
    _ensure_may_give(granter, role, organisation)
    ensure_span(valid_from, valid_until)
    User.objects.select_for_update().get(pk=user.pk)
    before = roles_in_words(user)
    held = _not_ended(user).filter(role=role, organisation=organisation).first()
    row = held or StaffRole(user=user, role=role, organisation=organisation)
    row.valid_from, row.valid_until = valid_from, valid_until
    row.save()
    _record(actor, "修改角色期限" if held else "授予角色", user, row, before)
    _end_sessions_without_factor(user, actor)
    return row


@transaction.atomic
def end_role(*, granter: User, role_id: int, user: User, actor: Actor) -> None:
    """Ends a role from now on; the row stays, so that it can be told who could see what."""
    ensure_may_change(granter, user)
    User.objects.select_for_update().get(pk=user.pk)
    row = _not_ended(user).filter(pk=role_id).select_related("organisation").first()
    if row is None:
        raise MalformedError("该角色已收回或已到期")
    _ensure_may_give(granter, Role(row.role), row.organisation)
    before = roles_in_words(user)
    if row.is_begun:
        row.valid_until = timezone.now()
        row.save(update_fields=["valid_until"])
    else:
        row.delete()
    _record(actor, "收回角色", user, row, before)


def _end_sessions_without_factor(user: User, actor: Actor) -> None:
    if lacks_second_factor(user) and forget_sessions_of(user):
        record_end(user, actor, "其角色须使用动态口令，尚未启用")


def _ensure_may_give(granter: User, role: Role, organisation: Organisation) -> None:
    if role not in grantable_roles(granter, organisation):
        raise ForbiddenError(f"没有在{organisation.name}授予或收回“{role.label}”的权限")


def ensure_span(valid_from: datetime | None, valid_until: datetime | None) -> None:
    now = timezone.now()
    if valid_until is not None and valid_until <= max(now, valid_from or now):
        raise MalformedError("失效时间须晚于现在，也晚于生效时间")


def _not_ended(user: User) -> QuerySet[StaffRole]:
    return StaffRole.objects.filter(not_ended(timezone.now()), user=user)


def roles_in_words(user: User) -> list[str]:
    rows = _not_ended(user).select_related("organisation").order_by("organisation__path", "role")
    return [_in_words(row) for row in rows]


def _in_words(row: StaffRole) -> str:
    span = span_in_words(row.valid_from, row.valid_until)
    return f"{row.get_role_display()}（{row.organisation.name}{f'，{span}' if span else ''}）"


def _record(actor: Actor, verb: str, user: User, row: StaffRole, before: list[str]) -> None:
    record(
        actor,
        verb,
        object_kind="user",
        object_id=user.pk,
        object_name=f"{user.display_name}（{user.username}）",
        reason=f"{row.get_role_display()} · {row.organisation.name}",
        detail={"之前": before, "之后": roles_in_words(user)},
    )
