"""Reports of the acceptance of gateways, kept."""

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone

from acceptance.choices import Verdict
from streaming.choices import VideoType

# Longer than the task may wait for a worker (`expires` of the task): what has not begun by then never will.
START_SECONDS = 150
# Longer than it may wait and run: what is not finished by then died.
LONGEST_SECONDS = 600


def is_under_way(now: datetime) -> models.Q:
    """As `AcceptanceReport.is_running`, for a query."""
    has_begun = models.Q(begun_at__isnull=False, asked_at__gt=now - timedelta(seconds=LONGEST_SECONDS))
    waits = models.Q(begun_at=None, asked_at__gt=now - timedelta(seconds=START_SECONDS))
    return models.Q(has_begun | waits, finished_at=None)


class AcceptanceReport(models.Model):
    """One look at a gateway: low and high streams of some of its cameras, held against the document."""

    gateway = models.ForeignKey(
        "cameras.Gateway",
        models.SET_NULL,
        null=True,
        related_name="acceptance_reports",
        verbose_name="网关",
    )
    # Both stay when the gateway's record is gone.
    gateway_name = models.CharField("网关名称", max_length=130)
    organisation = models.ForeignKey(
        "access.Organisation", models.CASCADE, related_name="acceptance_reports", verbose_name="单位"
    )
    asked_at = models.DateTimeField("验收时间", default=timezone.now)
    asked_by = models.CharField("验收人", max_length=64)
    begun_at = models.DateTimeField("开始时间", null=True)
    cameras_wanted = models.PositiveSmallIntegerField("摄像机数")
    # Objects of `Line`, in the order in which they were found.
    findings = models.JSONField("各项", default=list)
    error = models.CharField("未完成的原因", max_length=200, blank=True)
    finished_at = models.DateTimeField("完成时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "接入验收报告"
        ordering = ["-asked_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.gateway_name} {self.asked_at:%F %T}"

    @property
    def bad_count(self) -> int:
        return sum(line["is_good"] is False for line in self.findings)

    @property
    def is_running(self) -> bool:
        longest = LONGEST_SECONDS if self.begun_at else START_SECONDS
        return self.finished_at is None and timezone.now() - self.asked_at < timedelta(seconds=longest)

    @property
    def verdict(self) -> Verdict:
        if self.is_running:
            return Verdict.RUNNING
        # Where nothing was measured, nothing was found wrong either.
        has_measured = any(line["is_good"] is not None for line in self.findings)
        if self.finished_at is None or self.error or not has_measured:
            return Verdict.UNFINISHED
        said = [picture.is_good for picture in self.pictures.all()]
        if self.bad_count or False in said:
            return Verdict.BAD
        return Verdict.OPEN if None in said else Verdict.GOOD


class ShownPicture(models.Model):
    """One picture of a stream, for staff to say whether name and clock are burnt in as they should."""

    report = models.ForeignKey(
        "acceptance.AcceptanceReport", models.CASCADE, related_name="pictures", verbose_name="报告"
    )
    # None: from before it was kept, and the name is not one camera's.
    camera = models.ForeignKey(
        "cameras.Camera",
        models.CASCADE,
        null=True,
        editable=False,
        related_name="acceptance_pictures",
        verbose_name="摄像机",
    )
    camera_name = models.CharField("摄像机名称", max_length=128)
    video_type = models.SmallIntegerField("码流", choices=VideoType.choices)
    taken_at = models.DateTimeField("画面时间")
    jpeg = models.BinaryField("画面")
    is_good = models.BooleanField("名称与时钟正确", null=True)
    judged_by = models.CharField("确认人", max_length=64, blank=True)
    judged_at = models.DateTimeField("确认时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "接入验收画面"
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.camera_name} {self.get_video_type_display()}"
