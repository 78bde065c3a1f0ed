"""Upper platforms, and per camera what each of them has acknowledged."""

from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from access.encryption import EncryptedTextField
from ministry.choices import QualityDigits


class UpperPlatform(models.Model):
    """One platform we report to: the ministry, a neighbour, a test environment."""

    name = models.CharField("名称", max_length=64, unique=True)
    base_url = models.CharField("地址", max_length=200)
    user = models.CharField("用户名", max_length=64)
    device_code = models.CharField("平台编号（BASE64）", max_length=128)
    token = EncryptedTextField("当前令牌")
    private_key = EncryptedTextField("SM2 私钥")
    ca_file = models.CharField("CA 证书文件", max_length=200, blank=True)
    # Which cameras are reported: this node and everything below it.
    organisation = models.ForeignKey(
        "access.Organisation", models.PROTECT, related_name="upper_platforms", verbose_name="上报范围"
    )
    is_active = models.BooleanField("启用", default=True)
    quality_digits = models.PositiveSmallIntegerField(
        "图像质量位数",
        choices=QualityDigits.choices,
        default=QualityDigits.NINE,
        help_text="技术要求的表格为九位，示例为十位",
    )
    # Which of the two spellings of the document answered with code 200.
    analyse_verb = models.CharField("智能分析接口名", max_length=16, default="ReportAnalyse", editable=False)
    token_at = models.DateTimeField("令牌更新时间", null=True, blank=True, editable=False)
    last_success_at = models.DateTimeField("最近成功", null=True, blank=True, editable=False)
    last_error = models.CharField("最近错误", max_length=300, blank=True, editable=False)
    failures = models.PositiveIntegerField("连续失败", default=0, editable=False)
    retry_at = models.DateTimeField("下次尝试", null=True, blank=True, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "上级平台"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        self.base_url = self.base_url.strip().rstrip("/")
        try:
            parts = urlsplit(self.base_url)
            is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_usable = False
        if not is_usable:
            raise ValidationError({"base_url": "地址应为 http(s)://主机:端口"})


class CameraDelivery(models.Model):
    """What one upper platform has acknowledged of one camera; pending is where this differs from it."""

    platform = models.ForeignKey(
        "ministry.UpperPlatform", models.CASCADE, related_name="deliveries", verbose_name="上级平台"
    )
    camera = models.ForeignKey(
        "cameras.Camera", models.CASCADE, related_name="deliveries", verbose_name="摄像机"
    )
    # 0: not registered there.
    version = models.PositiveIntegerField("已确认版本", default=0)
    # A registration or modification was sent and its answer has not come: there may be more than `version`.
    is_in_doubt = models.BooleanField("结果未知", default=False)
    department = models.CharField("已确认单位", max_length=64, blank=True)
    status = models.SmallIntegerField("已确认状态", null=True)
    status_at = models.DateTimeField("状态确认时间", null=True)
    # Set when a status was refused; a refused modification holds up no status.
    status_retry_at = models.DateTimeField("状态下次尝试", null=True)
    quality = models.CharField("已确认图像质量", max_length=9, null=True)  # noqa: DJ001  null: never told
    quality_at = models.DateTimeField("图像质量确认时间", null=True)
    quality_retry_at = models.DateTimeField("图像质量下次尝试", null=True)
    attempts = models.PositiveIntegerField("连续失败", default=0)
    next_attempt_at = models.DateTimeField("下次尝试", null=True)
    last_error = models.CharField("最近错误", max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "上报确认"
        constraints = [models.UniqueConstraint(fields=["platform", "camera"], name="camera_delivery_unique")]
        indexes = [models.Index(fields=["platform", "status_at"], name="camera_delivery_status")]

    def __str__(self) -> str:
        return f"{self.camera_id} → {self.platform_id}"


class AnalysisDelivery(models.Model):
    """One analysis result for one upper platform: pending until it was acknowledged (`reported_at`).

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
    attempts = models.PositiveIntegerField("连续失败", default=0)
    retry_at = models.DateTimeField("下次尝试", null=True)
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
