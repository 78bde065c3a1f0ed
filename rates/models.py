"""What the slots of a day came to, camera by camera."""

from datetime import timedelta

from django.db import models

from access.days import day_start

# Rows of a slot may be written a little after it; a day counted so long after its end stays as it is.
SETTLED_AFTER = timedelta(hours=1)


class CameraDay(models.Model):
    """One camera on one day (rates.definition), with the place in the ledger that it had then."""

    # Pages ask for days; one camera is asked for with the days named.
    pk = models.CompositePrimaryKey("day", "camera_id")
    day = models.DateField("日期")
    camera = models.ForeignKey(
        "cameras.Camera", models.DO_NOTHING, related_name="days", db_constraint=False, db_index=False
    )
    # Kept with the day, so that a camera that moves does not take its past along.
    organisation = models.ForeignKey(
        "access.Organisation", models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    gateway = models.ForeignKey(
        "cameras.Gateway", models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    # The first where there are several.
    road = models.CharField("路线", max_length=64)
    slots = models.IntegerField("应计时段")
    missed = models.IntegerField("未计时段")
    claimed = models.IntegerField("报告在线")
    pictured = models.IntegerField("有画面")
    good = models.IntegerField("画面良好")
    hollow = models.IntegerField("报告在线而无画面")
    offline_seconds = models.IntegerField("离线秒数")
    flaps = models.IntegerField("掉线次数")

    class Meta:
        verbose_name = verbose_name_plural = "摄像机日在线"

    def __str__(self) -> str:
        return f"{self.camera_id} {self.day} {self.pictured}/{self.slots}"


class CountedDay(models.Model):
    """One day that was counted, and when last."""

    day = models.DateField("日期", primary_key=True)
    counted_at = models.DateTimeField("统计时间")

    class Meta:
        verbose_name = verbose_name_plural = "统计日"

    def __str__(self) -> str:
        return f"{self.day} {self.counted_at:%F %T}"

    @property
    def is_final(self) -> bool:
        return self.counted_at >= day_start(self.day + timedelta(days=1)) + SETTLED_AFTER
