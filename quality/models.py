"""Image quality: what each source says of a camera, what holds, and what changed when."""

from django.db import models
from django.db.models import Q

from protocol.reports import MOST_QUALITY_DIGITS, QUALITY_FLAGS
from quality.choices import ALL_GOOD, NOTHING_SAID, QualityFlag, QualitySource


def never() -> list[float | None]:
    """Nine times that are not yet known."""
    return [None] * QUALITY_FLAGS


class CameraQuality(models.Model):
    """What holds for one camera now, flag by flag; goes upward. Also the lock of whoever changes it."""

    camera = models.OneToOneField(
        "cameras.Camera",
        models.CASCADE,
        primary_key=True,
        related_name="quality",
        verbose_name="摄像机",
    )
    flags = models.CharField("九项状态", max_length=QUALITY_FLAGS, default=ALL_GOOD)
    # Per flag the letter of who has said so last; `-` where nobody ever said anything.
    sources = models.CharField("九项来源", max_length=QUALITY_FLAGS, default=NOTHING_SAID)
    # Per flag since when it holds, in unix seconds: 20,000 such lists are written ten times as fast as arrays.
    since = models.JSONField("九项时间", default=never)
    changed_at = models.DateTimeField("变化时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "图像质量"
        indexes = [
            # The cameras with something wrong, the newest first.
            models.Index(fields=["-changed_at"], name="quality_abnormal", condition=~Q(flags=ALL_GOOD))
        ]

    def __str__(self) -> str:
        return f"{self.camera_id} {self.flags}"

    @property
    def abnormal(self) -> list[QualityFlag]:
        return flags_set(self.flags)


class QualityVerdict(models.Model):
    """What one source says of one camera; `-` where it said nothing. A repetition is no newer verdict."""

    camera = models.ForeignKey(
        "cameras.Camera", models.CASCADE, related_name="quality_verdicts", verbose_name="摄像机"
    )
    source = models.CharField("来源", max_length=1, choices=QualitySource.choices)
    flags = models.CharField("九项状态", max_length=QUALITY_FLAGS)
    # Per flag since when this source says so, in unix seconds.
    since = models.JSONField("九项时间", default=never)
    # As a gateway sent it, further digits included.
    received = models.CharField("原文", max_length=MOST_QUALITY_DIGITS, blank=True)
    heard_at = models.DateTimeField("最近一次")

    class Meta:
        verbose_name = verbose_name_plural = "质量结论"
        constraints = [models.UniqueConstraint(fields=["camera", "source"], name="quality_verdict_unique")]

    def __str__(self) -> str:
        return f"{self.camera_id} {self.source} {self.flags}"


class QualityChange(models.Model):
    """One change of what holds for one camera, and through whom."""

    camera = models.ForeignKey(
        "cameras.Camera", models.CASCADE, related_name="quality_changes", verbose_name="摄像机"
    )
    at = models.DateTimeField("时间")
    before = models.CharField("原状态", max_length=QUALITY_FLAGS)
    after = models.CharField("新状态", max_length=QUALITY_FLAGS)
    source = models.CharField("来源", max_length=1, choices=QualitySource.choices)

    class Meta:
        verbose_name = verbose_name_plural = "图像质量变化"
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["camera", "-at"], name="quality_change_camera"),
            # The list of all changes.
            models.Index(fields=["-at", "-id"], name="quality_change_at"),
        ]

    def __str__(self) -> str:
        return f"{self.camera_id} {self.before} → {self.after}"


def flags_set(flags: str) -> list[QualityFlag]:
    """The flags that are 1, in the document's order."""
    return [flag for flag in QualityFlag if flags[flag] == "1"]
