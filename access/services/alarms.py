"""Opening and closing alarms."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from access.actors import Actor
from access.choices import AlarmEvent, Severity
from access.models import Alarm, Organisation, User
from access.services.logs import record
from access.services.telling import plan_closed, plan_opened

_WORDS: Final = ["title", "message", "severity", "organisation", "is_shared", "camera_id"]
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class AlarmNews:
    """What is to be said now of the trouble `key`, as in `raise_alarm`."""

    key: str
    title: str
    message: str = ""
    severity: Severity = Severity.WARNING
    organisation: Organisation | None = None
    is_shared: bool = False
    camera_id: int | None = None
    began_at: datetime | None = None


def raise_alarm(
    *,
    key: str,
    title: str,
    message: str = "",
    severity: Severity = Severity.WARNING,
    organisation: Organisation | None = None,
    is_shared: bool = False,
    camera_id: int | None = None,
    began_at: datetime | None = None,
) -> Alarm:
    """Opens the alarm `key`, or counts it once more while it is open. The newest words stand.

    `camera_id` is given where it is about one camera: those from whom the camera is hidden do not see it. `began_at`
    where it has been so for longer than it was seen.

    Targets are told when it opens and when it becomes graver, not when its words change.
    """
    (alarm,) = raise_alarms([AlarmNews(key, title, message, severity, organisation, is_shared, camera_id, began_at)])
    return alarm


def raise_alarms(news: Sequence[AlarmNews]) -> list[Alarm]:
    """The same for many of different keys, in a few statements; the alarms are in the order of `news`."""
    # Two who open at once: the second loses at the unique index and counts instead.
    for _ in range(3):
        try:
            with transaction.atomic():
                return _raise(news)
        except IntegrityError:
            continue
    raise RuntimeError(f"{len(news)} alarms are opened and closed faster than they can be written")


def _raise(news: Sequence[AlarmNews]) -> list[Alarm]:
    now = timezone.now()
    known = {alarm.key: alarm for alarm in _locked_open([each.key for each in news])}
    opened, graver, found = [], [], []
    for each in news:
        alarm = known.get(each.key)
        if alarm is None:
            alarm = Alarm(key=each.key, began_at=each.began_at or now)
            opened.append(alarm)
        else:
            alarm.times_seen, alarm.last_seen_at = alarm.times_seen + 1, now
            if each.severity > alarm.severity:
                graver.append(alarm)
        _reword(alarm, each)
        found.append(alarm)
    Alarm.objects.bulk_create(opened)
    Alarm.objects.bulk_update(known.values(), [*_WORDS, "times_seen", "last_seen_at"], batch_size=_BATCH)
    plan_opened(opened, AlarmEvent.OPENED, now)
    plan_opened(graver, AlarmEvent.RAISED, now)
    return found


def _reword(alarm: Alarm, news: AlarmNews) -> None:
    alarm.title, alarm.message, alarm.severity = news.title[:120], news.message[:400], news.severity
    alarm.organisation, alarm.is_shared, alarm.camera_id = news.organisation, news.is_shared, news.camera_id


def _locked_open(keys: Iterable[str]) -> QuerySet[Alarm]:
    """In one order, so that nobody waits for each other."""
    return Alarm.objects.select_for_update(of=("self",)).filter(key__in=list(keys), closed_at=None).order_by("pk")


def close_alarm(*, key: str, message: str = "") -> None:
    """Ends the alarm `key`, with other words if some are given; nothing happens when it is not open."""
    close_alarms({key: message})


@transaction.atomic
def close_alarms(words: Mapping[str, str], *, now: datetime | None = None) -> None:
    """The same for many, by key, at one moment."""
    now = now or timezone.now()
    ended = list(_locked_open(words).select_related("organisation"))
    for alarm in ended:
        alarm.closed_at, alarm.message = now, words[alarm.key][:400] or alarm.message
    Alarm.objects.bulk_update(ended, ["closed_at", "message"], batch_size=_BATCH)
    plan_closed(ended, now)


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
