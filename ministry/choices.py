from django.db import models

from protocol.reports import QUALITY_FLAGS


class QualityDigits(models.IntegerChoices):
    """How many digits an upper platform wants in ReportCameraQuality (protocol.md section 3)."""

    NINE = QUALITY_FLAGS, "九位"
    TEN = QUALITY_FLAGS + 1, "十位"
