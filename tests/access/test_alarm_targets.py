"""Alarms out: to whom, what, when again, and what of it is proved to the receiver."""

import email
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from time_machine import TimeMachineFixture

from access.actors import SYSTEM
from access.choices import AlarmEvent, DeliveryState, Severity, TargetKind, WebhookProof
from access.models import Alarm, AlarmDelivery, AlarmTarget, BehaviourLog, Organisation, User
from access.services.alarms import close_alarm, raise_alarm
from access.services.targets import (
    FAILURES_TO_ALARM,
    FIRST_WAIT_SECONDS,
    LONGEST_WAIT_SECONDS,
    MOST_ENTRIES,
    due_targets,
    send_test,
    tell_target,
)
from access.tasks import tell_targets
from protocol.sm2 import hmac_sm3
from tests.access.receivers import MailServer, Receiver

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SECRET = "duty-room-secret"


@pytest.fixture(autouse=True)
def clock(time_machine: TimeMachineFixture) -> TimeMachineFixture:
    time_machine.move_to(NOON, tick=False)
    return time_machine


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def mail_server(settings: LazySettings) -> Iterator[MailServer]:
    with MailServer() as running:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running.port
        yield running


def webhook(receiver: Receiver, name: str = "值班室", **fields: Any) -> AlarmTarget:
    values = {"kind": TargetKind.WEBHOOK, "url": receiver.url, "secret": SECRET, **fields}
    target = AlarmTarget(name=name, **values)
    target.full_clean()
    target.save()
    return target


def mailbox(**fields: Any) -> AlarmTarget:
    values = {"name": "邮箱", "kind": TargetKind.MAIL, "recipients": "a@example.cn\nb@example.cn", **fields}
    target = AlarmTarget(**values)
    target.full_clean()
    target.save()
    return target


def tell(target: AlarmTarget, seconds: float = 0) -> AlarmTarget:
    tell_target(target_id=target.pk, now=NOON + seconds * SECOND)
    target.refresh_from_db()
    return target


def bodies(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(body) for _, _, body in receiver.requests]


def events(receiver: Receiver) -> list[list[tuple[str, str]]]:
    return [[(one["event"], one["title"]) for one in body["alarms"]] for body in bodies(receiver)]


# Who is told what ---------------------------------------------------------------------------------


def test_by_severity_and_by_organisation(
    receiver: Receiver, company: Organisation, office: Organisation, other_company: Organisation
) -> None:
    everything = webhook(receiver, "全部", severity=Severity.NOTICE)
    grave = webhook(receiver, "严重", severity=Severity.CRITICAL)
    of_company = webhook(receiver, "公司", severity=Severity.NOTICE, organisation=company)
    of_other = webhook(receiver, "另一公司", severity=Severity.NOTICE, organisation=other_company)
    webhook(receiver, "停用", severity=Severity.NOTICE, is_active=False)
    raise_alarm(key="a", title="一路离线", severity=Severity.NOTICE, organisation=office)
    raise_alarm(key="b", title="媒体服务器无应答", severity=Severity.CRITICAL)
    told = AlarmDelivery.objects.values_list("target", "alarm__key")
    assert sorted(told) == sorted([(everything.pk, "a"), (everything.pk, "b"), (grave.pk, "b"), (of_company.pk, "a")])
    assert sorted(due_targets(NOON)) == sorted([everything.pk, grave.pk, of_company.pk])
    assert of_other.deliveries.count() == 0


def test_told_once_and_again_when_graver_and_when_over(receiver: Receiver) -> None:
    target = webhook(receiver, pause_seconds=0)
    late = webhook(receiver, "只要严重", severity=Severity.CRITICAL, is_told_end=False)
    for _ in range(3):
        raise_alarm(key="a", title="10 路离线")
    tell(target)
    raise_alarm(key="a", title="200 路离线", severity=Severity.CRITICAL)
    raise_alarm(key="a", title="210 路离线", severity=Severity.CRITICAL)
    tell(target, 1)
    close_alarm(key="a")
    tell(target, 2)
    assert events(receiver) == [[("opened", "10 路离线")], [("raised", "210 路离线")], [("closed", "210 路离线")]]
    assert list(late.deliveries.values_list("event", flat=True)) == [AlarmEvent.RAISED]


