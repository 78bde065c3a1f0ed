"""Case files (事件卷宗): an event, the cameras around it, what was written down about it, what left the house."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from access.days import ZONE
from protocol.fields import format_stake


class CaseFile(models.Model):
    """One event: where and when, with the cameras around it and everything that is kept of them."""

    title = models.CharField("事件", max_length=120)
    road = models.CharField("路线", max_length=64)
    stake_m = models.PositiveIntegerField("桩号（米）")
    event_at = models.DateTimeField("发生时间")
    opened_by = models.CharField("立卷人", max_length=64)
    opened_at = models.DateTimeField("立卷时间", default=timezone.now)
    closed_by = models.CharField("结卷人", max_length=64, blank=True)
    closed_at = models.DateTimeField("结卷时间", null=True)
    # The pictures went; nothing else does.
    released_by = models.CharField("解除留存人", max_length=64, blank=True)
    released_at = models.DateTimeField("解除留存时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "事件卷宗"
        ordering = ["-opened_at", "-pk"]
        constraints = [
            # Closing releases nothing, and what is still worked on keeps its pictures.
            models.CheckConstraint(
                condition=Q(released_at=None) | Q(closed_at__isnull=False), name="case_released_when_closed"
            )
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    @property
    def number(self) -> str:
        return f"{self.opened_at.astimezone(ZONE):%Y%m%d}-{self.pk:04d}"

    @property
    def stake(self) -> str:
        return format_stake(self.stake_m)

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


class CaseCamera(models.Model):
    """One camera of a case and one stretch of time, whose pictures are held; what the ledger said of it is copied."""

    case = models.ForeignKey(
        "cases.CaseFile", models.PROTECT, related_name="cameras", verbose_name="卷宗"
    )
    camera = models.ForeignKey(
        "cameras.Camera", models.PROTECT, related_name="case_cameras", verbose_name="摄像机"
    )
    hold = models.OneToOneField(
        "snapshots.PictureHold", models.PROTECT, related_name="case_camera", verbose_name="留存"
    )
    added_by = models.CharField("加入人", max_length=64)
    added_at = models.DateTimeField("加入时间", default=timezone.now)
    number = models.CharField("摄像机编号", max_length=64)
    name = models.CharField("名称", max_length=128)
    road = models.CharField("路线", max_length=64)
    stake = models.CharField("桩号", max_length=16)
    stake_m = models.IntegerField("桩号（米）")
    direction = models.CharField("方向", max_length=8)
    organisation = models.CharField("单位", max_length=200)
    # Slots without a picture, [unix second, why]; null while the stretch is not over. The rows that say so are
    # dropped with their day.
    gaps = models.JSONField("缺失时段", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "卷宗中的摄像机"
        ordering = ["stake_m", "direction", "pk"]
        indexes = [
            # Stretches that are over and not yet settled.
            models.Index(fields=["id"], name="case_camera_unsettled", condition=Q(gaps__isnull=True))
        ]

    def __str__(self) -> str:
        return self.name


class CaseNote(models.Model):
    """What somebody wrote into a case; nobody changes or deletes it."""

    case = models.ForeignKey("cases.CaseFile", models.PROTECT, related_name="notes", verbose_name="卷宗")
    at = models.DateTimeField("时间", default=timezone.now)
    by = models.CharField("记录人", max_length=64)
    text = models.TextField("记录", max_length=2000)

    class Meta:
        verbose_name = verbose_name_plural = "卷宗记录"
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.by} {self.at:%F %T}"


class CaseExport(models.Model):
    """One ZIP of a case that was handed out; by the SM3 of its manifest anybody can tell it from another."""

    case = models.ForeignKey("cases.CaseFile", models.PROTECT, related_name="exports", verbose_name="卷宗")
    at = models.DateTimeField("时间", default=timezone.now)
    by = models.CharField("导出人", max_length=64)
    # Of what was written; empty while it is being sent, and for ever when whoever asked for it hung up.
    pictures = models.PositiveIntegerField("截图数", default=0)
    files = models.PositiveIntegerField("文件数", default=0)
    manifest_sm3 = models.CharField("清单 SM3", max_length=64, blank=True, db_index=True)

    class Meta:
        verbose_name = verbose_name_plural = "卷宗导出"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.by} {self.at:%F %T}"
