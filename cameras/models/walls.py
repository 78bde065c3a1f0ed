"""What staff keep of the video wall."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class WallPreset(models.Model):
    """Which cameras stand in which tiles, under a name."""

    user = models.ForeignKey(
        "access.User", models.CASCADE, related_name="wall_presets", verbose_name="用户"
    )
    name = models.CharField("名称", max_length=32)
    layout = models.PositiveSmallIntegerField("画面数")
    # Tile after tile; 0 is an empty one. Cameras that are gone stay named: they may come back.
    cameras = ArrayField(models.BigIntegerField(), verbose_name="摄像机")
    is_shared = models.BooleanField("共用", default=False)
    changed_at = models.DateTimeField("修改时间", auto_now=True)

    class Meta:
        verbose_name = verbose_name_plural = "画面预案"
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="wall_preset_unique")]

    def __str__(self) -> str:
        return self.name
