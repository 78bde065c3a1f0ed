"""Who may sign in, and what the admin opens to people who are no superusers."""

from typing import Any, Final

from django.conf import settings
from django.contrib.auth.backends import ModelBackend

from access.choices import Action
from access.models import User
from access.selectors import is_set_up, paths_allowed, root_organisation

# What a system administrator keeps in the admin: the platform and its parts, neither rights nor cameras nor logs.
_OF_SYSTEM: Final = {
    "access": {"organisation", "user", "partner", "alarm"},
    "cameras": {"gateway"},
    "streaming": {"mediaserver", "playdomain"},
    "ministry": {"upperplatform"},
}
_VERBS: Final = {"view", "add", "change"}


class StaffBackend(ModelBackend):
    """Django's own, but for superusers after the first set-up and for the system administrator in the admin."""

    def user_can_authenticate(self, user: Any) -> bool:
        """Asked at the sign-in and at each request, so that it ends sessions as well (threats.md 15)."""
        if not super().user_can_authenticate(user):
            return False
        return not (user.is_superuser and settings.SEPARATE_DUTIES and is_set_up())

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return super().has_perm(user_obj, perm, obj) or _is_of_system(user_obj, perm)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        own = app_label in _OF_SYSTEM and _keeps_system(user_obj)
        return super().has_module_perms(user_obj, app_label) or own


def _is_of_system(user: object, perm: str) -> bool:
    app, _, name = perm.partition(".")
    verb, _, model = name.partition("_")
    return verb in _VERBS and model in _OF_SYSTEM.get(app, ()) and _keeps_system(user)


def _keeps_system(user: object) -> bool:
    """Only who keeps users of the whole province, while duties are separate: else superusers do it."""
    if not (settings.SEPARATE_DUTIES and isinstance(user, User)):
        return False
    root = root_organisation()
    return root is not None and root.path in paths_allowed(user, Action.USERS)
