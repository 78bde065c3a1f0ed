"""Who may sign in, and what the admin opens to people who are no superusers."""

from typing import Any, Final

from django.conf import settings
from django.contrib.auth.backends import ModelBackend

from access.choices import Action
from access.models import User
from access.selectors import are_superusers_out, may_province_wide

# What a system administrator keeps in the admin: the platform and its parts, neither rights nor cameras nor logs.
_OF_SYSTEM: Final = {
    "access": {"organisation", "user", "partner", "alarm"},
    "cameras": {"gateway", "gatewayconfiguration"},
    "streaming": {"mediaserver", "playdomain"},
    "ministry": {"upperplatform"},
}
# What he removes again as well: rules of the platform, where it tells alarms, how a gateway reaches its cameras.
_RULES: Final = {
    "access": {"alarmtarget", "alarmdelivery"},
    "cameras": {"camerasource"},
    "streaming": {"viewerlimit", "hothours"},
    "snapshots": {"retentionrule", "jpegrule"},
}
# What a security administrator sets there: where a node hangs, what a partner reaches and where it is called are
# rights as well.
_OF_SECURITY: Final = {"access": {"organisation", "partner"}, "cameras": {"gateway"}}
# Only while duties are separate, else superusers do it; by the action that marks who does it for the whole province.
_OPENED: Final = (
    (Action.USERS, _OF_SYSTEM, {"view", "add", "change"}),
    (Action.USERS, _RULES, {"view", "add", "change", "delete"}),
    (Action.GRANT, _OF_SECURITY, {"view", "change"}),
)


class StaffBackend(ModelBackend):
    """Django's own, but for superusers after the first set-up and for two of 三员 in the admin."""

    def user_can_authenticate(self, user: Any) -> bool:
        """Asked at the sign-in and at each request, so that it ends sessions as well (threats.md 15)."""
        if not super().user_can_authenticate(user):
            return False
        return not (user.is_superuser and are_superusers_out())

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return super().has_perm(user_obj, perm, obj) or _is_opened(user_obj, perm)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        opening = [action for action, models, _ in _OPENED if app_label in models]
        return super().has_module_perms(user_obj, app_label) or any(_is_for(user_obj, each) for each in opening)


def _is_opened(user: object, perm: str) -> bool:
    app, _, name = perm.partition(".")
    verb, _, model = name.partition("_")
    return any(
        verb in verbs and model in models.get(app, ()) and _is_for(user, action)
        for action, models, verbs in _OPENED
    )


def _is_for(user: object, action: Action) -> bool:
    """Whether `user` may do it in the whole province, while duties are separate."""
    return settings.SEPARATE_DUTIES and isinstance(user, User) and may_province_wide(user, action)
