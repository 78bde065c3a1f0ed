"""Alarms: everything that needs a hand, one row each while it lasts; to whom they are told, and what became of it."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, validate_email
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from access.addresses import http_fault
from access.choices import AlarmEvent, DeliveryState, Severity, TargetKind, WebhookProof
from access.encryption import EncryptedTextField


class Alarm(models.Model):
    """One trouble from its beginning to its end; `key` names the trouble, so that it is open only once."""

    key = models.CharField("标识", max_length=120)
    severity = models.IntegerField("级别", choices=Severity.choices, default=Severity.WARNING)
    title = models.CharField("告警", max_length=120)
    message = models.CharField("说明", max_length=400, blank=True)
    organisation = models.ForeignKey(
        "access.Organisation", models.CASCADE, null=True, blank=True, verbose_name="单位"
    )
    # Of an alarm about one camera: whoever may not know of the camera is not told. Cameras are not known here.
    camera_id = models.BigIntegerField("摄像机", null=True, blank=True, editable=False, db_index=True)
    # It concerns everybody below that organisation too, or everybody at all where there is none.
    is_shared = models.BooleanField("下级单位可见", default=False)
    # Since when it has been so: all durations count from here. Of cameras that is when they went away.
    began_at = models.DateTimeField("发生时间", default=timezone.now)
    # When it was seen, and so became an alarm.
    opened_at = models.DateTimeField("告警时间", auto_now_add=True)
    last_seen_at = models.DateTimeField("最近出现", auto_now=True)
    times_seen = models.PositiveIntegerField("出现次数", default=1)
    closed_at = models.DateTimeField("恢复时间", null=True, blank=True)
    acknowledged_at = models.DateTimeField("确认时间", null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        "access.User", models.SET_NULL, null=True, blank=True, verbose_name="确认人"
    )
    note = models.CharField("备注", max_length=400, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "告警"
        ordering = ["-opened_at"]
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=Q(closed_at=None), name="alarm_open_once")
        ]
        indexes = [
            # The history, the latest end first; also finds what is too old to be kept.
            models.Index(F("closed_at").desc(), F("id").desc(), name="alarm_ended", condition=~Q(closed_at=None))
        ]

    def __str__(self) -> str:
        return self.title


class AlarmTarget(models.Model):
    """One place outside that is told of alarms: a webhook, or some mail boxes."""

    name = models.CharField("名称", max_length=64, unique=True)
    kind = models.CharField("方式", max_length=8, choices=TargetKind.choices)
    url = models.CharField(
        "地址", max_length=300, blank=True, help_text="Webhook 的地址，形如 https://10.1.2.3/alarms"
    )
    proof = models.CharField(
        "校验方式", max_length=8, choices=WebhookProof.choices, default=WebhookProof.HMAC_SM3
    )
    secret = EncryptedTextField("密钥", blank=True)
    ca_file = models.CharField("CA 证书文件", max_length=200, blank=True, help_text="为空则用系统的 CA")
    recipients = models.TextField("收件人", blank=True, help_text="邮件地址，一行一个")
    severity = models.IntegerField("最低级别", choices=Severity.choices, default=Severity.WARNING)
    organisation = models.ForeignKey(
        "access.Organisation",
        models.CASCADE,
        null=True,
        blank=True,
        verbose_name="单位",
        help_text="只发该单位及其下级的告警；为空则全部，包括平台自身的",
    )
    is_told_end = models.BooleanField("恢复时再告知", default=True)
    # Between two messages; what happens meanwhile goes out together.
    pause_seconds = models.PositiveIntegerField(
        "最短间隔（秒）",
        default=60,
        validators=[MaxValueValidator(3600)],
        help_text="两次发送之间至少相隔，其间的告警合为一次",
    )
    is_active = models.BooleanField("启用", default=True)
    sent_at = models.DateTimeField("最近成功", null=True, blank=True, editable=False)
    failures = models.PositiveIntegerField("连续失败", default=0, editable=False)
    last_error = models.CharField("最近错误", max_length=200, blank=True, editable=False)
    retry_at = models.DateTimeField("下次发送", null=True, blank=True, editable=False)
    # By the task that is sending; it may have died.
    claimed_until = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "告警外发"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        faults: dict[str, str] = {}
        if self.kind == TargetKind.WEBHOOK:
            self.url = self.url.strip()
            if fault := http_fault(self.url):
                faults["url"] = fault
            if self.proof != WebhookProof.NONE and not self.secret:
                faults["secret"] = "这种校验方式需要密钥"  # noqa: S105
            if self.proof == WebhookProof.BEARER and not (self.secret.isascii() and self.secret.isprintable()):
                faults["secret"] = "令牌只能含可打印的 ASCII 字符"  # noqa: S105
        elif fault := self._recipients_fault():
            faults["recipients"] = fault
        if faults:
            raise ValidationError(faults)

    @property
    def boxes(self) -> list[str]:
        return self.recipients.split()

    def _recipients_fault(self) -> str:
        for box in self.boxes:
            try:
                validate_email(box)
            except ValidationError:
                return f"“{box[:60]}”不是邮件地址"
        return "" if self.boxes else "至少写一个收件人"


class AlarmDelivery(models.Model):
    """One thing one target is to be told of one alarm; without an alarm it is a test."""

    target = models.ForeignKey(
        "access.AlarmTarget", models.CASCADE, related_name="deliveries", db_index=False, verbose_name="外发"
    )
    alarm = models.ForeignKey(
        "access.Alarm", models.CASCADE, null=True, related_name="deliveries", verbose_name="告警"
    )
    event = models.CharField("事件", max_length=8, choices=AlarmEvent.choices)
    state = models.CharField(
        "状态", max_length=8, choices=DeliveryState.choices, default=DeliveryState.PENDING
    )
    attempts = models.PositiveIntegerField("尝试次数", default=0)
    created_at = models.DateTimeField("产生时间")
    sent_at = models.DateTimeField("送达时间", null=True)
    last_error = models.CharField("最近错误", max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "告警外发记录"
        ordering = ["-id"]
        constraints = [
            # Once of each, however often it is raised.
            models.UniqueConstraint(fields=["target", "alarm", "event"], name="alarm_delivery_once")
        ]
        indexes = [
            models.Index(fields=["target", "id"], name="alarm_delivery_due", condition=Q(state="pending"))
        ]

    def __str__(self) -> str:
        return f"{self.target_id} {self.get_event_display()} {self.alarm_id}"
