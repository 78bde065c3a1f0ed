"""Accounts of people, as those who administer an organisation make them and switch them off."""

from django.db import transaction

from access.actors import Actor
from access.choices import Action
from access.models import Organisation, User
from access.selectors import holds_duty, is_allowed, people_managed_by
from access.services.logs import record
from access.services.staff import create_staff
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
    record(
        actor,
        "启用用户" if is_active else "停用用户",
        object_kind="user",
        object_id=held.pk,
        object_name=f"{held.display_name}（{held.username}）",
        detail={"之前": {"启用": not is_active}, "之后": {"启用": is_active}},
    )
