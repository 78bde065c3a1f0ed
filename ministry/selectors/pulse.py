"""The delivery log of the last hour, by minute."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Q
from django.db.models.functions import TruncMinute

from ministry.models import DeliveryCall, UpperPlatform
from protocol.codes import Code

MINUTES: Final = 60


@dataclass(frozen=True, slots=True)
class Minute:
    """Requests that began in one minute, and those among them that were not answered with success."""

    at: datetime
    calls: int = 0
    failures: int = 0


def pulse(platform: UpperPlatform, now: datetime) -> list[Minute]:
    """The last hour, the oldest minute first, quiet ones among them."""
    last = now.replace(second=0, microsecond=0)
    first = last - timedelta(minutes=MINUTES - 1)
    rows = (
        DeliveryCall.objects.filter(platform=platform, at__gte=first, at__lte=now)
        .annotate(minute=TruncMinute("at"))
        .values("minute")
        .annotate(calls=Count("id"), failures=Count("id", filter=~Q(code=Code.OK) | Q(code=None)))
        .values_list("minute", "calls", "failures")
    )
    busy = {minute: Minute(minute, calls, failures) for minute, calls, failures in rows}
    minutes = [first + timedelta(minutes=number) for number in range(MINUTES)]
    return [busy.get(minute, Minute(minute)) for minute in minutes]
