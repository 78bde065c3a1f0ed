"""Counting of tries: whoever failed too often has to wait (threats.md 18)."""

import hashlib
import time
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache


@dataclass(frozen=True, slots=True)
class Counter:
    """Tries under one key, counted when they begin, so that many at once are not more than allowed."""

    key: str
    most: int

    def begin(self) -> int:
        """Seconds until a try is allowed, 0 when this one is."""
        if wait := self._wait():
            return wait
        seconds = settings.SIGN_IN_LOCK_SECONDS
        cache.add(self._name, 0, timeout=seconds)
        try:
            tries = cache.incr(self._name)
        except ValueError:  # expired between the two
            tries = 1
        return seconds if tries > self.most else 0

    def failed(self) -> None:
        if (cache.get(self._name) or 0) >= self.most:
            seconds = settings.SIGN_IN_LOCK_SECONDS
            cache.set(f"{self._name}:until", time.time() + seconds, timeout=seconds)
            cache.delete(self._name)

    def forget(self) -> None:
        cache.delete_many([self._name, f"{self._name}:until"])

    def take_back(self) -> None:
        """The try was a good one; what failed before it still counts."""
        try:
            cache.decr(self._name)
        except ValueError:  # expired meanwhile
            return

    def _wait(self) -> int:
        until = cache.get(f"{self._name}:until")
        return max(0, int(until - time.time()) + 1) if until else 0

    @property
    def _name(self) -> str:
        # Hashed: what people type by mistake into the name field may be a password.
        return f"sign-in:{hashlib.sha256(self.key.encode()).hexdigest()}"


def desk_counter(username: str, address: str | None) -> Counter:
    """Tries of one name from one address."""
    key = f"desk|{_unlocked(username)}|{address}|{username.lower()}"
    return Counter(key, settings.SIGN_IN_FAILURES)


def name_counter(username: str) -> Counter:
    """Tries of one name from everywhere, against guessing that is spread over many addresses."""
    key = f"name|{_unlocked(username)}|{username.lower()}"
    return Counter(key, settings.SIGN_IN_FAILURES_OF_NAME)


def address_counter(address: str | None) -> Counter:
    """Tries from one address, against one password that is tried with many names."""
    return Counter(f"address|{address}", settings.SIGN_IN_FAILURES_OF_ADDRESS)


def code_counter(user_id: int) -> Counter:
    """Codes of the second factor of one person."""
    return Counter(f"code|{user_id}", settings.SIGN_IN_FAILURES)


def unlock(username: str, user_id: int) -> None:
    """Lets somebody try again at once, wherever they sit."""
    # Which addresses are locked is not known: what was counted under the old number counts no more.
    cache.set(_unlock_key(username), time.time_ns(), timeout=2 * settings.SIGN_IN_LOCK_SECONDS)
    code_counter(user_id).forget()


def _unlocked(username: str) -> int:
    number: int = cache.get(_unlock_key(username)) or 0
    return number


def _unlock_key(username: str) -> str:
    return f"sign-in:unlocked:{hashlib.sha256(username.lower().encode()).hexdigest()}"
