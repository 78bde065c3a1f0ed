"""Telling alarms to the outside: one message at a time to each target, until it was taken or it is too late."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from access.actors import Actor
from access.choices import AlarmEvent, DeliveryState, Severity
from access.models import AlarmDelivery, AlarmTarget
from access.services.alarms import close_alarm, raise_alarm
from access.services.logs import record
from access.services.telling import target_key
from access.transports import TRANSPORTS, Entry, Message
from protocol.errors import RemoteError

logger = logging.getLogger(__name__)

# Of one message; what is left goes out with the next.
MOST_ENTRIES: Final = 50
FIRST_WAIT_SECONDS: Final = 5
LONGEST_WAIT_SECONDS: Final = 900
# Failures in a row from which on the target itself needs a hand.
FAILURES_TO_ALARM: Final = 5
# Beyond the slowest message: who is still at it after that has died.
_CLAIM_SECONDS: Final = 120


def due_targets(now: datetime | None = None) -> list[int]:
    """Ids of those that have something to be told and may be told now."""
    now = now or timezone.now()
    return list(_due(now).filter(Exists(_pending().filter(target=OuterRef("pk")))).values_list("pk", flat=True))


def tell_target(*, target_id: int, now: datetime | None = None) -> None:
    """Send what is pending for one target; nothing when another task is at it, or it is not its time."""
    now = now or timezone.now()
    claim = now + timedelta(seconds=_CLAIM_SECONDS)
    if not _due(now).filter(pk=target_id).update(claimed_until=claim):
        return
    target = AlarmTarget.objects.get(pk=target_id)
    pending = _pending().filter(target=target).select_related("alarm__organisation").order_by("pk")
    deliveries = list(pending[:MOST_ENTRIES])
    if not deliveries:
        AlarmTarget.objects.filter(pk=target_id, claimed_until=claim).update(claimed_until=None)
        return
    try:
        TRANSPORTS[target.kind].send(target, _message(deliveries, now))
    except RemoteError as error:
        _note_failure(target, deliveries, error, now)
    else:
        _note_success(target, deliveries, now)


def send_test(*, target: AlarmTarget, actor: Actor) -> str:
    """A message that says that it is a test, at once; what went wrong in words, or nothing."""
    now = timezone.now()
    delivery = AlarmDelivery.objects.create(
        target=target, event=AlarmEvent.TEST, state=DeliveryState.FAILED, attempts=1, created_at=now
    )
    row = AlarmDelivery.objects.filter(pk=delivery.pk)
    try:
        TRANSPORTS[target.kind].send(target, _message([delivery], now))
        error = ""
        row.update(state=DeliveryState.SENT, sent_at=timezone.now())
    except RemoteError as failure:
        error = failure.message[:200]
        row.update(last_error=error)
    record(
        actor, "测试告警外发", object_kind="alarmtarget", object_id=target.pk, object_name=target.name, reason=error
    )
    return error


def reset_target(*, target: AlarmTarget) -> None:
    """Its record was corrected: it is tried at once."""
    AlarmTarget.objects.filter(pk=target.pk).update(failures=0, retry_at=None, last_error="")
    close_alarm(key=target_key(target))


def _due(now: datetime) -> QuerySet[AlarmTarget]:
    is_free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    return AlarmTarget.objects.filter(is_free, Q(retry_at=None) | Q(retry_at__lte=now), is_active=True)


def _pending() -> QuerySet[AlarmDelivery]:
    return AlarmDelivery.objects.filter(state=DeliveryState.PENDING)


@transaction.atomic
def _note_success(target: AlarmTarget, deliveries: Sequence[AlarmDelivery], now: datetime) -> None:
    AlarmDelivery.objects.filter(pk__in=[delivery.pk for delivery in deliveries]).update(
        state=DeliveryState.SENT, sent_at=now, attempts=F("attempts") + 1, last_error=""
    )
    AlarmTarget.objects.filter(pk=target.pk).update(
        sent_at=now,
        failures=0,
        last_error="",
        retry_at=now + timedelta(seconds=target.pause_seconds),
        claimed_until=None,
    )
    if target.failures:
        close_alarm(key=target_key(target))


@transaction.atomic
def _note_failure(
    target: AlarmTarget, deliveries: Sequence[AlarmDelivery], error: RemoteError, now: datetime
) -> None:
    failures = target.failures + 1
    words = error.message[:200]
    logger.warning("alarm target %s: %s (failure %d)", target.name, words, failures)
    tried = AlarmDelivery.objects.filter(pk__in=[delivery.pk for delivery in deliveries])
    tried.update(attempts=F("attempts") + 1, last_error=words)
    too_late = now - timedelta(hours=settings.ALARM_DELIVERY_HOURS)
    _pending().filter(target=target, created_at__lt=too_late).update(state=DeliveryState.FAILED)
    wait = min(FIRST_WAIT_SECONDS * 2 ** min(failures - 1, 10), LONGEST_WAIT_SECONDS)
    AlarmTarget.objects.filter(pk=target.pk).update(
        failures=failures, last_error=words, retry_at=now + timedelta(seconds=wait), claimed_until=None
    )
    if failures >= FAILURES_TO_ALARM:
        raise_alarm(
            key=target_key(target),
            title=f"告警外发“{target.name}”不通",
            message=f"连续 {failures} 次没有送达：{words}",
            organisation=target.organisation,
        )


def _message(deliveries: Sequence[AlarmDelivery], now: datetime) -> Message:
    return Message(settings.PROVINCE_NAME, now, [_entry(delivery) for delivery in deliveries])


def _entry(delivery: AlarmDelivery) -> Entry:
    event, alarm = AlarmEvent(delivery.event), delivery.alarm
    page = f"{settings.PUBLIC_BASE_URL}{reverse('console:alarms')}"
    if alarm is None:
        return Entry(
            delivery_id=delivery.pk,
            event=event,
            alarm_id=None,
            key="test",
            severity=Severity.NOTICE,
            title="测试告警",
            message="这是一条测试，收到即表示外发可用",
            organisation="",
            began_at=delivery.created_at,
            opened_at=delivery.created_at,
            closed_at=None,
            url=page,
        )
    return Entry(
        delivery_id=delivery.pk,
        event=event,
        alarm_id=alarm.pk,
        key=alarm.key,
        severity=Severity(alarm.severity),
        title=alarm.title,
        message=alarm.message,
        organisation=alarm.organisation.name if alarm.organisation else "",
        began_at=alarm.began_at,
        opened_at=alarm.opened_at,
        closed_at=alarm.closed_at,
        url=f"{page}?alarm={alarm.pk}",
    )
