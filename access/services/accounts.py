"""Accounts of people, as those who administer an organisation make them and switch them off."""

from django.db import transaction
from django.utils import timezone

from access.actors import Actor
from access.choices import Action
from access.models import Organisation, StaffRole, User
from access.models.staff import not_ended
from access.screens import networks_in
from access.selectors import below_paths, holds_duty, is_allowed, paths_allowed, people_managed_by
from access.services.logs import record
from access.services.staff import create_staff
from access.staff_sessions import forget_sessions_of
from protocol.errors import ForbiddenError


def create_account(
    *, by: User, username: str, full_name: str, password: str, organisation: Organisation, actor: Actor
) -> User:
    """Somebody of `organisation` without any role; ValidationError when the name is taken or not one.

    Whether the password is good is for the caller.
    """
    if not is_allowed(by, Action.USERS, organisation):
        raise ForbiddenError(f"没有为{organisation.name}建立用户的权限")
    return create_staff(
        username=username, password=password, full_name=full_name, home=organisation, actor=actor
    )


def may_keep(by: User, user: User) -> bool:
    """Whether `by` may switch the account on and off: they look after it, and it is not their own or one of 三员."""
    if by.pk == user.pk or user.is_superuser or holds_duty(user):
        return False
    return people_managed_by(by).filter(pk=user.pk).exists()


@transaction.atomic
def switch_account(*, by: User, user: User, is_active: bool, actor: Actor) -> None:
    """Whoever is switched off is out with their next request; the roles stay for the day they come back."""
    if not may_keep(by, user):
        raise ForbiddenError("没有停用或启用该用户的权限")
    held = User.objects.select_for_update().get(pk=user.pk)
    if held.is_active == is_active:
        return
    held.is_active = is_active
    held.save(update_fields=["is_active"])
    _record(actor, "启用用户" if is_active else "停用用户", held, {"启用": not is_active}, {"启用": is_active})


def may_mark_screen(by: User, user: User) -> bool:
    """Whoever keeps the account, or grants rights wherever it belongs and holds any, so that nobody is shut out by
    somebody below; never the own one, nor one with an administration.
    """
    if by.pk == user.pk or user.is_superuser or user.is_staff or holds_duty(user):
        return False
    return _grants_all(by, user) or may_keep(by, user)


def _grants_all(by: User, user: User) -> bool:
    if user.organisation is None or not is_allowed(by, Action.GRANT, user.organisation):
        return False
    within = below_paths(paths_allowed(by, Action.GRANT), "organisation__path")
    return not StaffRole.objects.filter(not_ended(timezone.now()), user=user).exclude(within).exists()


@transaction.atomic
def mark_screen(*, by: User, user: User, networks: str, actor: Actor) -> None:
    """大屏账号 from now on, at these addresses and networks, one a line; MalformedError without any."""
    _set_screen(by, user, networks_in(networks), actor)


@transaction.atomic
def unmark_screen(*, by: User, user: User, actor: Actor) -> None:
    """An ordinary account again, with all that its roles open and the idle time of everybody."""
    _set_screen(by, user, [], actor)


def _set_screen(by: User, user: User, networks: list[str], actor: Actor) -> None:
    if not may_mark_screen(by, user):
        raise ForbiddenError("没有设置该账号为大屏账号的权限")
    held = User.objects.select_for_update().get(pk=user.pk)
    before = held.screen_networks
    if before == networks:
        return
    held.screen_networks = networks
    held.save(update_fields=["screen_networks"])
    # What was signed in under other rules goes on under none of them.
    forget_sessions_of(held)
    _record(actor, "设为大屏账号" if networks else "取消大屏账号", held, {"网段": before}, {"网段": networks})


def _record(actor: Actor, verb: str, user: User, before: dict[str, object], after: dict[str, object]) -> None:
    name = f"{user.display_name}（{user.username}）"
    detail: dict[str, object] = {"之前": before, "之后": after}
    record(actor, verb, object_kind="user", object_id=user.pk, object_name=name, detail=detail)
