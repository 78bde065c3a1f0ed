"""Steps of the sign-in that may follow the password: what has to be done before anything else opens."""

import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_in
from django.db.models import TextChoices
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from access import screens
from access.models import PasswordRecord, SecondFactor, StaffRole, User
from access.sessions import SEEN, note_sign_in

# The session is written at most this often, not at every poll.
_SEEN_SECONDS = 30
# As it is called in sessions that an upgrade finds: under another name, steps that are open there would be forgotten.
_STEPS = "duties"
SUPERUSER = "superuser"


class SignInStep(TextChoices):
    PASSWORD = "password", "修改密码"
    FACTOR = "factor", "启用动态口令"


def opens_before_steps(view: Any) -> Any:
    """Marks the views where steps are done; for all others whoever has one open is not signed in."""
    view.opens_before_steps = True
    return view


def needs_second_factor(user: User) -> bool:
    """SECOND_FACTOR_ROLES names the roles, on whatever organisation, and `superuser`."""
    wanted = settings.SECOND_FACTOR_ROLES
    if not wanted:
        return False
    if user.is_superuser:
        return SUPERUSER in wanted
    return StaffRole.objects.filter(user=user, role__in=wanted).exists()


def lacks_second_factor(user: User) -> bool:
    """Whether a role of theirs needs one that is not in use yet."""
    in_use = SecondFactor.objects.filter(user=user).exclude(confirmed_at=None)
    return needs_second_factor(user) and not in_use.exists()


def password_reason(user: User) -> str:
    """Why the present password has to be changed; empty when it may stay."""
    newest = PasswordRecord.objects.filter(user=user).first()
    if newest is not None and not newest.is_own and settings.FIRST_PASSWORD_MUST_CHANGE:
        return "现在的密码由管理员设置，请先改为只有自己知道的密码"
    # Who was there before passwords were recorded has had it as long as the account.
    set_at = newest.set_at if newest is not None else user.date_joined
    if settings.PASSWORD_DAYS and timezone.now() - set_at >= timedelta(days=settings.PASSWORD_DAYS):
        return f"密码已使用满 {settings.PASSWORD_DAYS} 天，请更换"
    return ""


def steps_of(user: User) -> list[str]:
    steps: list[str] = [SignInStep.PASSWORD] if password_reason(user) else []
    if lacks_second_factor(user):
        steps.append(SignInStep.FACTOR)
    return steps


@receiver(user_logged_in)
def _note_steps(sender: object, request: HttpRequest, user: User, **_: object) -> None:
    note_sign_in(request)
    if user.is_screen:
        screens.begin(request)
    if steps := steps_of(user):
        request.session[_STEPS] = steps


def open_step(request: HttpRequest) -> SignInStep | None:
    """The first thing that is still to be done in this session."""
    steps = request.session.get(_STEPS)
    return SignInStep(steps[0]) if steps else None


def is_done(request: HttpRequest, step: SignInStep) -> None:
    steps = request.session.get(_STEPS, [])
    if step in steps:
        request.session[_STEPS] = [each for each in steps if each != step]


def user_present(request: HttpRequest, user: User | AnonymousUser) -> User | AnonymousUser:
    """Who is taken to be there: nobody after CONSOLE_IDLE_SECONDS without a touch, nor with a step undone."""
    if not isinstance(user, User):
        return user
    if is_over(request, user):
        # Not logout(): that asks who is there.
        request.session.flush()
        return AnonymousUser()
    view = request.resolver_match
    if view is not None and view.app_name == "admin":
        renew(request)
    is_open = view is not None and getattr(view.func, "opens_before_steps", False)
    return AnonymousUser() if open_step(request) and not is_open else user


def is_over(request: HttpRequest, user: User) -> bool:
    """Idle for too long; a big screen, which nobody touches, has rules of its own."""
    if user.is_screen:
        return not screens.may_stay(request, user)
    seen = request.session.get(SEEN)
    return seen is not None and time.time() - seen > settings.CONSOLE_IDLE_SECONDS


def renew(request: HttpRequest) -> None:
    """Somebody touched the platform just now."""
    now, seen = time.time(), request.session.get(SEEN)
    if seen is None or now - seen > _SEEN_SECONDS:
        request.session[SEEN] = now
