"""What has to be told to whom: rows written together with the alarm itself, so that no restart loses one."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from access.choices import AlarmEvent
from access.models import Alarm, AlarmDelivery, AlarmTarget

_BATCH: Final = 1000


def plan_opened(alarms: Sequence[Alarm], event: AlarmEvent, now: datetime) -> None:
    """Every target in whose part of the tree and above whose severity an alarm is; in the caller's transaction."""
    if not alarms:
        return
    targets = list(AlarmTarget.objects.filter(is_active=True).select_related("organisation"))
    _plan(((target, alarm) for alarm in alarms for target in targets if target.severity <= alarm.severity), event, now)


def plan_closed(alarms: Sequence[Alarm], now: datetime) -> None:
    """Those that were told of the beginning of an alarm, or are about to be."""
    if not alarms:
        return
    by_id = {alarm.pk: alarm for alarm in alarms}
    told = AlarmDelivery.objects.filter(alarm__in=by_id, target__is_active=True, target__is_told_end=True)
    pairs = {(row.alarm_id, row.target_id): row.target for row in told.select_related("target__organisation")}
    _plan(((target, by_id[pk]) for (pk, _), target in pairs.items() if pk is not None), AlarmEvent.CLOSED, now)


def target_key(target: AlarmTarget) -> str:
    """Of the alarm that says that this target cannot be reached."""
    return f"alarm-target:{target.pk}"


def _plan(pairs: Iterable[tuple[AlarmTarget, Alarm]], event: AlarmEvent, now: datetime) -> None:
    rows = [
        AlarmDelivery(target=target, alarm=alarm, event=event, created_at=now)
        for target, alarm in pairs
        # One that cannot be reached is not told so.
        if _is_within(target, alarm) and alarm.key != target_key(target)
    ]
    AlarmDelivery.objects.bulk_create(rows, ignore_conflicts=True, batch_size=_BATCH)


def _is_within(target: AlarmTarget, alarm: Alarm) -> bool:
    if target.organisation is None:
        return True
    return alarm.organisation is not None and alarm.organisation.path.startswith(target.organisation.path)
