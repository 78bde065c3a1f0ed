"""History of camera status."""

from django.db import models

from cameras.choices import OnlineStatus, StatusSource


class StatusChange(models.Model):
    """One settled change of a camera's status (blips never come here)."""

    camera = models.ForeignKey(
        "cameras.Camera", models.CASCADE, related_name="status_changes", verbose_name="摄像机"
    )
    at = models.DateTimeField("时间")
    status = models.SmallIntegerField("状态", choices=OnlineStatus.choices)
    source = models.CharField("来源", max_length=8, choices=StatusSource.choices)
    reason = models.CharField("说明", max_length=120, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "状态变化"
        ordering = ["-at"]
        indexes = [models.Index(fields=["camera", "-at"], name="status_change_camera")]

    def __str__(self) -> str:
        return f"{self.camera_id} {self.get_status_display()} {self.at:%F %T}"
