"""The nine states of the document's table 1.3, and who says so."""

from django.db import models


class QualityFlag(models.IntegerChoices):
    """The value is the place in the string, counted from the left."""

    OFFLINE = 0, "离线"
    SIGNAL_LOST = 1, "信号丢失"
    OCCLUDED = 2, "图像遮挡"
    BLURRED = 3, "图像模糊"
    BRIGHTNESS = 4, "亮度异常"
    FROZEN = 5, "图像冻结"
    NOISE = 6, "图像噪声"
    FLICKER = 7, "图像闪烁"
    STRIPES = 8, "滚动条纹"


class QualitySource(models.TextChoices):
    """One letter each, so that nine of them stand beside nine flags."""

    GATEWAY = "g", "网关上报"
    DIAGNOSIS = "d", "平台诊断"
    STAFF = "s", "人工排除"


# Nine states, none of them wrong; and nine about which nothing was said.
ALL_GOOD = "0" * len(QualityFlag)
UNSAID = "-"
NOTHING_SAID = UNSAID * len(QualityFlag)
