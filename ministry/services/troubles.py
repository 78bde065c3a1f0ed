"""What an upper platform did not take: when it is tried again, in which batches, and when it is parked.

A whole batch that is refused says nothing about which item is at fault. Each failure is a strike for all of its
items, and items with strikes travel in smaller batches, down to one: what is good gets through and loses its
strikes, the culprit stays alone and is parked. Nothing of this is held in memory, so it survives a killed worker.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from django.conf import settings
from django.db import connection
from django.utils import timezone

from ministry.choices import Interface
from ministry.models import AnalysisDelivery, DeliveryTrouble

REFUSALS_TO_PARK: Final = 5
# An answer 500 counts once, and three in a row halve the batch; an answer 400 halves it at once.
STRIKES_TO_HALVE: Final = 3
PARKED_SECONDS: Final = 3600
_FIRST_WAIT_SECONDS: Final = 20
_LONGEST_STRIKE_SECONDS: Final = 60
_LONGEST_REASON: Final = 200
# A list of as many parameters takes the ORM longer to write than the database to carry out.
_CLEAR: Final = "DELETE FROM ministry_deliverytrouble WHERE interface = %s AND delivery_id = ANY(%s)"
_random = secrets.SystemRandom()


def jitter(seconds: float) -> float:
    """Up to a quarter less, so that what failed together does not come back together."""
    return seconds * _random.uniform(0.75, 1)


def batch_limit(strikes: int) -> int:
    """How many items with that many strikes may travel together."""
    size = int(settings.MINISTRY_BATCH_SIZE)
    return max(1, size >> min(strikes // STRIKES_TO_HALVE, 30))


@dataclass(frozen=True, slots=True)
class Trouble:
    """The state of one item that was not taken; `about` is what was sent of it."""

    since: datetime
    about: str = ""
    reason: str = ""
    attempts: int = 0
    refusals: int = 0
    strikes: int = 0
    retry_at: datetime | None = None
    parked_at: datetime | None = None

    def refused(self, about: str, reason: str) -> "Trouble":
        """The item itself was refused: wait longer each time, and park it after five in a row."""
        refusals = self.refusals + 1
        waiting = replace(self._waiting(about, reason), refusals=refusals)
        return waiting.parked() if refusals >= REFUSALS_TO_PARK else waiting

    def unanswered(self, about: str, reason: str) -> "Trouble":
        """The batch was taken, but nothing was said of this item."""
        return self._waiting(about, reason)

    def struck(
        self, about: str, reason: str, *, sent_with: int, is_malformed: bool, may_park: bool
    ) -> "Trouble":
        """The batch of `sent_with` items was refused as a whole; who was in it alone is the culprit."""
        strikes = self.strikes + 1
        is_judged = is_malformed or strikes % STRIKES_TO_HALVE == 0
        is_culprit = is_judged and sent_with == 1
        # Smaller batches of what is malformed are tried at once; what failed over there may be well again soon.
        wait = 0 if is_malformed and not is_culprit else min(2 ** min(strikes, 9), _LONGEST_STRIKE_SECONDS)
        struck = replace(
            self,
            about=about,
            reason=reason[:_LONGEST_REASON],
            attempts=self.attempts + 1,
            strikes=_strikes_to_travel_with(sent_with // 2, strikes) if is_judged else strikes,
            retry_at=timezone.now() + timedelta(seconds=jitter(wait)),
        )
        return struck.parked() if is_culprit and may_park else struck

    def parked(self) -> "Trouble":
        """Out of the way; tried again hourly, with another value, or when staff ask."""
        now = timezone.now()
        return replace(
            self, parked_at=self.parked_at or now, retry_at=now + timedelta(seconds=PARKED_SECONDS)
        )

    def _waiting(self, about: str, reason: str) -> "Trouble":
        attempts = self.attempts + 1
        return replace(
            self,
            about=about,
            reason=reason[:_LONGEST_REASON],
            attempts=attempts,
            retry_at=_later(attempts),
        )


def _strikes_to_travel_with(others: int, at_least: int) -> int:
    """The fewest strikes, whole threes, with which a batch is no larger than that."""
    strikes = -(-at_least // STRIKES_TO_HALVE) * STRIKES_TO_HALVE
    while batch_limit(strikes) > max(others, 1):
        strikes += STRIKES_TO_HALVE
    return strikes


def _later(attempts: int) -> datetime:
    wait = min(_FIRST_WAIT_SECONDS * 2 ** min(attempts - 1, 9), PARKED_SECONDS)
    return timezone.now() + timedelta(seconds=jitter(wait))


class TroubleStore(Protocol):
    """Where the troubles of one kind of delivery are kept; keys are ids of deliveries."""

    def load(self, keys: Sequence[int]) -> dict[int, Trouble]: ...

    def save(self, troubles: Mapping[int, Trouble]) -> None: ...

    def clear(self, keys: Iterable[int]) -> None: ...


class CameraTroubles:
    """Rows of DeliveryTrouble."""

    _FIELDS: Final = ("since", "about", "reason", "attempts", "refusals", "strikes", "retry_at", "parked_at")

    def __init__(self, interface: Interface) -> None:
        self._interface = interface

    def load(self, keys: Sequence[int]) -> dict[int, Trouble]:
        rows = DeliveryTrouble.objects.filter(interface=self._interface, delivery__in=keys)
        return {key: Trouble(*values) for key, *values in rows.values_list("delivery_id", *self._FIELDS)}

    def save(self, troubles: Mapping[int, Trouble]) -> None:
        rows = [
            DeliveryTrouble(
                delivery_id=key,
                interface=self._interface,
                **{field: getattr(trouble, field) for field in self._FIELDS},
            )
            for key, trouble in sorted(troubles.items())
        ]
        DeliveryTrouble.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["delivery", "interface"],
            update_fields=self._FIELDS,
        )

    def clear(self, keys: Iterable[int]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_CLEAR, [self._interface, list(keys)])


class AnalysisTroubles:
    """Columns of the delivery itself: an event is told once and then never again."""

    def load(self, keys: Sequence[int]) -> dict[int, Trouble]:
        return {
            row.pk: Trouble(
                since=row.received_at,
                reason=row.last_error,
                attempts=row.attempts,
                # Its refusals are all the attempts there were.
                refusals=row.attempts,
                strikes=row.strikes,
                retry_at=row.retry_at,
                parked_at=row.parked_at,
            )
            for row in AnalysisDelivery.objects.filter(pk__in=keys)
        }

    def save(self, troubles: Mapping[int, Trouble]) -> None:
        rows = list(AnalysisDelivery.objects.filter(pk__in=list(troubles)))
        for row in rows:
            trouble = troubles[row.pk]
            row.last_error, row.attempts, row.strikes = trouble.reason, trouble.attempts, trouble.strikes
            row.retry_at, row.parked_at = trouble.retry_at, trouble.parked_at
        AnalysisDelivery.objects.bulk_update(
            rows, ["last_error", "attempts", "strikes", "retry_at", "parked_at"]
        )

    def clear(self, keys: Iterable[int]) -> None:
        """Nothing: what was told is marked so, with its time."""
