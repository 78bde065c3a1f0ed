"""以此用户查看: an administrator sees the console as somebody with no more rights than their own.

The session stays the administrator's: it says whom they look at and since when, and every request asks anew whether
they still may.
"""

import time
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest

from access.actors import actor_of_user
from access.choices import Action
from access.models import User
from access.selectors import actions_held, holds_duty, is_beyond_screen, paths_of, roles_held
from access.services.logs import record
from cameras.visibility import exceptions_stay_within
from protocol.errors import ForbiddenError

VIEW_SECONDS: Final = 30 * 60
_KEY: Final = "console_view_as"


@dataclass(frozen=True)
class Viewing:
    """A look that is under way."""

    user: User
    seconds_left: int

    @property
    def minutes_left(self) -> int:
        return -(-self.seconds_left // 60)


def may_view_as(person: User, user: User) -> bool:
    """Only of somebody whom the person oversees, and whose rights are all among the person's own."""
    if person.pk == user.pk or not user.is_active or user.is_superuser or holds_duty(user):
        return False
    if person.is_superuser:
        return True
    if is_beyond_screen(person, Action.OVERSEE):
        return False
    held, own = roles_held(user), roles_held(person)
    home = [user.organisation.path] if user.organisation else []
    places = [*home, *(role.path for role in held)]
    if not places or not _lie_below(places, paths_of(own, Action.OVERSEE)):
        return False
    # Asked at every request of a look, so nothing here may take longer for more cameras.
    actions = map(Action, actions_held(held))
    is_within = all(_lie_below(paths_of(held, action), paths_of(own, action)) for action in actions)
    return is_within and exceptions_stay_within(user, person)


def _lie_below(places: list[str], paths: list[str]) -> bool:
    return all(any(place.startswith(path) for path in paths) for place in places)


def begin_viewing(request: HttpRequest, user: User) -> None:
    person = request.user
    if not isinstance(person, User) or not may_view_as(person, user):
        raise ForbiddenError("只能以权限不超过自己的用户身份查看")
    request.session[_KEY] = {"user": user.pk, "until": time.time() + VIEW_SECONDS}
    _record(request, "开始以用户身份查看", user, f"至多 {VIEW_SECONDS // 60} 分钟，只读")


def viewing_of(request: HttpRequest) -> Viewing | None:
    """The look of this session; one that ran out, or is no longer allowed, ends here."""
    kept = request.session.get(_KEY)
    if kept is None:
        return None
    person = request.user
    user = User.objects.select_related("organisation").filter(pk=kept["user"]).first()
    if not isinstance(person, User) or user is None:
        # With whoever was idle for too long the whole session has gone.
        request.session.pop(_KEY, None)
        return None
    left = int(kept["until"] - time.time())
    if left > 0 and may_view_as(person, user):
        return Viewing(user, left)
    del request.session[_KEY]
    _record(request, "结束以用户身份查看", user, "已满 30 分钟" if left <= 0 else "权限已变化")
    return None


def end_viewing(request: HttpRequest, why: str) -> None:
    """Gives the session back to the person it belongs to."""
    viewing = getattr(request, "viewing", None)
    if viewing is None:
        return
    request.user = request.person  # type: ignore[attr-defined]
    del request.viewing  # type: ignore[attr-defined]
    request.session.pop(_KEY, None)
    _record(request, "结束以用户身份查看", viewing.user, why)


def _record(request: HttpRequest, verb: str, user: User, reason: str) -> None:
    record(
        actor_of_user(request),
        verb,
        object_kind="user",
        object_id=user.pk,
        object_name=f"{user.display_name}（{user.username}）",
        reason=reason,
    )
