"""Opening and closing alarms."""

from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from access.actors import Actor
from access.choices import AlarmEvent, Severity
from access.models import Alarm, Organisation, User
from access.services.logs import record
from access.services.telling import plan_closed, plan_opened


def raise_alarm(
    *,
    key: str,
    title: str,
    message: str = "",
    severity: Severity = Severity.WARNING,
    organisation: Organisation | None = None,
    is_shared: bool = False,
    camera_id: int | None = None,
) -> Alarm:
    """Opens the alarm `key`, or counts it once more while it is open. The newest words stand.

    `camera_id` is given where it is about one camera: those from whom the camera is hidden do not see it.

    Targets are told when it opens and when it becomes graver, not when its words change.
    """
    words = {
        "title": title[:120],
        "message": message[:400],
        "severity": severity,
        "organisation": organisation,
        "is_shared": is_shared,
        "camera_id": camera_id,
    }
    # Two who open at once: the second loses at the unique index and counts instead.
    for _ in range(3):
        try:
            with transaction.atomic():
                return _count_once_more(key, words) or _open(key, words)
        except IntegrityError:
            continue
    raise RuntimeError(f"alarm {key} is opened and closed faster than it can be written")


def _count_once_more(key: str, words: dict[str, object]) -> Alarm | None:
    alarm = Alarm.objects.select_for_update().filter(key=key, closed_at=None).first()
    if alarm is None:
        return None
    severity = alarm.severity
    for name, value in words.items():
        setattr(alarm, name, value)
    alarm.times_seen += 1
    alarm.last_seen_at = timezone.now()
    alarm.save(update_fields=[*words, "times_seen", "last_seen_at"])
    if alarm.severity > severity:
        plan_opened(alarm, AlarmEvent.RAISED, alarm.last_seen_at)
    return alarm


def _open(key: str, words: dict[str, object]) -> Alarm:
    alarm = Alarm.objects.create(key=key, **words)
    plan_opened(alarm, AlarmEvent.OPENED, alarm.opened_at)
    return alarm


@transaction.atomic
def close_alarm(*, key: str, message: str = "") -> None:
    """Ends the alarm `key`, with other words if some are given; nothing happens when it is not open."""
    now = timezone.now()
    alarm = Alarm.objects.select_for_update().filter(key=key, closed_at=None).first()
    if alarm is None:
        return
    Alarm.objects.filter(pk=alarm.pk).update(closed_at=now, message=message[:400] or alarm.message)
    plan_closed(alarm, now)


@transaction.atomic
def acknowledge_alarm(*, alarm: Alarm, user: User, actor: Actor, note: str = "") -> bool:
    """Somebody has seen it; False when somebody else was first."""
    waiting = Alarm.objects.filter(pk=alarm.pk, acknowledged_at=None)
    if not waiting.update(acknowledged_at=timezone.now(), acknowledged_by=user, note=note[:400]):
        return False
    record(
        actor, "确认告警", object_kind="alarm", object_id=alarm.pk, object_name=alarm.title, reason=note[:200]
    )
    return True


@transaction.atomic
def note_alarm(*, alarm: Alarm, note: str, actor: Actor) -> None:
    """Other words on an alarm that was acknowledged already; the log keeps those before."""
    if note == alarm.note:
        return
    Alarm.objects.filter(pk=alarm.pk).update(note=note[:400])
    record(
        actor,
        "修改告警备注",
        object_kind="alarm",
        object_id=alarm.pk,
        object_name=alarm.title,
        detail={"原备注": alarm.note, "备注": note[:400]},
    )


def forget_old_alarms() -> int:
    """Those that ended more than ALARM_KEEP_DAYS ago, with what became of telling them."""
    oldest = timezone.now() - timedelta(days=settings.ALARM_KEEP_DAYS)
    deleted, _ = Alarm.objects.filter(closed_at__lt=oldest).delete()
    return deleted
