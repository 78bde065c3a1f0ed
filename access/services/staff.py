"""Making members of staff."""

from django.db import transaction

from access.actors import SYSTEM, Actor
from access.choices import Role
from access.models import Organisation, StaffRole, User
from access.services.logs import record
from access.services.organisations import ensure_root


@transaction.atomic
def create_staff(
    *,
    username: str,
    password: str,
    full_name: str = "",
    role: Role | None = None,
    organisation: Organisation | None = None,
    home: Organisation | None = None,
    is_superuser: bool = False,
    actor: Actor = SYSTEM,
) -> User:
    """Somebody who may sign in, with one role on `organisation` (default: the whole province).

    The account belongs to `home`, by default to where the role is. ValidationError when the name is taken or not
    one. Whether the password is good is for the caller.
    """
    place = (organisation or ensure_root()) if role is not None else None
    user = User(
        username=username,
        full_name=full_name,
        organisation=home or place,
        is_superuser=is_superuser,
        # The admin opens to them what belongs to their duty (access/backends.py).
        is_staff=is_superuser or role in (Role.SYSTEM, Role.SECURITY),
    )
    user.set_password(password)
    user.full_clean()
    user.save()
    if role is not None and place is not None:
        StaffRole.objects.create(user=user, role=role, organisation=place)
    record(
        actor,
        "建立用户",
        object_kind="user",
        object_id=user.pk,
        object_name=username,
        reason=role.label if role else "",
    )
    return user
