"""Five-minute pictures, one row per camera and slot, in daily partitions."""

from django.db import models
from django.db.models import Q

from snapshots.choices import SnapshotResult


class Snapshot(models.Model):
    """One slot of one camera: a picture, or a gap and its reason."""

    pk = models.CompositePrimaryKey("camera_id", "slot_at")
    # The primary key begins with the camera, a second index would only cost.
    camera = models.ForeignKey(
        "cameras.Camera", models.DO_NOTHING, related_name="snapshots", db_constraint=False, db_index=False
    )
    # Beginning of the five-minute slot; also partition key and name of the file.
    slot_at = models.DateTimeField("时段")
    taken_at = models.DateTimeField("截图时间", null=True)
    result = models.SmallIntegerField("结果", choices=SnapshotResult.choices)
    size_bytes = models.IntegerField("字节", null=True)
    width = models.SmallIntegerField("宽", null=True)
    height = models.SmallIntegerField("高", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "截图"
        indexes = [
            # Latest picture of a camera, however many gaps came after it.
            models.Index(
                fields=["camera", "-slot_at"],
                name="snapshot_picture",
                condition=Q(result=SnapshotResult.TAKEN),
            )
        ]

    def __str__(self) -> str:
        return f"{self.camera_id} {self.slot_at:%F %T}"

    @property
    def has_picture(self) -> bool:
        return self.result == SnapshotResult.TAKEN

    @property
    def unix_slot(self) -> int:
        return int(self.slot_at.timestamp())


class CaptureShard(models.Model):
    """One shard of one slot, taken once: a rerun finds the row and the pictures already there."""

    slot_at = models.DateTimeField("时段")
    shard = models.PositiveIntegerField("分片")
    started_at = models.DateTimeField("开始", auto_now_add=True)
    finished_at = models.DateTimeField("完成", null=True)
    cameras = models.PositiveIntegerField("摄像机数", default=0)
    taken = models.PositiveIntegerField("成功数", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "截图批次"
        ordering = ["-slot_at", "shard"]
        constraints = [models.UniqueConstraint(fields=["slot_at", "shard"], name="capture_shard_once")]

    def __str__(self) -> str:
        return f"{self.slot_at:%F %T} #{self.shard}"
