"""Opening and closing alarms."""

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from access.actors import Actor
from access.choices import Severity
from access.models import Alarm, Organisation, User
from access.services.logs import record


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


@transaction.atomic
def acknowledge_alarm(*, alarm: Alarm, user: User, actor: Actor) -> bool:
    """Somebody has seen it; False when somebody else was first."""
    waiting = Alarm.objects.filter(pk=alarm.pk, acknowledged_at=None)
    if not waiting.update(acknowledged_at=timezone.now(), acknowledged_by=user):
        return False
    record(actor, "确认告警", object_kind="alarm", object_id=alarm.pk, object_name=alarm.title)
    return True
