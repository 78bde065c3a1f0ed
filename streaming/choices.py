from django.db import models

from protocol import codes


class VideoType(models.IntegerChoices):
    LOW = codes.VideoType.LOW.value, "低码流"
    HIGH = codes.VideoType.HIGH.value, "高码流"


class MediaKind(models.TextChoices):
    EMBEDDED = "embedded", "内置"
    ZLM = "zlm", "ZLMediaKit"
    SRS = "srs", "SRS"


class PushState(models.TextChoices):
    IDLE = "idle", "未推流"
    ORDERED = "ordered", "已下发"
    LIVE = "live", "推流中"
    FAILED = "failed", "失败"


class PlayResult(models.TextChoices):
    """What came of opening a play address as a third party does."""

    PLAYABLE = "playable", "可播放"
    UNREACHABLE = "unreachable", "连接不上"
    REFUSED = "refused", "鉴权被拒"
    ABSENT = "absent", "没有该码流"
    SILENT = "silent", "有连接无数据"
    NOT_VIDEO = "not_video", "不是视频"
