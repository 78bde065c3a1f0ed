"""The nine states of the document's table 1.3, and who says so."""

from django.db import models

from protocol import codes


class QualityFlag(models.IntegerChoices):
    """The value is the place in the string, counted from the left."""

    OFFLINE = codes.QualityFlag.OFFLINE.value, "离线"
    SIGNAL_LOST = codes.QualityFlag.SIGNAL_LOST.value, "信号丢失"
    OCCLUDED = codes.QualityFlag.OCCLUDED.value, "图像遮挡"
    BLURRED = codes.QualityFlag.BLURRED.value, "图像模糊"
    BRIGHTNESS = codes.QualityFlag.BRIGHTNESS.value, "亮度异常"
    FROZEN = codes.QualityFlag.FROZEN.value, "图像冻结"
    NOISE = codes.QualityFlag.NOISE.value, "图像噪声"
    FLICKER = codes.QualityFlag.FLICKER.value, "图像闪烁"
    STRIPES = codes.QualityFlag.STRIPES.value, "滚动条纹"


class QualitySource(models.TextChoices):
    """One letter each, so that nine of them stand beside nine flags."""

    GATEWAY = "g", "网关上报"
    DIAGNOSIS = "d", "平台诊断"
    STAFF = "s", "人工排除"


# Nine states, none of them wrong; and nine about which nothing was said.
ALL_GOOD = "0" * len(QualityFlag)
UNSAID = "-"
NOTHING_SAID = UNSAID * len(QualityFlag)
