"""Who holds a camera, and every order ever given."""

from django.db import models
from django.db.models import Q

from access.choices import ActorKind
from ptz.choices import PtzAction, PtzLevel, PtzOutcome


class PtzLease(models.Model):
    """Who turned one camera last, and until when lower levels are refused."""

    camera = models.OneToOneField(
        "cameras.Camera", models.CASCADE, primary_key=True, related_name="ptz_lease", verbose_name="摄像机"
    )
    level = models.SmallIntegerField("级别", choices=PtzLevel.choices)
    holder_kind = models.CharField("控制方类别", max_length=8, choices=ActorKind.choices)
    holder_id = models.BigIntegerField("控制方编号", null=True)
    holder_name = models.CharField("控制方", max_length=80)
    held_until = models.DateTimeField("控制到")
    # What moves, and when it must be stopped next; null: it stands still.
    is_head_moving = models.BooleanField("云台运动", default=False)
    is_lens_moving = models.BooleanField("镜头运动", default=False)
    stop_due_at = models.DateTimeField("停止时刻", null=True, blank=True)
    # A stop that fails is repeated up to here, and not more often than `stop_attempts` allows.
    stop_until = models.DateTimeField("停止尝试截止", null=True, blank=True)
    stop_attempts = models.PositiveSmallIntegerField("停止尝试", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "云台控制权"
        indexes = [
            # The sweep looks for stops that a died process left behind.
            models.Index(
                fields=["stop_due_at"], name="ptz_stop_due", condition=models.Q(stop_due_at__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return f"{self.camera_id} {self.holder_name}"


class PtzOrder(models.Model):
    """One order of ministry or province, carried out or refused (document 4.1 2.b: both sides log)."""

    camera = models.ForeignKey(
        "cameras.Camera", models.CASCADE, related_name="ptz_orders", verbose_name="摄像机"
    )
    at = models.DateTimeField("时间", auto_now_add=True)
    level = models.SmallIntegerField("级别", choices=PtzLevel.choices)
    actor_kind = models.CharField("操作者类别", max_length=8, choices=ActorKind.choices)
    actor_id = models.BigIntegerField("操作者编号", null=True)
    actor_name = models.CharField("操作者", max_length=80)
    address = models.GenericIPAddressField("来源地址", null=True)
    action = models.SmallIntegerField("动作", choices=PtzAction.choices)
    step = models.SmallIntegerField("步长")
    outcome = models.CharField("结果", max_length=8, choices=PtzOutcome.choices)
    message = models.CharField("说明", max_length=200, blank=True)
    duration_ms = models.PositiveIntegerField("用时（毫秒）", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "云台日志"
        ordering = ["-id"]
        indexes = [
            # Latest orders of the selected camera.
            models.Index(fields=["camera", "-id"], name="ptz_order_camera"),
            # Orders of some days, for reports and 操作审计; and there those of one person or partner, from one address, and
            # whatever did not succeed.
            models.Index(fields=["-at", "-id"], name="ptz_order_time"),
            models.Index(fields=["actor_kind", "actor_id", "-at", "-id"], name="ptz_order_actor"),
            models.Index(fields=["address", "-at", "-id"], name="ptz_order_address"),
            models.Index(fields=["-at", "-id"], name="ptz_order_undone", condition=~Q(outcome=PtzOutcome.DONE)),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.get_action_display()} {self.camera_id}"
