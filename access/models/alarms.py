"""Alarms: everything that needs a hand, one row each while it lasts."""

from django.db import models
from django.db.models import Q

from access.choices import Severity


class Alarm(models.Model):
    """One trouble from its beginning to its end; `key` names the trouble, so that it is open only once."""

    key = models.CharField("标识", max_length=120)
    severity = models.IntegerField("级别", choices=Severity.choices, default=Severity.WARNING)
    title = models.CharField("告警", max_length=120)
    message = models.CharField("说明", max_length=400, blank=True)
    organisation = models.ForeignKey(
        "access.Organisation", models.CASCADE, null=True, blank=True, verbose_name="单位"
    )
    opened_at = models.DateTimeField("发生时间", auto_now_add=True)
    last_seen_at = models.DateTimeField("最近出现", auto_now=True)
    times_seen = models.PositiveIntegerField("出现次数", default=1)
    closed_at = models.DateTimeField("恢复时间", null=True, blank=True)
    acknowledged_at = models.DateTimeField("确认时间", null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        "access.User", models.SET_NULL, null=True, blank=True, verbose_name="确认人"
    )

    class Meta:
        verbose_name = verbose_name_plural = "告警"
        ordering = ["-opened_at"]
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=Q(closed_at=None), name="alarm_open_once")
        ]

    def __str__(self) -> str:
        return self.title
