"""What became of each camera in the ledger."""

from django.db import models

from access.choices import ActorKind
from cameras.choices import ChangeAct, ChangeSource


class CameraChange(models.Model):
    """One act that changed one camera: which fields from what to what, by whom; names outlive their owners."""

    # No constraint: a camera is never removed from its table, and to check one costs more than to write the row.
    camera = models.ForeignKey(
        "cameras.Camera",
        models.CASCADE,
        related_name="changes",
        verbose_name="摄像机",
        db_constraint=False,
        db_index=False,
    )
    at = models.DateTimeField("时间")
    act = models.CharField("变更", max_length=12, choices=ChangeAct.choices)
    source = models.CharField("来源", max_length=12, choices=ChangeSource.choices)
    actor_kind = models.CharField("操作者类别", max_length=8, choices=ActorKind.choices)
    actor_id = models.BigIntegerField("操作者编号", null=True)
    actor_name = models.CharField("操作者", max_length=64, blank=True)
    # [field, before, after] of each; an office, gateway or partner by its name at that time.
    fields = models.JSONField("字段", default=list)
    reason = models.CharField("说明", max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "点位变更"
        ordering = ["-id"]
        # The history of one camera, the latest first.
        indexes = [models.Index(fields=["camera", "-id"], name="camera_change_camera")]

    def __str__(self) -> str:
        return f"{self.camera_id} {self.get_act_display()} {self.at:%F %T}"
