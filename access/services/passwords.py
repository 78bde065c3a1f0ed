"""Changing passwords."""

from django.db import transaction

from access.actors import Actor
from access.models import PasswordRecord, User
from access.services.logs import record


@transaction.atomic
def change_own_password(*, user: User, password: str, actor: Actor) -> None:
    """The owner chose it, by the rules; all their sessions end, of which the caller keeps the one that asked."""
    user.set_password(password)
    user.save(update_fields=["password"])
    newest = PasswordRecord.objects.filter(user=user).first()
    if newest is not None:
        newest.is_own = True
        newest.save(update_fields=["is_own"])
    record(actor, "修改密码", object_kind="user", object_id=user.pk, object_name=user.username)