def test_what_happens_within_the_pause_goes_out_together(receiver: Receiver) -> None:
    target = webhook(receiver)
    raise_alarm(key="a", title="甲")
    tell(target)
    for name in "乙丙":
        raise_alarm(key=name, title=name)
    close_alarm(key="乙")
    tell(target, 59)
    assert due_targets(NOON + 59 * SECOND) == []
    tell(target, 60)
    assert events(receiver) == [[("opened", "甲")], [("opened", "乙"), ("opened", "丙"), ("closed", "乙")]]


def test_a_flood_goes_out_in_pieces(receiver: Receiver) -> None:
    target = webhook(receiver)
    for number in range(MOST_ENTRIES + 1):
        raise_alarm(key=f"{number}", title=f"{number}")
    tell(target)
    tell(target, 60)
    assert [len(body["alarms"]) for body in bodies(receiver)] == [MOST_ENTRIES, 1]


# Webhooks -----------------------------------------------------------------------------------------


def test_a_signed_webhook(receiver: Receiver, company: Organisation, settings: LazySettings) -> None:
    target = webhook(receiver)
    alarm = raise_alarm(key="gateway:7", title="网关无应答", message="超时", organisation=company)
    target = tell(target)
    ((path, headers, body),) = receiver.requests
    assert path == "/alarms?to=duty"
    signed = hmac_sm3(SECRET.encode(), headers["X-Alarm-Timestamp"].encode() + b"." + body)
    assert headers["X-Alarm-Signature"] == f"sm3={signed.hex()}"
    assert int(headers["X-Alarm-Timestamp"]) == NOON.timestamp()
    delivery = AlarmDelivery.objects.get()
    assert json.loads(body) == {
        "platform": settings.PROVINCE_NAME,
        "sentAt": "2026-11-22T04:00:00+00:00",
        "alarms": [
            {
                "delivery": delivery.pk,
                "event": "opened",
                "alarm": alarm.pk,
                "key": "gateway:7",
                "severity": 2,
                "severityName": "警告",
                "title": "网关无应答",
                "message": "超时",
                "organisation": "山东高速",
                "beganAt": "2026-11-22T04:00:00+00:00",
                "openedAt": "2026-11-22T04:00:00+00:00",
                "closedAt": None,
                "url": f"{settings.PUBLIC_BASE_URL}/alarms/?alarm={alarm.pk}",
            }
        ],
    }
    assert (delivery.state, delivery.attempts, delivery.sent_at) == (DeliveryState.SENT, 1, NOON)
    assert (target.sent_at, target.claimed_until, target.retry_at) == (NOON, None, NOON + 60 * SECOND)


def test_a_token_instead_of_a_signature(receiver: Receiver) -> None:
    raise_alarm_and_tell(webhook(receiver, proof=WebhookProof.BEARER))
    raise_alarm_and_tell(webhook(receiver, "无", proof=WebhookProof.NONE, secret=""))
    first, second = (headers for _, headers, _ in receiver.requests)
    assert (first["Authorization"], "X-Alarm-Signature" in first) == (f"Bearer {SECRET}", False)
    assert "Authorization" not in second


def raise_alarm_and_tell(target: AlarmTarget) -> AlarmTarget:
    raise_alarm(key=f"of {target.name}", title="离线")
    return tell(target)


@pytest.mark.parametrize("status", [301, 400, 404, 500, 503])
def test_whatever_is_not_success_is_tried_again(status: int, receiver: Receiver) -> None:
    receiver.status, receiver.headers = status, {"Location": receiver.url}
    target = raise_alarm_and_tell(webhook(receiver))
    delivery = AlarmDelivery.objects.get()
    assert (delivery.state, delivery.attempts) == (DeliveryState.PENDING, 1)
    assert delivery.last_error.startswith(f"对方答复 HTTP {status}")
    # A redirect is not followed.
    assert len(receiver.requests) == 1
    assert target.retry_at == NOON + FIRST_WAIT_SECONDS * SECOND
    receiver.status = 204
    tell(target, FIRST_WAIT_SECONDS - 1)
    assert len(receiver.requests) == 1
    target = tell(target, FIRST_WAIT_SECONDS)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, target.failures, target.last_error) == (DeliveryState.SENT, 2, 0, "")


