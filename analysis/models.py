"""Results of traffic analysis, one row each, in daily partitions."""

from django.db import models
from django.db.models import Q

from analysis.choices import Subject


class AnalysisResult(models.Model):
    """One result as it was reported: the text as it came, and what we understand of it.

    The primary key of the table is (id, received_at), because PostgreSQL wants the day in it; the id alone is
    unique all the same, it comes from one sequence, and the admin takes no composite keys.
    """

    id = models.BigAutoField(primary_key=True)
    camera = models.ForeignKey(
        "cameras.Camera",
        models.DO_NOTHING,
        related_name="analysis_results",
        db_constraint=False,
        db_index=False,
        verbose_name="摄像机",
    )
    # Also the partition key: the time of the event is the sender's and may be anything.
    received_at = models.DateTimeField("接收时间")
    # The time of the event where it is told, else that of the receipt.
    occurred_at = models.DateTimeField("发生时间")
    # Empty: not understood, and `fault` says why.
    subject = models.CharField("主题", max_length=12, choices=Subject.choices, blank=True)
    level = models.CharField("等级或类型", max_length=16, blank=True)
    figure = models.FloatField("数值", null=True)
    fault = models.CharField("未识别原因", max_length=200, blank=True)
    # Byte for byte as it came.
    data = models.TextField("原始数据")

    class Meta:
        verbose_name = verbose_name_plural = "分析结果"
        ordering = ["-id"]
        indexes = [
            # The page: newest first, of all cameras, of one subject, of one camera.
            models.Index(fields=["-occurred_at", "-id"], name="analysis_occurred"),
            models.Index(
                fields=["subject", "-occurred_at"], name="analysis_subject", condition=~Q(subject="")
            ),
            models.Index(fields=["camera", "-occurred_at"], name="analysis_camera"),
        ]

    def __str__(self) -> str:
        return f"{self.get_subject_display() or '未识别'} {self.occurred_at:%F %T}"
