"""Per camera and upper platform: what was acknowledged, what is under way, what was refused."""

from django.db import models
from django.db.models import Q

from ministry.choices import Interface


class CameraDelivery(models.Model):
    """What one upper platform has acknowledged of one camera; owed is where this differs from it."""

    platform = models.ForeignKey(
        # The constraint has an index that begins with it.
        "ministry.UpperPlatform",
        models.CASCADE,
        related_name="deliveries",
        verbose_name="上级平台",
        db_index=False,
    )
    camera = models.ForeignKey(
        "cameras.Camera", models.CASCADE, related_name="deliveries", verbose_name="摄像机"
    )
    # 0: not registered there.
    version = models.PositiveIntegerField("已确认版本", default=0)
    # A registration or modification was sent and its answer has not come: there may be more than `version`.
    is_in_doubt = models.BooleanField("结果未知", default=False)
    department = models.CharField("已确认单位", max_length=64, blank=True)
    registered_at = models.DateTimeField("登记确认时间", null=True)
    # Status and quality: null, never told; -1 and "?", told and not answered, so that they may hold another.
    status = models.SmallIntegerField("已确认状态", null=True)
    status_at = models.DateTimeField("状态确认时间", null=True)
    quality = models.CharField("已确认图像质量", max_length=9, null=True)  # noqa: DJ001  null: never told
    quality_at = models.DateTimeField("图像质量确认时间", null=True)
    # They were found to hold otherwise than they acknowledged: what is owed since then waits since then.
    reset_at = models.DateTimeField("重报起始时间", null=True)
    # In a request, or resting after one, until then: no camera is in two requests at once.
    claimed_until = models.DateTimeField("占用至", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "上报确认"
        constraints = [models.UniqueConstraint(fields=["platform", "camera"], name="camera_delivery_unique")]

    def __str__(self) -> str:
        return f"{self.camera_id} → {self.platform_id}"


class DeliveryTrouble(models.Model):
    """One thing about one camera that an upper platform did not take; gone once it does."""

    delivery = models.ForeignKey(
        "ministry.CameraDelivery", models.CASCADE, related_name="troubles", verbose_name="上报确认"
    )
    interface = models.SmallIntegerField("接口", choices=Interface.choices)
    # What was sent (version, status or quality): with another value it is tried at once.
    about = models.CharField("内容", max_length=16, blank=True)
    reason = models.CharField("原因", max_length=200)
    since = models.DateTimeField("开始时间")
    attempts = models.PositiveIntegerField("连续失败", default=0)
    # Refusals of this very item in a row.
    refusals = models.PositiveIntegerField("连续拒绝", default=0)
    # Failures of the batches it went in; they shrink with it (ministry.services.troubles).
    strikes = models.PositiveIntegerField("批次失败", default=0)
    retry_at = models.DateTimeField("下次尝试")
    parked_at = models.DateTimeField("搁置时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "未被接受的上报"
        constraints = [
            models.UniqueConstraint(fields=["delivery", "interface"], name="delivery_trouble_unique")
        ]
        indexes = [
            # The page of parked ones and its alarm.
            models.Index(fields=["-parked_at"], name="delivery_trouble_parked", condition=~Q(parked_at=None))
        ]

    def __str__(self) -> str:
        return f"{self.delivery_id} {self.get_interface_display()}：{self.reason}"


class AnalysisDelivery(models.Model):
    """One analysis result for one upper platform: owed until it was acknowledged (`reported_at`).

    In daily partitions like the results, and with a primary key made in the same way.
    """

    id = models.BigAutoField(primary_key=True)
    platform = models.ForeignKey(
        "ministry.UpperPlatform", models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    camera = models.ForeignKey(
        "cameras.Camera", models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    result = models.ForeignKey(
        "analysis.AnalysisResult",
        models.DO_NOTHING,
        related_name="deliveries",
        db_constraint=False,
        db_index=False,
    )
    received_at = models.DateTimeField("接收时间")
    reported_at = models.DateTimeField("上报时间", null=True)
    claimed_until = models.DateTimeField("占用至", null=True)
    # As in DeliveryTrouble.
    attempts = models.PositiveIntegerField("连续失败", default=0)
    strikes = models.PositiveIntegerField("批次失败", default=0)
    retry_at = models.DateTimeField("下次尝试", null=True)
    parked_at = models.DateTimeField("搁置时间", null=True)
    last_error = models.CharField("最近错误", max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "分析结果上报"
        indexes = [
            models.Index(
                fields=["platform", "received_at", "id"],
                name="analysis_delivery_pending",
                condition=Q(reported_at=None),
            ),
            # What became of the results on a page.
            models.Index(fields=["result"], name="analysis_delivery_result"),
        ]

    def __str__(self) -> str:
        return f"{self.result_id} → {self.platform_id}"
