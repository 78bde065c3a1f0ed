"""How upper platforms and their interfaces are doing: circuit breakers and the alarms that go with them.

Two breakers. One for the platform: requests that reach nobody, are answered by something unreadable, or with 403.
One for each interface: requests that are understood and refused as a whole. Five in a row open it; then one request
at a time tries again, after waits that grow.
"""

import logging
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from django.db.models import F
from django.utils import timezone

from access.choices import Severity
from access.services.alarms import close_alarm, raise_alarm
from ministry.choices import Interface
from ministry.models import InterfaceState, UpperPlatform
from ministry.services.troubles import jitter
from protocol.errors import RemoteError

logger = logging.getLogger(__name__)

FAILURES_TO_OPEN: Final = 5
LONGEST_PLATFORM_WAIT_SECONDS: Final = 60
LONGEST_INTERFACE_WAIT_SECONDS: Final = 300
_LONGEST_WORDS: Final = 300


class Topic(StrEnum):
    """What else of an upper platform needs a hand (ministry.services.watch)."""

    BACKLOG = "backlog"
    PARKED = "parked"
    DIFFERENCES = "differences"


def alarm_key(platform: UpperPlatform, about: Interface | Topic | None = None) -> str:
    return f"upper-platform:{platform.pk}" + (f":{about}" if about else "")


def close_all_alarms(platform: UpperPlatform) -> None:
    for about in (None, *Interface, *Topic):
        close_alarm(key=alarm_key(platform, about))


def is_probing(failures: int) -> bool:
    """The breaker is open: one request at a time."""
    return failures >= FAILURES_TO_OPEN


def note_success(platform: UpperPlatform, interface: Interface) -> None:
    now = timezone.now()
    UpperPlatform.objects.filter(pk=platform.pk).update(last_success_at=now, failures=0, last_error="")
    _write(platform, interface, last_success_at=now, failures=0, retry_at=None, last_error="")
    # Also when staff, who corrected the record, set its failures back.
    close_alarm(key=alarm_key(platform))
    close_alarm(key=alarm_key(platform, interface))


def note_refusal(platform: UpperPlatform, interface: Interface, words: str) -> None:
    """A request was understood and refused as a whole (400, 404, 500): the platform is well, this interface not."""
    _write(platform, interface, last_failure_at=timezone.now(), last_error=words[:_LONGEST_WORDS])
    states = InterfaceState.objects.filter(platform=platform, interface=interface)
    states.update(failures=F("failures") + 1)
    UpperPlatform.objects.filter(pk=platform.pk).update(failures=0, last_error="")
    close_alarm(key=alarm_key(platform))
    failures = states.values_list("failures", flat=True).get()
    if is_probing(failures):
        wait = _wait(failures, LONGEST_INTERFACE_WAIT_SECONDS)
        states.update(retry_at=timezone.now() + timedelta(seconds=wait))
        raise_alarm(
            key=alarm_key(platform, interface),
            title=f"{platform.name}：{interface.label}连续被拒绝",
            message=words,
        )


def settle_interface(platform: UpperPlatform, interface: Interface) -> None:
    """Nothing is owed there any more, so no success will ever end its trouble."""
    states = InterfaceState.objects.filter(platform=platform, interface=interface, failures__gt=0)
    if states.update(failures=0, retry_at=None):
        close_alarm(key=alarm_key(platform, interface))


def note_failure(
    platform: UpperPlatform, interface: Interface, error: RemoteError, *, is_forbidden: bool
) -> int:
    """Nothing to be read came back, or 403; the number of failures in a row."""
    now = timezone.now()
    rows = UpperPlatform.objects.filter(pk=platform.pk)
    rows.update(failures=F("failures") + 1, last_error=error.message[:_LONGEST_WORDS])
    _write(platform, interface, last_failure_at=now, last_error=error.message[:_LONGEST_WORDS])
    if is_forbidden:
        # No further try would fare better.
        rows.filter(failures__lt=FAILURES_TO_OPEN).update(failures=FAILURES_TO_OPEN)
    failures = rows.values_list("failures", flat=True).get()
    wait: float = error.retry_after or 0
    if not wait and is_probing(failures):
        wait = _wait(failures, LONGEST_PLATFORM_WAIT_SECONDS)
    if wait:
        rows.update(retry_at=now + timedelta(seconds=wait))
    logger.warning("upper platform %s: %s (failure %d)", platform.name, error.message, failures)
    if is_probing(failures):
        raise_alarm(
            key=alarm_key(platform),
            title=f"{platform.name}：{'令牌被拒绝' if is_forbidden else '上报失败'}",
            message=error.message,
            severity=Severity.CRITICAL,
        )
    return failures


def _write(platform: UpperPlatform, interface: Interface, **values: Any) -> None:
    InterfaceState.objects.bulk_create(
        [InterfaceState(platform=platform, interface=interface, **values)],
        update_conflicts=True,
        unique_fields=["platform", "interface"],
        update_fields=list(values),
    )


def _wait(failures: int, longest: float) -> float:
    return jitter(min(2 ** min(failures - FAILURES_TO_OPEN + 1, 10), longest))
