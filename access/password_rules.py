"""What a password has to be (docs/security.md), and the record of those that were."""

import unicodedata
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from django.utils import timezone

from access.models import PasswordRecord, User
from access.staff_sessions import forget_sessions_of


class LengthRule:
    def validate(self, password: str, user: Any = None) -> None:
        if len(password) < settings.PASSWORD_LENGTH:
            raise ValidationError(f"密码至少 {settings.PASSWORD_LENGTH} 个字符")

    def get_help_text(self) -> str:
        return f"至少 {settings.PASSWORD_LENGTH} 个字符"


class ClassesRule:
    """Enough of: upper case, lower case, digits, anything else."""

    def validate(self, password: str, user: Any = None) -> None:
        if len({_class_of(char) for char in password}) < settings.PASSWORD_CLASSES:
            raise ValidationError(self.get_help_text())

    def get_help_text(self) -> str:
        return f"须含大写字母、小写字母、数字、其他字符中的至少 {settings.PASSWORD_CLASSES} 类"


def _class_of(char: str) -> str:
    category = unicodedata.category(char)
    return category if category in ("Lu", "Ll", "Nd") else "other"


class UserNameRule:
    """Neither the user name nor what it is backwards stands in it."""

    def validate(self, password: str, user: Any = None) -> None:
        name = getattr(user, "username", "").lower()
        # A name of one or two letters is in too many good passwords.
        if len(name) > 2 and (name in password.lower() or name[::-1] in password.lower()):
            raise ValidationError("密码不能包含用户名")

    def get_help_text(self) -> str:
        return "不能包含用户名"


class HistoryRule:
    """Not one of the last PASSWORD_KEPT, the present one included; Django calls `password_changed` after each save."""

    def validate(self, password: str, user: Any = None) -> None:
        if not isinstance(user, User) or user.pk is None or not settings.PASSWORD_KEPT:
            return
        present = User.objects.filter(pk=user.pk).values_list("password", flat=True)
        earlier = PasswordRecord.objects.filter(user=user).values_list("password", flat=True)
        hashes = dict.fromkeys([*present, *earlier[: settings.PASSWORD_KEPT]])
        if any(check_password(password, each) for each in hashes):
            raise ValidationError(self.get_help_text())

    def password_changed(self, password: str, user: Any = None) -> None:
        forget_sessions_of(user)
        PasswordRecord.objects.create(user=user, password=user.password, set_at=timezone.now())
        kept = PasswordRecord.objects.filter(user=user).values_list("pk", flat=True)
        kept = kept[: max(settings.PASSWORD_KEPT, 1)]
        PasswordRecord.objects.filter(user=user).exclude(pk__in=list(kept)).delete()

    def get_help_text(self) -> str:
        return f"不能与最近 {settings.PASSWORD_KEPT} 次用过的相同"
