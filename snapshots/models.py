"""Five-minute pictures, one row per camera and slot, in daily partitions; how long they are kept and how they look."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from cameras.choices import Classify
from snapshots.choices import SnapshotResult

# Document 4.1 2.c.
LEAST_DAYS = 7
# Two years; the days of a folder have four digits.
MOST_DAYS = 731


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
    # As its organisation had it when the slot was; 0: as long as the platform keeps pictures. Also part of the name.
    keep_days = models.SmallIntegerField("保留天数", db_default=0)

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
    """One shard of one slot, planned with its slot and taken once: a rerun finds the row and the pictures there."""

    slot_at = models.DateTimeField("时段")
    shard = models.PositiveIntegerField("分片")
    # Of the slot; says which cameras these are. 0: not known any more.
    shards = models.PositiveIntegerField("分片总数", default=0)
    sent_at = models.DateTimeField("最近下发", null=True)
    started_at = models.DateTimeField("开始", null=True)
    finished_at = models.DateTimeField("完成", null=True)
    cameras = models.PositiveIntegerField("摄像机数", default=0)
    taken = models.PositiveIntegerField("成功数", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "截图批次"
        ordering = ["-slot_at", "shard"]
        constraints = [models.UniqueConstraint(fields=["slot_at", "shard"], name="capture_shard_once")]

    def __str__(self) -> str:
        return f"{self.slot_at:%F %T} #{self.shard}"


class StoredDay(models.Model):
    """The pictures of one day that are kept equally long, counted as they are written."""

    day = models.DateField("日期")
    keep_days = models.SmallIntegerField("保留天数", default=0)
    pictures = models.BigIntegerField("张数", default=0)
    size_bytes = models.BigIntegerField("字节", default=0)
    # When the rows of shorter keeping were last taken out of the day's partition.
    thinned_on = models.DateField("清理日期", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "截图存量"
        ordering = ["-day", "keep_days"]
        constraints = [models.UniqueConstraint(fields=["day", "keep_days"], name="stored_day_once")]

    def __str__(self) -> str:
        return f"{self.day:%F}"


class RetentionRule(models.Model):
    """An organisation, with all below it, whose pictures are kept longer than the others."""

    organisation = models.OneToOneField(
        "access.Organisation", models.CASCADE, related_name="snapshot_retention", verbose_name="单位"
    )
    days = models.PositiveSmallIntegerField(
        "保留天数",
        validators=[MinValueValidator(LEAST_DAYS), MaxValueValidator(MOST_DAYS)],
        help_text="不少于 7 天，含下级单位；下级另有设置的以下级为准。只对此后的截图生效，少于平台保留天数时按平台保留",
    )

    class Meta:
        verbose_name = verbose_name_plural = "截图保留天数"
        constraints = [
            models.CheckConstraint(condition=Q(days__gte=LEAST_DAYS), name="snapshot_retention_not_short")
        ]

    def __str__(self) -> str:
        return f"{self.organisation} {self.days} 天"


class JpegRule(models.Model):
    """How pictures of one kind of place look; the others are as SNAPSHOT_JPEG_QUALITY says and as large as the stream."""

    classify = models.SmallIntegerField("位置类型", choices=Classify.choices, unique=True)
    quality = models.PositiveSmallIntegerField(
        "JPEG 质量",
        default=80,
        validators=[MinValueValidator(40), MaxValueValidator(95)],
        help_text="40 至 95",
    )
    longest_side = models.PositiveSmallIntegerField(
        "最长边（像素）",
        default=0,
        help_text="码流更大时缩小到此；0 为不缩小。任何情况下不小于 CIF（352×288）",
    )

    class Meta:
        verbose_name = verbose_name_plural = "截图画质"
        ordering = ["classify"]

    def __str__(self) -> str:
        return self.get_classify_display()

    def clean(self) -> None:
        if 0 < self.longest_side < 352:
            raise ValidationError({"longest_side": "最长边不应小于 352 像素，0 为不缩小"})


class PictureHold(models.Model):
    """Pictures of one camera and time that are kept for a case (留存), however long, until it is released."""

    camera = models.ForeignKey(
        "cameras.Camera", models.PROTECT, related_name="picture_holds", verbose_name="摄像机"
    )
    begins_at = models.DateTimeField("起")
    ends_at = models.DateTimeField("止")
    reason = models.CharField("事由", max_length=200)
    held_by = models.CharField("留存人", max_length=64, editable=False)
    held_at = models.DateTimeField("留存时间", db_default=Now(), editable=False)
    # Slots before this moment are taken care of; with the end of the hold, all of them are.
    secured_until = models.DateTimeField("已保全至", null=True, editable=False)
    pictures = models.PositiveIntegerField("张数", default=0, editable=False)
    size_bytes = models.BigIntegerField("字节", default=0, editable=False)
    released_by = models.CharField("解除人", max_length=64, blank=True, editable=False)
    released_at = models.DateTimeField("解除时间", null=True, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "截图留存"
        ordering = ["-held_at"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("begins_at")), name="picture_hold_has_length")
        ]
        indexes = [
            # What still has to be taken care of before a day may go.
            models.Index(fields=["begins_at"], name="picture_hold_active", condition=Q(released_at=None))
        ]

    def __str__(self) -> str:
        return f"{self.camera}：{self.reason}"


class HeldPicture(models.Model):
    """One picture of a hold; it stays when its day is dropped."""

    hold = models.ForeignKey(PictureHold, models.CASCADE, related_name="held", verbose_name="留存")
    # As in the hold, found here by the picture's own address.
    camera = models.ForeignKey(
        "cameras.Camera", models.PROTECT, related_name="+", verbose_name="摄像机", db_index=False
    )
    slot_at = models.DateTimeField("时段")
    taken_at = models.DateTimeField("截图时间")
    size_bytes = models.IntegerField("字节")
    width = models.SmallIntegerField("宽")
    height = models.SmallIntegerField("高")

    class Meta:
        verbose_name = verbose_name_plural = "留存的截图"
        constraints = [
            models.UniqueConstraint(fields=["camera", "slot_at", "hold"], name="held_picture_once")
        ]

    def __str__(self) -> str:
        return f"{self.camera_id} {self.slot_at:%F %T}"
