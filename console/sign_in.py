"""Tries to sign in: counted by name and address, logged, the second step in between (threats.md 18)."""

import time
from dataclasses import dataclass
from typing import Final, Self

from django.http import HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac

from access.actors import Actor, address_of
from access.choices import ActorKind, Outcome
from access.lockouts import Counter, address_counter, desk_counter, name_counter
from access.models import User
from access.services.logs import record

_SECOND_STEP: Final = "second_step"
# Seconds between the password and the code.
SECOND_STEP_SECONDS: Final = 300


@dataclass(frozen=True)
class SignInAttempt:
    """One try of one name from one address."""

    username: str
    address: str | None

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        return cls(request.POST.get("username", "")[:150].strip(), address_of(request))

    @property
    def _counters(self) -> list[Counter]:
        desk = desk_counter(self.username, self.address)
        return [desk, name_counter(self.username), address_counter(self.address)]

    def begin(self) -> int:
        """Seconds until the next try is allowed, 0 when this one is."""
        for counter in self._counters:
            if wait := counter.begin():
                return wait
        return 0

    def failed(self) -> None:
        for counter in self._counters:
            counter.failed()

    def note_failure(self) -> None:
        actor = Actor(ActorKind.STAFF, None, self._loggable_name(), self.address)
        record(actor, "登录", outcome=Outcome.REFUSED, reason="用户名或密码不正确")

    def _loggable_name(self) -> str:
        """Only names that are one: what else is typed there may be a password. The same one stays the same."""
        if not self.username:
            return "（空）"
        # PostgreSQL refuses NUL in a question.
        if "\0" not in self.username and User.objects.filter(username__iexact=self.username).exists():
            return self.username
        return f"未知用户 {salted_hmac('console.sign_in', self.username).hexdigest()[:8]}"

    def succeeded(self) -> None:
        desk, name, address = self._counters
        desk.forget()
        name.forget()
        address.take_back()


# The second step -----------------------------------------------------------------------------------


def await_code(request: HttpRequest, user: User, target: str) -> None:
    """The password was right; who has a second factor is signed in only with its code."""
    request.session.cycle_key()
    request.session[_SECOND_STEP] = {
        "user": user.pk,
        "backend": user.backend,
        "password": user.get_session_auth_hash(),
        "target": target,
        "at": time.time(),
    }


def awaited_user(request: HttpRequest) -> tuple[User, str, str] | None:
    """Whose code is waited for, by which backend, and where it leads; None when that is over."""
    step = request.session.get(_SECOND_STEP)
    if not step or time.time() - step["at"] > SECOND_STEP_SECONDS:
        return None
    user = User.objects.filter(pk=step["user"], is_active=True).first()
    # Somebody changed the password in between.
    if user is None or not constant_time_compare(user.get_session_auth_hash(), step["password"]):
        return None
    return user, step["backend"], step["target"]


def code_is_given(request: HttpRequest) -> None:
    request.session.pop(_SECOND_STEP, None)
