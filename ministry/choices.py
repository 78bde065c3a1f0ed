from typing import Final

from django.db import models

from protocol.reports import QUALITY_FLAGS


class QualityDigits(models.IntegerChoices):
    """How many digits an upper platform wants in ReportCameraQuality (protocol.md section 3)."""

    NINE = QUALITY_FLAGS, "九位"
    TEN = QUALITY_FLAGS + 1, "十位"


class Interface(models.IntegerChoices):
    """What is told to an upper platform, each by a verb of its own (document 1.1 to 1.4, appendix 2)."""

    REGISTER = 1, "登记与修改"
    DELETE = 2, "删除"
    STATUS = 3, "状态"
    QUALITY = 4, "图像质量"
    ANALYSE = 5, "智能分析"
    TOKEN = 6, "令牌"
    LEDGER = 7, "点位查询"


class DifferenceKind(models.IntegerChoices):
    """In what their copy differs from what they acknowledged."""

    MISSING = 1, "对方没有"
    CONTENT = 2, "内容不同"
    STATUS = 3, "状态不同"
    SURPLUS = 4, "对方多出（本平台已删除）"
    STRANGER = 5, "对方多出（不是本平台登记的）"


# In place of what was acknowledged, while a state is told and not answered: they may hold either value.
STATUS_IN_DOUBT: Final = -1
QUALITY_IN_DOUBT: Final = "?"