def test_who_never_answers_is_given_up_in_time(receiver: Receiver, settings: LazySettings) -> None:
    settings.ALARM_SEND_SECONDS = 0.2
    receiver.status = 0
    target = raise_alarm_and_tell(webhook(receiver))
    assert "无法访问：超时" in target.last_error or "迟迟没有结束" in target.last_error


def test_nobody_listens_there(receiver: Receiver) -> None:
    target = webhook(receiver, url="http://127.0.0.1:9/")
    assert raise_alarm_and_tell(target).last_error == "127.0.0.1 无法访问：连接失败"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_an_address_outside_the_networks_is_not_called(
    host: str, receiver: Receiver, settings: LazySettings
) -> None:
    settings.ALARM_NETWORKS = ["10.0.0.0/8"]
    target = webhook(receiver, url=receiver.url.replace("127.0.0.1", host))
    assert "不在允许的网段内" in raise_alarm_and_tell(target).last_error
    assert receiver.requests == []


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"url": "ftp://10.0.0.1/"}, "url"),
        ({"url": "http:///alarms"}, "url"),
        ({"url": "http://[::1/"}, "url"),
        ({"url": "http://user:pass@10.0.0.1/"}, "url"),
        ({"url": "http://10.0.0.1/a b"}, "url"),
        ({"url": "http://10.0.0.1/a\r\nHost: b"}, "url"),
        ({"url": ""}, "url"),
        ({"secret": ""}, "secret"),
        ({"proof": WebhookProof.BEARER, "secret": "a\nb"}, "secret"),
        ({"kind": TargetKind.MAIL, "recipients": ""}, "recipients"),
        ({"kind": TargetKind.MAIL, "recipients": "a@example.cn nobody"}, "recipients"),
        ({"pause_seconds": 3601}, "pause_seconds"),
    ],
)
def test_what_is_entered_wrongly_is_named(fields: dict[str, Any], wrong: str, receiver: Receiver) -> None:
    with pytest.raises(ValidationError) as caught:
        webhook(receiver, **fields)
    assert wrong in caught.value.message_dict


# A target that is dead ----------------------------------------------------------------------------


def test_the_waits_grow_and_the_target_is_an_alarm_itself(receiver: Receiver) -> None:
    receiver.status = 500
    target, other = webhook(receiver), webhook(receiver, "另一处")
    raise_alarm(key="a", title="离线")
    waits, at = [], 0.0
    for _ in range(10):
        tell(target, at)
        assert target.retry_at is not None
        wait = (target.retry_at - NOON).total_seconds() - at
        waits.append(wait)
        at += wait
    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, LONGEST_WAIT_SECONDS, LONGEST_WAIT_SECONDS]
    alarm = Alarm.objects.get(key=f"alarm-target:{target.pk}")
    assert alarm.title == "告警外发“值班室”不通"
    assert f"连续 {FAILURES_TO_ALARM}" not in alarm.message
    # The others are told of it, it itself is not.
    assert set(alarm.deliveries.values_list("target", flat=True)) == {other.pk}
    receiver.status = 200
    tell(target, at)
    alarm.refresh_from_db()
    assert alarm.closed_at is not None


def test_it_hurts_nobody_else(receiver: Receiver) -> None:
    dead, alive = webhook(receiver, url="http://127.0.0.1:9/"), webhook(receiver, "另一处")
    raise_alarm(key="a", title="离线")
    tell(dead)
    tell(alive)
    assert len(receiver.requests) == 1


def test_what_is_too_old_is_given_up_and_said_so(receiver: Receiver, settings: LazySettings) -> None:
    target = webhook(receiver, url="http://127.0.0.1:9/")
    raise_alarm(key="a", title="离线")
    tell(target, settings.ALARM_DELIVERY_HOURS * 3600 + 1)
    assert AlarmDelivery.objects.get().state == DeliveryState.FAILED


def test_two_tasks_send_once_and_a_dead_one_loses_nothing(receiver: Receiver) -> None:
    target = webhook(receiver)
    raise_alarm(key="a", title="离线")
    AlarmTarget.objects.update(claimed_until=NOON + 120 * SECOND)
    tell(target)
    assert (receiver.requests, due_targets(NOON)) == ([], [])
    tell(target, 120)
    assert len(receiver.requests) == 1


