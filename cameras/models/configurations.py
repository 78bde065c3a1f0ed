"""How gateways reach their cameras, where the province says so, and what they make of it."""

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from access.encryption import EncryptedTextField
from cameras.choices import FocusWay, MoveEnd, PtzDriver, SourceMode

_SCHEMES: Final = {
    "address": ("rtsp", "rtsps"),
    "high_address": ("rtsp", "rtsps"),
    "ptz_address": ("http", "https"),
}


class CameraSource(models.Model):
    """How one network camera is reached and turned; its gateway is that of the ledger."""

    camera = models.OneToOneField(
        "cameras.Camera", models.CASCADE, related_name="source", verbose_name="摄像机"
    )
    address = models.CharField(
        "RTSP 地址", max_length=300, help_text="形如 rtsp://10.1.2.3:554/stream2，主机写 IP 地址，不含用户名与口令"
    )
    user = models.CharField("用户名", max_length=64, blank=True)
    password = EncryptedTextField("口令", blank=True)
    mode = models.CharField(
        "取流方式",
        max_length=16,
        choices=SourceMode.choices,
        default=SourceMode.AUTO,
        help_text="自动：码流合乎要求就转发，否则转码",
    )
    high_address = models.CharField(
        "主码流地址",
        max_length=300,
        blank=True,
        help_text="高码流另取的地址，上面的地址则填子码流：两种码流都不必转码；缺省与上面相同",
    )
    high_mode = models.CharField(
        "主码流取流方式",
        max_length=16,
        choices=SourceMode.choices,
        blank=True,
        help_text="缺省与上面相同",
    )
    ptz_driver = models.CharField("云台驱动", max_length=16, choices=PtzDriver.choices, blank=True)
    ptz_address = models.CharField(
        "云台地址",
        max_length=300,
        blank=True,
        help_text="缺省为 RTSP 的主机，路径 /onvif/device_service",
    )
    ptz_user = models.CharField("云台用户名", max_length=64, blank=True, help_text="缺省与上面相同")
    ptz_password = EncryptedTextField("云台口令", blank=True)
    ptz_profile = models.CharField("ONVIF 配置", max_length=64, blank=True, help_text="缺省为第一个带云台的")
    move_seconds = models.FloatField(
        "一次动作的秒数", default=1.0, validators=[MinValueValidator(0.1), MaxValueValidator(10)]
    )
    invert_pan = models.BooleanField("左右相反", default=False)
    invert_tilt = models.BooleanField("上下相反", default=False)
    invert_focus = models.BooleanField("聚焦相反", default=False)
    focus = models.CharField("聚焦方式", max_length=16, choices=FocusWay.choices, default=FocusWay.AUTO)
    move_end = models.CharField("停止方式", max_length=8, choices=MoveEnd.choices, default=MoveEnd.BOTH)
    light = models.CharField("灯光命令", max_length=64, default="tt:IRLamp")
    changed_at = models.DateTimeField("修改时间", auto_now=True)

    class Meta:
        verbose_name = verbose_name_plural = "摄像机接入"
        ordering = ["camera_id"]

    def __str__(self) -> str:
        return str(self.camera)

    def clean(self) -> None:
        faults: dict[str, str] = {}
        for name, schemes in _SCHEMES.items():
            address = getattr(self, name).strip()
            setattr(self, name, address)
            is_left_empty = not address and name != "address"
            if not is_left_empty and (fault := _address_fault(address, schemes)):
                faults[name] = fault
        if self.password and not self.user:
            faults["user"] = "有口令而没有用户名"
        if faults:
            raise ValidationError(faults)


def _address_fault(address: str, schemes: tuple[str, ...]) -> str:
    """Empty when a gateway can use it; addresses by name are refused there."""
    if any(char.isspace() or not char.isprintable() for char in address):
        return "不能含空白"
    try:
        parts = urlsplit(address)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        return "不是有效的地址"
    if parts.scheme not in schemes or port == 0:
        return f"应以 {schemes[0]}:// 开头，端口在 1-65535 之内"
    if parts.username is not None or parts.password is not None:
        return "不要写用户名与口令，另有两项"
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "主机应为 IP 地址"
    return ""


class GatewayConfiguration(models.Model):
    """What one gateway is to run of the province's, and what it says that it runs."""

    gateway = models.OneToOneField(
        "cameras.Gateway", models.CASCADE, related_name="configuration", verbose_name="网关"
    )
    # Rises when the content does; 0: nothing was ever configured here.
    version = models.PositiveIntegerField("配置版本", default=0)
    fingerprint = models.CharField(max_length=64, blank=True)
    changed_at = models.DateTimeField("配置变化时间", null=True)
    # The content may be another than that of the version.
    is_stale = models.BooleanField(default=True)
    # Since then it is one that asks for its configuration.
    fetched_at = models.DateTimeField("最近来取", null=True)
    handed_version = models.PositiveIntegerField("已下发版本", null=True)
    told_at = models.DateTimeField("最近通知", null=True)
    told_error = models.CharField("通知失败", max_length=200, blank=True)
    running_version = models.PositiveIntegerField("运行版本", null=True)
    rejected_version = models.PositiveIntegerField("未采用的版本", null=True)
    # cameraNum, place, reason.
    faults = models.JSONField("未采用的原因", default=list)
    # cameraNum, origin, fault of each camera that it runs.
    cameras = models.JSONField("运行的摄像机", default=list)
    reported_at = models.DateTimeField("最近报告", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "网关配置"
        ordering = ["gateway__code"]

    def __str__(self) -> str:
        return str(self.gateway)

    @property
    def state_in_words(self) -> str:
        if self.fetched_at is None:
            return "网关从未来取"
        if self.rejected_version is not None or self.faults:
            return "网关没有采用新的配置"
        if self.is_stale or self.running_version != self.version:
            return "等待网关来取"
        broken = sum(bool(one["fault"]) for one in self.cameras)
        return f"一致，{broken} 路有问题" if broken else "一致"
