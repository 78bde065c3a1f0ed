from enum import Enum

from django.db import models

from protocol import codes

# Of the behaviour log: somebody began to watch.
VIEWING_VERB = "查看视频"


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


class SignerKind(models.TextChoices):
    """How a play domain wants its addresses signed (protocol.url_signers)."""

    OWN = "own", "本平台（与自有媒体服务器相同）"
    ALIYUN_A = "aliyun_a", "阿里云 A（华为云 A、火山引擎、腾讯云 CDN 同）"
    ALIYUN_B = "aliyun_b", "阿里云 B"
    ALIYUN_C = "aliyun_c", "阿里云 C"
    TENCENT = "tencent", "腾讯云直播"
    HUAWEI_B = "huawei_b", "华为云直播 B"
    HUAWEI_D = "huawei_d", "华为云直播 D"


class HlsWay(models.TextChoices):
    """Where the HLS address of a stream that goes through a play domain leads."""

    SERVER = "server", "直接到媒体服务器，按播放会话"
    DOMAIN = "domain", "经播放域名（仅限本平台签名）"


class Audience(Enum):
    """Who is going to play: a play domain is for the ones or the others, or for both."""

    PARTNERS = "is_for_partners"
    STAFF = "is_for_staff"


class PlayResult(models.TextChoices):
    """What came of opening a play address as a third party does."""

    PLAYABLE = "playable", "可播放"
    UNREACHABLE = "unreachable", "连接不上"
    REFUSED = "refused", "鉴权被拒"
    ABSENT = "absent", "没有该码流"
    SILENT = "silent", "有连接无数据"
    NOT_VIDEO = "not_video", "不是视频"


class PeakKind(models.IntegerChoices):
    """Whose viewers a peak counts."""

    ALL = 0, "全部"
    CAMERA = 1, "摄像机"
    PARTNER = 2, "接入方"
    STAFF = 3, "用户"
