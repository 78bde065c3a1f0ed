"""Brings an upper platform up to what we hold: several requests at a time, until nothing is owed or time is up.

A run takes one of the platform's slots and starts threads for the others while there is work.
"""

import logging
import threading
import time
from collections import deque
from typing import Final

from django.db import connection
from django.utils import timezone

from ministry.models import UpperPlatform
from ministry.services.channel import Channel
from ministry.services.deliver import Planned, deliver
from ministry.services.health import is_probing
from ministry.services.plan import plan
from ministry.services.slots import slot

logger = logging.getLogger(__name__)

# One run leaves the rest to the next, so that no run outlives its task.
LONGEST_RUN_SECONDS: Final = 60.0
# What was planned longer ago is planned anew: something more urgent may have come. A plan that took long lasts longer.
_PLAN_SECONDS: Final = 1.5
_PLAN_SHARE: Final = 5
_WAIT_SECONDS: Final = 0.2
# Within this time, the next run of the timetable has come to another process that is free.
_SHARING_SECONDS: Final = 2.0


def sync_platform(*, platform: UpperPlatform) -> int:
    """One run; returns how many requests were answered. Trouble is written on the platform's records."""
    with slot(platform) as number:
        if number is None:
            return 0
        # Read under the lock: the run before may have changed token, failures and back-off.
        current = UpperPlatform.objects.select_related("organisation").filter(pk=platform.pk).first()
        if current is None or not current.is_active:
            return 0
        if current.retry_at and current.retry_at > timezone.now():
            return 0
        if is_probing(current.failures):
            return _probe(current) if number == 0 else 0
        return _Run(current).go()


def _probe(platform: UpperPlatform) -> int:
    """One request; when it is answered well, the run goes on as usual."""
    run = _Run(platform)
    run.step()
    platform.refresh_from_db()
    return run.answered if is_probing(platform.failures) else run.go()


class _Run:
    """The requests of one run to one platform, shared by its threads."""

    def __init__(self, platform: UpperPlatform) -> None:
        self._platform = platform
        self._channel = Channel(platform)
        self._lock = threading.Lock()
        self._waiting: deque[Planned] = deque()
        self._plan_ends_at = 0.0
        self._ends_at = time.monotonic() + LONGEST_RUN_SECONDS
        self._helpers: list[threading.Thread] = []

    @property
    def answered(self) -> int:
        return self._channel.answered

    def go(self) -> int:
        try:
            while True:
                if self.step():
                    self._hire()
                elif not self._is_anybody_at_work():
                    return self.answered
        finally:
            for helper in self._helpers:
                helper.join()

    def step(self) -> bool:
        """Send one batch; False when there was none, or no time for it."""
        planned = self._next()
        if planned is None:
            return False
        self._channel.pace()
        deliver(self._channel, planned)
        return True

    def _next(self) -> Planned | None:
        with self._lock:
            now = time.monotonic()
            if now > self._ends_at or self._channel.is_resting:
                return None
            if not self._waiting or now > self._plan_ends_at:
                self._waiting = deque(plan(self._platform) if self._is_in_use() else ())
                took = time.monotonic() - now
                self._plan_ends_at = now + took + max(_PLAN_SECONDS, _PLAN_SHARE * took)
            return self._waiting.popleft() if self._waiting else None

    def _is_in_use(self) -> bool:
        """Staff may have switched it off, or be about to delete it."""
        return UpperPlatform.objects.filter(pk=self._platform.pk, is_active=True).exists()

    def _hire(self) -> None:
        self._helpers = [helper for helper in self._helpers if helper.is_alive()]
        wanted = min(self._share() - 1, len(self._waiting))
        for _ in range(wanted - len(self._helpers)):
            helper = threading.Thread(target=self._help, daemon=True)
            helper.start()
            self._helpers.append(helper)

    def _share(self) -> int:
        """Of the platform's slots, at first one half: two processes get more done than one with all of them."""
        slots = self._platform.concurrency
        is_fresh = time.monotonic() < self._ends_at - LONGEST_RUN_SECONDS + _SHARING_SECONDS
        return -(-slots // 2) if is_fresh else slots

    def _is_anybody_at_work(self) -> bool:
        """While somebody is, something more may become due; looks again soon."""
        for helper in self._helpers:
            helper.join(_WAIT_SECONDS)
        return any(helper.is_alive() for helper in self._helpers)

    def _help(self) -> None:
        try:
            with slot(self._platform) as number:
                while number is not None and self.step():
                    pass
        except Exception:
            # The border of a thread; the run goes on without it, and its claims run out.
            logger.exception("upper platform %s: a request ended in an error of ours", self._platform.name)
        finally:
            connection.close()
