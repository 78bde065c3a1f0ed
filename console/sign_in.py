"""Failed sign-ins are counted per name and address; the sixth try has to wait (threats.md 18)."""

import hashlib
import time
from dataclasses import dataclass
from typing import Self

from django.core.cache import cache
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from access.actors import Actor, address_of
from access.choices import ActorKind, Outcome
from access.models import User
from access.services.logs import record

MOST_FAILURES = 5
LOCK_SECONDS = 15 * 60


@dataclass(frozen=True)
class SignInAttempt:
    """One try of one name from one address."""

    username: str
    address: str | None

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        return cls(request.POST.get("username", "")[:150].strip(), address_of(request))

    @property
    def _key(self) -> str:
        # Hashed: what people type by mistake into the name field may be a password.
        told = f"{self.address}|{self.username.lower()}".encode()
        return f"console:sign-in:{hashlib.sha256(told).hexdigest()}"

    def wait_seconds(self) -> int:
        """Seconds until the next try is allowed, 0 when it is now."""
        until = cache.get(f"{self._key}:until")
        return max(0, int(until - time.time()) + 1) if until else 0

    def failed(self) -> None:
        cache.add(self._key, 0, timeout=LOCK_SECONDS)
        try:
            failures = cache.incr(self._key)
        except ValueError:  # expired between the two
            failures = 1
        if failures >= MOST_FAILURES:
            cache.set(f"{self._key}:until", time.time() + LOCK_SECONDS, timeout=LOCK_SECONDS)
            cache.delete(self._key)
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
        cache.delete(self._key)
