"""What goes out: one message with everything that a target was not told yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from access.choices import AlarmEvent, Severity
from access.models import AlarmTarget


@dataclass(frozen=True, slots=True)
class Entry:
    """One delivery: what happened to which alarm, in the alarm's words of now. A test has no alarm."""

    delivery_id: int
    event: AlarmEvent
    alarm_id: int | None
    key: str
    severity: Severity
    title: str
    message: str
    organisation: str
    began_at: datetime
    opened_at: datetime
    closed_at: datetime | None
    # Of its page in the console.
    url: str


@dataclass(frozen=True, slots=True)
class Message:
    platform: str
    sent_at: datetime
    entries: Sequence[Entry]


class Transport(Protocol):
    def send(self, target: AlarmTarget, message: Message) -> None:
        """Returns when the other side has taken it; RemoteError otherwise."""
        ...
