"""Opening and closing alarms."""

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from access.choices import Severity
from access.models import Alarm, Organisation


def raise_alarm(
    *,
    key: str,
    title: str,
    message: str = "",
    severity: Severity = Severity.WARNING,
    organisation: Organisation | None = None,
) -> Alarm:
    """Opens the alarm `key`, or counts it once more while it is open. The newest words stand."""
    words = {
        "title": title[:120],
        "message": message[:400],
        "severity": severity,
        "organisation": organisation,
    }
    # Two who open at once: the second loses at the unique index and counts instead.
    for _ in range(3):
        open_alarm = Alarm.objects.filter(key=key, closed_at=None)
        if open_alarm.update(times_seen=F("times_seen") + 1, last_seen_at=timezone.now(), **words):
            found = open_alarm.select_related("organisation").first()
            if found is not None:
                return found
        try:
            with transaction.atomic():
                return Alarm.objects.create(key=key, **words)
        except IntegrityError:
            continue
    raise RuntimeError(f"alarm {key} is opened and closed faster than it can be written")


def close_alarm(*, key: str) -> None:
    """Ends the alarm `key`; nothing happens when it is not open."""
    Alarm.objects.filter(key=key, closed_at=None).update(closed_at=timezone.now())
