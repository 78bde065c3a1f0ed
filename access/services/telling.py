"""What has to be told to whom: rows written together with the alarm itself, so that no restart loses one."""

from datetime import datetime

from django.db.models import QuerySet

from access.choices import AlarmEvent
from access.models import Alarm, AlarmDelivery, AlarmTarget


def plan_opened(alarm: Alarm, event: AlarmEvent, now: datetime) -> None:
    """Every target in whose part of the tree and above whose severity the alarm is; in the caller's transaction."""
    _plan(alarm, event, AlarmTarget.objects.filter(is_active=True, severity__lte=alarm.severity), now)


def plan_closed(alarm: Alarm, now: datetime) -> None:
    """Those that were told of its beginning, or are about to be."""
    told = AlarmDelivery.objects.filter(alarm=alarm).values("target")
    _plan(alarm, AlarmEvent.CLOSED, AlarmTarget.objects.filter(is_active=True, is_told_end=True, pk__in=told), now)


def target_key(target: AlarmTarget) -> str:
    """Of the alarm that says that this target cannot be reached."""
    return f"alarm-target:{target.pk}"


def _plan(alarm: Alarm, event: AlarmEvent, targets: QuerySet[AlarmTarget], now: datetime) -> None:
    path = alarm.organisation.path if alarm.organisation else None
    rows = [
        AlarmDelivery(target=target, alarm=alarm, event=event, created_at=now)
        for target in targets.select_related("organisation")
        # One that cannot be reached is not told so.
        if _is_within(target, path) and alarm.key != target_key(target)
    ]
    AlarmDelivery.objects.bulk_create(rows, ignore_conflicts=True)


def _is_within(target: AlarmTarget, path: str | None) -> bool:
    if target.organisation is None:
        return True
    return path is not None and path.startswith(target.organisation.path)
