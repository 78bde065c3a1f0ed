"""Media servers and the pushes that gateways were told to make."""

import re
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models

from access.encryption import EncryptedTextField
from streaming.choices import HlsWay, MediaKind, PeakKind, PlayResult, PushState, SignerKind, VideoType

_SCHEMES = {"rtmp_url": ("rtmp", "rtmps"), "http_url": ("http", "https"), "api_url": ("http", "https")}


class MediaServer(models.Model):
    """One media server that takes pushes from gateways and serves them to viewers."""

    name = models.CharField("名称", max_length=32, unique=True)
    kind = models.CharField("类型", max_length=8, choices=MediaKind.choices)
    rtmp_url = models.CharField("推流地址", max_length=200, help_text="形如 rtmp://10.0.0.5:1935")
    http_url = models.CharField("播放地址", max_length=200, help_text="形如 https://live.example.cn")
    api_url = models.CharField("管理接口", max_length=200, blank=True, help_text="为空则与播放地址相同")
    secret = EncryptedTextField("密钥", blank=True)
    ca_file = models.CharField(
        "CA 证书文件",
        max_length=200,
        blank=True,
        help_text="平台读取播放地址与管理接口时以此校验，为空则用系统的 CA",
    )
    weight = models.PositiveSmallIntegerField(
        "权重",
        default=1,
        validators=[MinValueValidator(1)],
        help_text="新的推流按各台已承载的路数除以权重分配，少者先得",
    )
    is_active = models.BooleanField("启用", default=True)
    last_seen_at = models.DateTimeField("最近应答", null=True, blank=True, editable=False)
    last_error = models.CharField("最近错误", max_length=200, blank=True, editable=False)
    silent_since = models.DateTimeField("无应答自", null=True, blank=True, editable=False)
    # Of all streams: bit rate times viewers, as listed last.
    egress_kbps = models.PositiveBigIntegerField("出口估算 kbit/s", default=0, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "媒体服务器"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        # Hooks name the server in their path.
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", self.name):
            raise ValidationError({"name": "名称只能含字母、数字、下划线与连字符"})
        for field, schemes in _SCHEMES.items():
            url = getattr(self, field).strip().rstrip("/")
            setattr(self, field, url)
            if (url or field != "api_url") and not _is_url(url, schemes):
                raise ValidationError({field: f"地址无效，应为 {'或 '.join(schemes)}://主机:端口"})
        # The embedded server has that of the settings, and checks signatures itself.
        if self.kind != MediaKind.EMBEDDED and not self.secret:
            raise ValidationError({"secret": "缺少密钥：不校验回调就无法知道是谁在推流与观看"})


def _is_url(url: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


class PlayDomain(models.Model):
    """A name under which viewers play, most often that of a CDN before our media servers; it checks its own signatures."""

    name = models.CharField("名称", max_length=32, unique=True)
    base_url = models.CharField("地址", max_length=200, help_text="形如 https://play.example.cn")
    signer = models.CharField("签名方式", max_length=12, choices=SignerKind.choices)
    key = EncryptedTextField("主密钥", blank=True)
    backup_key = EncryptedTextField("备用密钥", blank=True)
    # The domain takes both; which of them signs is changed before the other is replaced.
    is_backup_signing = models.BooleanField("用备用密钥签名", default=False)
    validity_seconds = models.PositiveIntegerField(
        "域名有效时长（秒）",
        default=0,
        help_text="该域名在地址所带时间之上另加的有效时长，须与其控制台的设置相同",
    )
    hls_way = models.CharField("HLS", max_length=8, choices=HlsWay.choices, default=HlsWay.SERVER)
    media_server = models.ForeignKey(
        "streaming.MediaServer",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="play_domains",
        verbose_name="回源服务器",
        help_text="只用于该服务器上的码流；为空则用于全部",
    )
    is_for_partners = models.BooleanField("用于接入方", default=True)
    is_for_staff = models.BooleanField("用于控制台", default=False)
    is_active = models.BooleanField("启用", default=False, help_text="先做验收，再启用")
    changed_at = models.DateTimeField("修改时间", auto_now=True)
    # Of the last commissioning, while what it proved still stands: objects of title, is_good and words.
    checked_at = models.DateTimeField("验收时间", null=True, blank=True, editable=False)
    findings = models.JSONField("验收结果", default=list, blank=True, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "播放域名"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def signing_key(self) -> str:
        return self.backup_key if self.is_backup_signing else self.key

    @property
    def faults(self) -> list[str]:
        """What the last commissioning found wrong."""
        return [f"{one['title']}：{one['words']}" for one in self.findings if not one["is_good"]]

    @property
    def is_proven(self) -> bool:
        return self.checked_at is not None and not self.faults

    def clean(self) -> None:
        self.base_url = self.base_url.strip().rstrip("/")
        if not _is_url(self.base_url, ("http", "https")):
            raise ValidationError({"base_url": "地址无效，应为 http 或 https://主机:端口"})
        if self.signer != SignerKind.OWN and not self.signing_key:
            raise ValidationError({"backup_key" if self.is_backup_signing else "key": "缺少签名所用的密钥"})
        if self.signer == SignerKind.OWN and self.validity_seconds:
            raise ValidationError({"validity_seconds": "本平台的签名没有另加的有效时长，应为 0"})
        # The entry leads to a session of ours, whose files a CDN knows no signature for.
        if self.signer != SignerKind.OWN and self.hls_way == HlsWay.DOMAIN:
            raise ValidationError({"hls_way": "只有本平台签名的域名能转发 HLS 的播放会话，其他的应直接到媒体服务器"})


class PushSession(models.Model):
    """The push of one camera's low or high stream: wanted or not, ordered, live, failed and why."""

    camera = models.ForeignKey(
        "cameras.Camera", models.CASCADE, related_name="push_sessions", verbose_name="摄像机"
    )
    video_type = models.SmallIntegerField("码流", choices=VideoType.choices)
    media_server = models.ForeignKey(
        "streaming.MediaServer", models.PROTECT, related_name="push_sessions", verbose_name="媒体服务器"
    )
    state = models.CharField("状态", max_length=8, choices=PushState.choices, default=PushState.IDLE)
    is_wanted = models.BooleanField("需要", default=False)
    ordered_at = models.DateTimeField("下发时间", null=True, blank=True)
    # Its gateway may still push to a server that carried it before.
    moved_at = models.DateTimeField("改派时间", null=True, blank=True)
    live_at = models.DateTimeField("开始时间", null=True, blank=True)
    ended_at = models.DateTimeField("结束时间", null=True, blank=True)
    # Last time somebody asked for it or watched it: high streams end some seconds after.
    needed_at = models.DateTimeField("最近需要", null=True, blank=True)
    attempts = models.PositiveIntegerField("连续尝试", default=0)
    next_attempt_at = models.DateTimeField("下次尝试", null=True, blank=True)
    # Until then one process gives an order of this session, and no other gives one.
    claimed_until = models.DateTimeField(null=True, blank=True, editable=False)
    last_code = models.IntegerField("网关返回码", null=True, blank=True)
    last_error = models.CharField("最近错误", max_length=200, blank=True)
    codec = models.CharField("编码", max_length=16, blank=True)
    width = models.PositiveIntegerField("宽", null=True, blank=True)
    height = models.PositiveIntegerField("高", null=True, blank=True)
    bitrate_kbps = models.PositiveIntegerField("码率 kbit/s", null=True, blank=True)
    gop_ms = models.PositiveIntegerField("关键帧间隔 ms", null=True, blank=True)
    viewers = models.PositiveIntegerField("观看数", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "推流会话"
        constraints = [models.UniqueConstraint(fields=["camera", "video_type"], name="push_session_unique")]
        indexes = [
            # The keeper looks for wanted streams that are not there.
            models.Index(
                fields=["next_attempt_at"],
                name="push_session_due",
                condition=models.Q(is_wanted=True) & ~models.Q(state="live"),
            ),
            # And for unwanted ones that may still be there.
            models.Index(
                fields=["state"],
                name="push_session_unwanted",
                condition=models.Q(is_wanted=False) & ~models.Q(state="idle"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.camera} {self.get_video_type_display()}"


class PlayCheck(models.Model):
    """The newest try to play one camera's low stream as a third party does."""

    camera = models.OneToOneField(
        "cameras.Camera",
        models.CASCADE,
        primary_key=True,
        related_name="play_check",
        verbose_name="摄像机",
    )
    checked_at = models.DateTimeField("检查时间")
    result = models.CharField("结果", max_length=12, choices=PlayResult.choices)
    first_byte_ms = models.PositiveIntegerField("首字节毫秒", null=True)
    detail = models.CharField("说明", max_length=100, blank=True)
    # Tries in a row that failed.
    failures = models.PositiveIntegerField("连续失败", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "播放自检"
        indexes = [
            models.Index(
                fields=["checked_at"], name="play_check_failed", condition=~models.Q(result="playable")
            )
        ]

    def __str__(self) -> str:
        return f"{self.camera_id} {self.get_result_display()}"


class Viewing(models.Model):
    """One viewer who watches one stream at this moment; the row goes when they do."""

    media_server = models.ForeignKey(
        "streaming.MediaServer", models.CASCADE, related_name="viewings", verbose_name="媒体服务器"
    )
    client = models.CharField("连接", max_length=64)
    camera = models.ForeignKey(
        "cameras.Camera", models.CASCADE, related_name="viewings", verbose_name="摄像机"
    )
    video_type = models.SmallIntegerField("码流", choices=VideoType.choices)
    # Whom the play address was made for: `p<partner id>`, `u<user id>`, or nobody in particular.
    uid = models.CharField("取得者", max_length=64)
    protocol = models.CharField("方式", max_length=8)
    address = models.GenericIPAddressField("来源地址", null=True)
    # Its beginning stands in the behaviour log, and so shall its end.
    is_logged = models.BooleanField(default=False, editable=False)
    began_at = models.DateTimeField("开始时间")
    # Why it has to end; empty while whoever watches may.
    withdrawn = models.CharField("终止原因", max_length=32, blank=True, editable=False)
    # Only where no server tells of the end: a session that asks for no more files.
    alive_until = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "正在观看"
        constraints = [models.UniqueConstraint(fields=["media_server", "client"], name="viewing_unique")]
        # How many one asker watches, for the limit.
        indexes = [models.Index(fields=["uid"], name="viewing_uid")]

    def __str__(self) -> str:
        return f"{self.uid} {self.camera_id} {self.get_video_type_display()}"


class ViewerPeak(models.Model):
    """The most who watched at one moment of a day: of all together, at one camera, of one asker."""

    day = models.DateField("日期")
    kind = models.SmallIntegerField("统计", choices=PeakKind.choices)
    # Id of the camera, partner or user; 0 for all together.
    subject_id = models.BigIntegerField("对象")
    peak = models.PositiveIntegerField("峰值")
    at = models.DateTimeField("峰值时间")

    class Meta:
        verbose_name = verbose_name_plural = "观看峰值"
        constraints = [
            models.UniqueConstraint(fields=["day", "kind", "subject_id"], name="viewer_peak_unique")
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.get_kind_display()} {self.peak}"


class ViewerLimit(models.Model):
    """How many may watch one camera at once; staff beyond it are still let in."""

    camera = models.OneToOneField(
        "cameras.Camera",
        models.CASCADE,
        primary_key=True,
        related_name="viewer_limit",
        verbose_name="摄像机",
    )
    most_viewers = models.PositiveIntegerField("同时观看上限", default=50, help_text="0 表示不限")

    class Meta:
        verbose_name = verbose_name_plural = "观看上限"

    def __str__(self) -> str:
        return f"{self.camera} {self.most_viewers}"


class HotHours(models.Model):
    """Hours of every day in which the high stream of one camera is kept, watched or not."""

    camera = models.ForeignKey(
        "cameras.Camera", models.CASCADE, related_name="hot_hours", verbose_name="摄像机"
    )
    begins = models.TimeField("自", help_text="北京时间")
    ends = models.TimeField("至", help_text="早于“自”表示次日；与“自”相同表示全天")

    class Meta:
        verbose_name = verbose_name_plural = "热点时段"
        ordering = ["camera", "begins"]

    def __str__(self) -> str:
        return f"{self.camera} {self.begins:%H:%M}-{self.ends:%H:%M}"
