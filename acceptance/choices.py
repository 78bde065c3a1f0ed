from django.db import models


class Verdict(models.TextChoices):
    """What a report comes to."""

    RUNNING = "running", "进行中"
    UNFINISHED = "unfinished", "未完成"
    BAD = "bad", "不合格"
    OPEN = "open", "待确认画面"
    GOOD = "good", "合格"
