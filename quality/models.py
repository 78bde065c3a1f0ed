"""Image quality: what each source says of a camera, what holds, and what changed when."""

from django.db import models
from django.db.models import F, Q

from protocol.reports import MOST_QUALITY_DIGITS, QUALITY_FLAGS
from quality.choices import ALL_GOOD, NOTHING_SAID, QualityFlag, QualitySource


def never() -> list[float | None]:
    """Nine times that are not yet known."""
    return [None] * QUALITY_FLAGS


def no_shifts() -> list[float]:
    """Nine flags judged as the engine scores them."""
    return [0.0] * QUALITY_FLAGS


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


class CameraDiagnosis(models.Model):
    """What the platform's own diagnosis says of one camera, and what it needs to judge the next picture."""

    camera = models.OneToOneField(
        "cameras.Camera", models.CASCADE, primary_key=True, related_name="diagnosis", verbose_name="摄像机"
    )
    # What it says now; `-` where it cannot say.
    flags = models.CharField("九项结论", max_length=QUALITY_FLAGS, default=NOTHING_SAID)
    # Per flag the newest score in 0..1 that said something, and how sure the verdict is.
    scores = models.JSONField("九项分值", default=never)
    confidence = models.JSONField("九项把握", default=never)
    # Per flag the unix slot of the picture that decided for the abnormality.
    told_slots = models.JSONField("九项依据的时段", default=never)
    # Per flag what staff's words add to the score's logit (services.feedback).
    sensitivity = models.JSONField("九项灵敏度", default=no_shifts)
    # The engine's own format: its last picture in little, and its streaks.
    trace = models.BinaryField("痕迹", default=bytes)
    # The newest slot that was looked at: an older one, or the same once more, is no news.
    slot = models.BigIntegerField("最近时段", default=0)
    # Captures running that got no picture of a stream that is there; pictures bring it down again one by one.
    failures = models.PositiveSmallIntegerField("取流失败", default=0)
    # Since when it looks where it looks now; a view learned before is another one.
    view_since = models.DateTimeField("画面起始时间", null=True)
    # Whether some seconds of its stream would tell more than pictures do; and when they were last read.
    wants_burst = models.BooleanField("待短时分析", default=False)
    burst_at = models.DateTimeField("最近短时分析", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "平台诊断"
        indexes = [
            # Whose turn it is, in rotation and on suspicion.
            models.Index(F("burst_at").asc(nulls_first=True), name="quality_burst_turn"),
            models.Index(
                F("burst_at").asc(nulls_first=True),
                name="quality_burst_wanted",
                condition=Q(wants_burst=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.camera_id} {self.flags}"


class CameraView(models.Model):
    """What is usual for one camera's view in one band of hours, in the engine's own format."""

    camera = models.ForeignKey(
        "cameras.Camera", models.CASCADE, related_name="quality_views", db_index=False, verbose_name="摄像机"
    )
    band = models.SmallIntegerField("时段")
    memory = models.BinaryField("记忆")
    # CameraDiagnosis.view_since when it was learned; with another value it is of another view.
    view_since = models.DateTimeField("画面起始时间", null=True)
    learned_at = models.DateTimeField("更新时间")

    class Meta:
        verbose_name = verbose_name_plural = "画面记忆"
        constraints = [models.UniqueConstraint(fields=["camera", "band"], name="quality_view_unique")]

    def __str__(self) -> str:
        return f"{self.camera_id} {self.band}"


class QualityFeedback(models.Model):
    """What a member of staff said of one alarm; an alarm is a camera, a flag and since when it holds."""

    camera = models.ForeignKey(
        "cameras.Camera", models.CASCADE, related_name="quality_feedback", verbose_name="摄像机"
    )
    flag = models.SmallIntegerField("项目", choices=QualityFlag.choices)
    # As in CameraQuality.since, unix seconds.
    since = models.FloatField("异常起始")
    is_real = models.BooleanField("属实")
    # Whether our own diagnosis said so too: else a false alarm is not its fault.
    is_ours = models.BooleanField("平台诊断亦认为异常")
    score = models.FloatField("当时分值", null=True)
    at = models.DateTimeField("时间")
    actor_name = models.CharField("人员", max_length=80)

    class Meta:
        verbose_name = verbose_name_plural = "人工确认"
        ordering = ["-id"]
        constraints = [
            # The last word on an alarm counts. Also finds what was said of a camera's flag.
            models.UniqueConstraint(fields=["camera", "flag", "since"], name="quality_feedback_once")
        ]

    def __str__(self) -> str:
        return f"{self.camera_id} {self.get_flag_display()} {self.is_real}"


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