def test_beat_hands_each_target_to_a_task(receiver: Receiver, settings: LazySettings) -> None:
    from province.celery import app

    app.conf.task_always_eager = True
    try:
        webhook(receiver), webhook(receiver, "另一处")
        raise_alarm(key="a", title="离线")
        tell_targets()
    finally:
        app.conf.task_always_eager = False
    assert len(receiver.requests) == 2


# Mail ---------------------------------------------------------------------------------------------


def letter_of(text: str) -> Message:
    return email.message_from_bytes(text.encode())


def words_of(letter: Message) -> tuple[str, str]:
    subject = str(email.header.make_header(email.header.decode_header(letter["Subject"])))
    body = letter.get_payload(decode=True)
    assert isinstance(body, bytes)
    return subject, body.decode()


def test_one_letter_with_several(mail_server: MailServer, company: Organisation, settings: LazySettings) -> None:
    target = mailbox()
    raise_alarm(key="a", title="网关无应答", message="超时", organisation=company)
    grave = raise_alarm(key="b", title="200 路\r\n离线", severity=Severity.CRITICAL)
    close_alarm(key="a")
    tell(target)
    ((boxes, text),) = mail_server.letters
    subject, body = words_of(letter_of(text))
    assert boxes == ["a@example.cn", "b@example.cn"]
    assert subject == f"[{settings.PROVINCE_NAME}] 严重：200 路 离线 等 3 条"
    first, second, third = body.strip().split("\n\n")
    assert "【警告】网关无应答\n超时\n山东高速 · 2026-11-22 12:00:00 发生" in first
    assert f"?alarm={grave.pk}" in second
    assert third.startswith("【恢复】网关无应答")
    assert "，2026-11-22 12:00:00 恢复" in third
    assert target.deliveries.filter(state=DeliveryState.SENT).count() == 3


def test_a_mail_server_that_refuses_or_is_none(mail_server: MailServer, settings: LazySettings) -> None:
    target = mailbox()
    mail_server.refuses = True
    assert raise_alarm_and_tell(target).last_error.startswith("邮件服务器未接受：")
    settings.EMAIL_HOST = ""
    assert tell(target, 5).last_error == "未配置邮件服务器（EMAIL_HOST）"
    assert AlarmDelivery.objects.get().attempts == 2


# By hand ------------------------------------------------------------------------------------------


def test_a_test_message_says_that_it_is_one(receiver: Receiver) -> None:
    target = webhook(receiver)
    assert send_test(target=target, actor=SYSTEM) == ""
    assert events(receiver) == [[("test", "测试告警")]]
    receiver.status = 500
    assert "HTTP 500" in send_test(target=target, actor=SYSTEM)
    states = list(target.deliveries.order_by("pk").values_list("event", "state"))
    assert states == [(AlarmEvent.TEST, DeliveryState.SENT), (AlarmEvent.TEST, DeliveryState.FAILED)]
    assert due_targets(NOON) == []
    assert BehaviourLog.objects.filter(verb="测试告警外发").count() == 2


def test_the_admin_masks_the_secret_keeps_it_and_tests(receiver: Receiver, province_admin: User) -> None:
    User.objects.filter(pk=province_admin.pk).update(is_superuser=True, is_staff=True)
    client = Client()
    client.force_login(province_admin)
    target = webhook(receiver)
    AlarmTarget.objects.update(failures=9, retry_at=NOON + timedelta(hours=1))
    page = reverse("admin:access_alarmtarget_change", args=[target.pk])
    assert SECRET not in client.get(page).content.decode()
    form = {
        **{"name": "新名", "kind": "webhook", "url": receiver.url, "proof": "hmac", "secret": "", "severity": 2},
        **{"pause_seconds": 60, "is_active": "on"},
    }
    assert client.post(page, form).status_code == 302
    target.refresh_from_db()
    assert (target.name, target.secret, target.failures, target.retry_at) == ("新名", SECRET, 0, None)
    test = {"action": "test", "_selected_action": [target.pk]}
    said = client.post(reverse("admin:access_alarmtarget_changelist"), test, follow=True)
    assert "新名：已送达" in said.content.decode()
    assert client.get(reverse("admin:access_alarmdelivery_changelist")).status_code == 200
