"""Upper platforms and how their interfaces answer."""

from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from access.encryption import EncryptedTextField
from ministry.choices import Interface, QualityDigits

MOST_CONCURRENCY = 16


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
    concurrency = models.PositiveSmallIntegerField(
        "并发请求数",
        default=4,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_CONCURRENCY)],
        help_text="同时最多有几个请求在途",
    )
    requests_per_second = models.FloatField(
        "每秒请求上限", default=0, validators=[MinValueValidator(0)], help_text="0 表示不限"
    )
    quality_digits = models.PositiveSmallIntegerField(
        "图像质量位数",
        choices=QualityDigits.choices,
        default=QualityDigits.NINE,
        help_text="技术要求的表格为九位，示例为十位",
    )
    # Which of the two spellings of the document answered with code 200.
    analyse_verb = models.CharField("智能分析接口名", max_length=16, default="ReportAnalyse", editable=False)
    token_at = models.DateTimeField("令牌更新时间", null=True, blank=True, editable=False)
    # Who waited behind an exchange that failed shares its failure instead of asking once more.
    exchange_failed_at = models.DateTimeField("令牌更换失败时间", null=True, editable=False)
    last_success_at = models.DateTimeField("最近成功", null=True, blank=True, editable=False)
    last_error = models.CharField("最近错误", max_length=300, blank=True, editable=False)
    # Requests in a row that reached nobody or were not understood; an answer sets it back.
    failures = models.PositiveIntegerField("连续失败", default=0, editable=False)
    # Nothing is sent before; afterwards one request tries whether the platform is well again.
    retry_at = models.DateTimeField("下次尝试", null=True, blank=True, editable=False)
    # Where `requests_per_second` is set: the time of the next request.
    paced_until = models.DateTimeField("限速至", null=True, editable=False)

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


class InterfaceState(models.Model):
    """How one interface of an upper platform has answered lately."""

    platform = models.ForeignKey(
        "ministry.UpperPlatform", models.CASCADE, related_name="interfaces", verbose_name="上级平台"
    )
    interface = models.SmallIntegerField("接口", choices=Interface.choices)
    last_success_at = models.DateTimeField("最近成功", null=True)
    last_failure_at = models.DateTimeField("最近失败", null=True)
    last_error = models.CharField("最近错误", max_length=300, blank=True)
    # Refusals of whole requests in a row; from a number on the interface rests between two tries.
    failures = models.PositiveIntegerField("连续失败", default=0)
    retry_at = models.DateTimeField("下次尝试", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "上级平台接口"
        constraints = [
            models.UniqueConstraint(fields=["platform", "interface"], name="upper_interface_unique")
        ]

    def __str__(self) -> str:
        return f"{self.platform_id} {self.get_interface_display()}"
