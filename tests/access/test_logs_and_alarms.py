"""Behaviour log and alarms."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from access.actors import SYSTEM, Actor
from access.choices import ActorKind, Outcome, Severity, TargetKind
from access.models import Alarm, AlarmDelivery, AlarmTarget, BehaviourLog, Organisation, User
from access.services.alarms import (
    AlarmNews,
    acknowledge_alarm,
    close_alarm,
    close_alarms,
    forget_old_alarms,
    raise_alarm,
    raise_alarms,
)
from access.services.logs import record
from tests.access.test_token_ring_parallel import at_once

pytestmark = pytest.mark.django_db


def test_a_row_says_who_what_on_which_object_from_where_with_which_outcome() -> None:
    record(
        Actor(ActorKind.STAFF, 7, "王工", "10.1.2.3"),
        "云台控制",
        object_kind="camera",
        object_id=42,
        object_name="K1100+300",
        outcome=Outcome.REFUSED,
        reason="省级正在控制",
        detail={"action": 3},
    )
    row = BehaviourLog.objects.get()
    assert (row.actor_kind, row.actor_id, row.actor_name, row.address) == ("staff", 7, "王工", "10.1.2.3")
    assert (row.verb, row.object_kind, row.object_id, row.object_name) == (
        "云台控制",
        "camera",
        "42",
        "K1100+300",
    )
    assert (row.outcome, row.reason, row.detail) == ("refused", "省级正在控制", {"action": 3})


def test_hostile_words_never_lose_the_row() -> None:
    record(SYSTEM, "试" * 99, object_id="\0" + "x" * 99, object_name="\ud800" + "名" * 999, reason="因" * 999)
    row = BehaviourLog.objects.get()
    assert (len(row.verb), row.object_id, row.object_name[:2]) == (40, "x" * 64, "?名")


def test_an_alarm_is_open_once_and_counts(company: Organisation) -> None:
    first = raise_alarm(key="gateway:1", title="网关无应答")
    again = raise_alarm(key="gateway:1", title="网关无应答", severity=Severity.CRITICAL, organisation=company)
    other = raise_alarm(key="gateway:2", title="网关无应答")
    assert (again.pk, again.times_seen, again.severity, again.organisation) == (first.pk, 2, 3, company)
    assert again.last_seen_at > first.last_seen_at
    assert other.pk != first.pk


def test_a_closed_alarm_opens_anew() -> None:
    first = raise_alarm(key="gateway:1", title="网关无应答")
    close_alarm(key="gateway:1")
    close_alarm(key="never opened")
    first.refresh_from_db()
    assert first.closed_at is not None
    second = raise_alarm(key="gateway:1", title="网关无应答")
    assert (second.pk != first.pk, second.times_seen, second.closed_at) == (True, 1, None)


def test_many_at_once_are_as_one_by_one(company: Organisation) -> None:
    AlarmTarget.objects.create(name="邮箱", kind=TargetKind.MAIL, recipients="a@example.cn")
    standing = raise_alarm(key="b", title="旧", began_at=timezone.now() - timedelta(hours=1))
    news = [
        AlarmNews("c", "新"),
        AlarmNews("b", "更重", severity=Severity.CRITICAL, organisation=company),
        AlarmNews("a", "提示", severity=Severity.NOTICE),
    ]
    new, graver, notice = raise_alarms(news)
    assert [new.key, graver.pk, notice.key] == ["c", standing.pk, "a"]
    assert (graver.times_seen, graver.title, graver.began_at) == (2, "更重", standing.began_at)
    told = AlarmDelivery.objects.order_by("alarm__key", "pk").values_list("alarm__key", "event")
    assert list(told) == [("b", "opened"), ("b", "raised"), ("c", "opened")]
    close_alarms({"a": "", "b": "好了", "never": ""})
    assert set(Alarm.objects.exclude(closed_at=None).values_list("key", "message")) == {("a", ""), ("b", "好了")}
    assert AlarmDelivery.objects.filter(event="closed").get().alarm == standing
    assert raise_alarms([]) == []


@pytest.mark.django_db(transaction=True)
def test_six_who_open_it_at_once_open_it_once() -> None:
    at_once(6, lambda: raise_alarm(key="gateway:1", title="网关无应答").pk)
    assert Alarm.objects.get().times_seen == 6


def test_an_alarm_is_acknowledged_by_the_first(operator: User, outsider: User) -> None:
    alarm = raise_alarm(key="gateway:1", title="网关无应答")
    actors = [Actor(ActorKind.STAFF, user.pk, user.display_name) for user in (operator, outsider)]
    assert acknowledge_alarm(alarm=alarm, user=operator, actor=actors[0])
    assert not acknowledge_alarm(alarm=alarm, user=outsider, actor=actors[1])
    alarm.refresh_from_db()
    assert alarm.acknowledged_by == operator
    assert BehaviourLog.objects.filter(verb="确认告警").count() == 1


def test_old_alarms_are_forgotten_with_their_messages(settings: LazySettings) -> None:
    AlarmTarget.objects.create(name="邮箱", kind=TargetKind.MAIL, recipients="a@example.cn")
    now = timezone.now()
    raise_alarm(key="a", title="旧")
    close_alarm(key="a")
    raise_alarm(key="b", title="一直没有恢复")
    assert set(AlarmDelivery.objects.values_list("alarm__key", flat=True)) == {"a", "b"}
    Alarm.objects.update(opened_at=now - timedelta(days=999))
    assert forget_old_alarms() == 0
    Alarm.objects.filter(key="a").update(closed_at=now - timedelta(days=settings.ALARM_KEEP_DAYS, seconds=1))
    forget_old_alarms()
    assert list(Alarm.objects.values_list("key", flat=True)) == ["b"]
    assert set(AlarmDelivery.objects.values_list("alarm__key", flat=True)) == {"b"}
