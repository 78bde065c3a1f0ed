"""Partner platforms (ministry, gateways, integrators) and the tokens they hold."""

import base64
import ipaddress
import uuid
from functools import lru_cache

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from oauth2_provider.models import AbstractApplication

from access.choices import HttpStatusStyle, PartnerKind, Scope
from protocol.sm2 import is_public_key
from protocol.tokens import DEFAULT_SIGN_TEMPLATE, is_sign_template


class Application(AbstractApplication):
    """The OAuth 2.0 client of one partner."""

    class Meta(AbstractApplication.Meta):
        verbose_name = verbose_name_plural = "OAuth 客户端"

    def is_usable(self, request: object) -> bool:
        """False stops every grant of an inactive partner, or of nobody (threats.md 5)."""
        partner: Partner | None = getattr(self, "partner", None)
        return partner is not None and partner.is_active


class Partner(models.Model):
    """One platform, gateway or integrator that calls our interface, with its profile."""

    application = models.OneToOneField(
        "access.Application", models.PROTECT, related_name="partner", verbose_name="OAuth 客户端"
    )
    kind = models.CharField("类别", max_length=16, choices=PartnerKind.choices)
    name = models.CharField("名称", max_length=64)
    code = models.CharField("平台编号", max_length=64, unique=True)
    user = models.CharField("用户名", max_length=64, unique=True)
    organisation = models.ForeignKey(
        "access.Organisation", models.PROTECT, related_name="partners", verbose_name="单位范围"
    )
    is_active = models.BooleanField("启用", default=True)
    scopes = ArrayField(models.CharField(max_length=16, choices=Scope.choices), verbose_name="接口范围")
    public_key = models.CharField("SM2 公钥", max_length=130)
    token_family = models.UUIDField("令牌族", default=uuid.uuid4, editable=False)
    token_seconds = models.PositiveIntegerField("令牌有效期（秒）", default=7200)
    sign_required = models.BooleanField("要求签名", default=True)
    sign_template = models.CharField("签名原文模板", max_length=200, default=DEFAULT_SIGN_TEMPLATE)
    sign_id = models.CharField("SM2 用户标识", max_length=64, default="1234567812345678", blank=True)
    sign_with_z = models.BooleanField("签名含 Z 值", default=True)
    status_style = models.CharField(
        "HTTP 状态码", max_length=16, choices=HttpStatusStyle.choices, default=HttpStatusStyle.ALWAYS_200
    )
    has_extras = models.BooleanField("附加字段", default=True)
    has_object_answer = models.BooleanField("单路播放地址以对象返回", default=False)
    is_strict = models.BooleanField("严格校验 Content-Type", default=False)
    needs_uuid4 = models.BooleanField("摄像机编号须为 UUID4", default=True)
    play_ttl_seconds = models.PositiveIntegerField("播放地址有效期（秒）", null=True, blank=True)
    snapshot_ttl_seconds = models.PositiveIntegerField("截图地址有效期（秒）", null=True, blank=True)
    most_viewers = models.PositiveIntegerField("同时观看上限（路）", default=0, help_text="0 表示不限")
    requests_per_minute = models.PositiveIntegerField("每分钟请求上限", null=True, blank=True)
    # None: from anywhere. The exchange of tokens obeys it too.
    allowed_networks = ArrayField(
        models.CharField(max_length=43), default=list, blank=True, verbose_name="允许的来源网段"
    )
    created_at = models.DateTimeField("建立时间", auto_now_add=True)

    class Meta:
        verbose_name = verbose_name_plural = "接入方"
        ordering = ["kind", "code"]

    def __str__(self) -> str:
        return self.name if self.name == self.user else f"{self.name}（{self.user}）"

    def clean(self) -> None:
        faults: dict[str, str] = {}
        # An off-curve key would verify forged signatures (threats.md 11).
        if self.public_key and not is_public_key(self.public_key):
            faults["public_key"] = "不是有效的 SM2 公钥：应为曲线上的点，128 位十六进制 x||y"
        if not is_sign_template(self.sign_template):
            faults["sign_template"] = "须恰好各含一次 {deviceCode}、{user}、{token}"
        if wrong := [text for text in self.allowed_networks if _network(text) is None]:
            faults["allowed_networks"] = f"不是地址或网段：{'、'.join(wrong)}"
        if faults:
            raise ValidationError(faults)

    @property
    def device_code(self) -> str:
        """`deviceCode` as it is sent: the BASE64 of the code (appendix 2)."""
        return base64.b64encode(self.code.encode()).decode()

    def may_call_from(self, address: str | None) -> bool:
        """Whether `address` lies in one of the allowed networks; without any, everybody's does."""
        if not self.allowed_networks:
            return True
        if address is None:
            return False
        ip = ipaddress.ip_address(address)
        networks = (_network(text) for text in self.allowed_networks)
        return any(network is not None and ip in network for network in networks)

    def is_named(self, user: str) -> bool:
        """True when `user` is this partner's; a `+` that arrived as a blank is put back."""
        return self.user in (user, user.replace(" ", "+"))


@lru_cache(maxsize=1024)
def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


class PartnerToken(models.Model):
    """One generation of a partner's token ring; the token itself is derived, only its digest is kept."""

    partner = models.ForeignKey(
        "access.Partner", models.CASCADE, related_name="tokens", verbose_name="接入方"
    )
    generation = models.PositiveIntegerField("代次")
    digest = models.CharField("摘要", max_length=64, unique=True)
    issued_at = models.DateTimeField("签发时间")
    expires_at = models.DateTimeField("到期时间")
    first_used_at = models.DateTimeField("首次使用", null=True, blank=True)
    revoked_at = models.DateTimeField("吊销时间", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "接入方令牌"
        ordering = ["partner", "-generation"]
        constraints = [
            models.UniqueConstraint(fields=["partner", "generation"], name="partner_token_generation_unique")
        ]

    def __str__(self) -> str:
        return f"{self.partner_id} #{self.generation}"
