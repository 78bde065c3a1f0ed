"""What an upper platform holds against what we hold."""

from django.db import models

from ministry.choices import DifferenceKind


class LedgerCheck(models.Model):
    """One comparison: by their ledger verbs where they have them, else by their acknowledgements."""

    platform = models.ForeignKey(
        "ministry.UpperPlatform", models.CASCADE, related_name="checks", verbose_name="上级平台"
    )
    began_at = models.DateTimeField("开始时间")
    ended_at = models.DateTimeField("结束时间")
    # False: by what they acknowledged; `theirs` is then what we believe them to hold.
    is_by_ledger = models.BooleanField("对方台账", default=False)
    ours = models.PositiveIntegerField("我方点位", default=0)
    theirs = models.PositiveIntegerField("对方点位", default=0)
    # Acknowledged and in step, so that a difference would be one.
    compared = models.PositiveIntegerField("已比对", default=0)
    differences = models.PositiveIntegerField("差异", default=0)
    error = models.CharField("错误", max_length=300, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "台账核对"
        indexes = [models.Index(fields=["platform", "-began_at"], name="ledger_check_platform")]

    def __str__(self) -> str:
        return f"{self.platform_id} {self.began_at:%F %T}"


class LedgerDifference(models.Model):
    """One camera that they hold otherwise than they acknowledged; kept for the newest check only."""

    ledger_check = models.ForeignKey(
        "ministry.LedgerCheck", models.CASCADE, related_name="found", verbose_name="台账核对"
    )
    kind = models.SmallIntegerField("差异", choices=DifferenceKind.choices)
    # None: a number that was never ours.
    camera = models.ForeignKey(
        "cameras.Camera", models.CASCADE, null=True, related_name="+", verbose_name="摄像机"
    )
    number = models.CharField("摄像机编号", max_length=64)
    name = models.CharField("名称", max_length=128, blank=True)
    detail = models.CharField("说明", max_length=300, blank=True)
    repaired_at = models.DateTimeField("修复时间", null=True)
    # In how many checks in a row before this one it was found and repaired.
    repairs = models.PositiveSmallIntegerField("此前修复次数", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "台账差异"
        indexes = [models.Index(fields=["ledger_check", "kind"], name="ledger_difference_kind")]

    def __str__(self) -> str:
        return f"{self.number} {self.get_kind_display()}"
