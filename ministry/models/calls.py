"""The delivery log."""

from django.db import models

from ministry.choices import Interface


class DeliveryCall(models.Model):
    """One request to an upper platform and what came of it; in daily partitions.

    The primary key is made as that of analysis results: unique by its sequence, partitioned by `at`.
    """

    id = models.BigAutoField(primary_key=True)
    platform = models.ForeignKey(
        "ministry.UpperPlatform", models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    at = models.DateTimeField("时间")
    interface = models.SmallIntegerField("接口", choices=Interface.choices)
    verb = models.CharField("接口名", max_length=32)
    department = models.CharField("单位", max_length=64, blank=True)
    count = models.PositiveIntegerField("条数", default=0)
    # Of the answer; null: there was none that could be read.
    code = models.IntegerField("响应码", null=True)
    duration_ms = models.PositiveIntegerField("耗时（毫秒）")
    error = models.CharField("错误", max_length=300, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "上报记录"
        indexes = [models.Index(fields=["platform", "-at"], name="delivery_call_platform")]

    def __str__(self) -> str:
        return f"{self.at:%F %T} {self.verb}"
