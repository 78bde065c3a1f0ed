"""What the frame of every page says beside the page itself."""

from django.conf import settings

from access.choices import DUTY_ACTIONS, Action
from access.models import User
from access.selectors import may_enter_admin
from cameras.visibility import actions_open_to
from console.permissions import READ_LOGS
from console.roles import role_of


def frame_of(user: User, page: str) -> dict[str, object]:
    """Context of the top bar."""
    allowed = actions_open_to(user)
    return {
        "page": page,
        "role": role_of(user),
        "may_snapshot": Action.SNAPSHOT in allowed,
        "may_ministry": Action.MINISTRY in allowed,
        "has_admin": _has_admin(user, allowed),
        "may_audit": bool(allowed & READ_LOGS),
        "may_users": Action.USERS in allowed,
        "may_ledger": Action.LEDGER in allowed,
        "may_oversee": Action.OVERSEE in allowed,
    }


def _has_admin(user: User, allowed: frozenset[str]) -> bool:
    """Most people hold nothing that could open it, and are not asked about at every page."""
    opening = READ_LOGS | DUTY_ACTIONS if settings.SEPARATE_DUTIES else READ_LOGS
    return user.is_superuser or (bool(allowed & opening) and may_enter_admin(user))
