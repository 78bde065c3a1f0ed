"""Roadside gateways: where they stand and which dialect of the document they speak."""

from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import models

from cameras.choices import GatewayStyle, PtzStop


class Gateway(models.Model):
    """One gateway that pushes video to us and obeys our orders (document section 3)."""

    code = models.CharField("网关编号", max_length=64, unique=True)
    name = models.CharField("名称", max_length=64, blank=True)
    partner = models.OneToOneField(
        "access.Partner", models.PROTECT, related_name="gateway", verbose_name="接入方"
    )
    base_url = models.CharField(
        "网关地址", max_length=200, blank=True, help_text="形如 https://10.1.2.3:8443；为空表示只上报、不推流"
    )
    style = models.CharField(
        "接口形式", max_length=8, choices=GatewayStyle.choices, default=GatewayStyle.VERBS
    )
    ptz_stop = models.CharField("云台停止", max_length=8, choices=PtzStop.choices, default=PtzStop.ACTION_0)
    has_port_as_string = models.BooleanField("端口以字符串下发", default=False)
    is_review_first = models.BooleanField("新增点位先审核", default=False)
    is_active = models.BooleanField("启用", default=True)
    capacity = models.PositiveIntegerField("路数上限", default=100)
    ca_file = models.CharField("CA 证书文件", max_length=200, blank=True)
    last_answer_at = models.DateTimeField("最近应答", null=True, blank=True, editable=False)
    software = models.CharField("软件版本", max_length=100, blank=True, editable=False)
    certificate_until = models.DateTimeField("证书有效期至", null=True, blank=True, editable=False)
    last_error = models.CharField("最近错误", max_length=200, blank=True, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "视频上云网关"
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name or self.code

    def clean(self) -> None:
        self.base_url = self.base_url.strip().rstrip("/")
        if not self.base_url:
            return
        try:
            parts = urlsplit(self.base_url)
            is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_usable = False
        if not is_usable:
            raise ValidationError({"base_url": "网关地址应为 http(s)://主机:端口"})

    @property
    def can_push(self) -> bool:
        return self.is_active and bool(self.base_url)
