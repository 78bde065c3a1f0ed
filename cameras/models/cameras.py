"""The ledger."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from cameras.choices import CameraType, Classify, OnlineStatus, Orientation
from cameras.initials import initials_of
from protocol.errors import MalformedError
from protocol.fields import is_camera_num, parse_area, parse_lon_lat, parse_road, parse_stake


class Camera(models.Model):
    """One camera with all fields of the document; a deleted one stays as a tombstone (`deleted_at`)."""

    number = models.CharField("摄像机编号", max_length=64)
    # Compared without regard to case, shown as registered (protocol.md section 3).
    number_key = models.CharField("编号索引", max_length=64, editable=False)
    # Found by the indexes below; one of their own would only cost.
    organisation = models.ForeignKey(
        "access.Organisation",
        models.PROTECT,
        related_name="cameras",
        verbose_name="管理处",
        db_index=False,
    )
    name = models.CharField("名称", max_length=128)
    # Follows the name; found by it, never shown.
    initials = models.CharField("名称拼音首字母", max_length=128, blank=True, default="", editable=False)
    longitude = models.FloatField("经度")
    latitude = models.FloatField("纬度")
    road = models.CharField("路线", max_length=64)
    classify = models.SmallIntegerField("位置类型", choices=Classify.choices)
    orientation = models.SmallIntegerField("方向", choices=Orientation.choices)
    camera_type = models.SmallIntegerField("类型", choices=CameraType.choices)
    stake = models.CharField("桩号", max_length=16)
    stake_m = models.IntegerField("桩号（米）", editable=False)
    area = models.CharField("行政区划", max_length=6)
    poi_name = models.CharField("兴趣点", max_length=128, blank=True)
    others = models.TextField("其他参数", blank=True)
    gateway = models.ForeignKey(
        "cameras.Gateway",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="cameras",
        verbose_name="网关",
        db_index=False,
    )
    # Who registered it and alone may change it; null: entered by staff. Sought only when a partner is deleted.
    owner = models.ForeignKey(
        "access.Partner",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="cameras",
        verbose_name="登记方",
        db_index=False,
    )
    ptz_override = models.BooleanField(
        "云台可控", null=True, blank=True, help_text="未设置：球机可控，其余不可控"
    )
    is_pending = models.BooleanField("待审核", default=False)
    # Staff sent it back; it stays pending until its gateway reports it anew with something changed.
    rejected_at = models.DateTimeField("退回时间", null=True, blank=True, editable=False)
    rejection = models.CharField("退回原因", max_length=200, blank=True, editable=False)
    # Rises whenever a field that is reported upward changed.
    version = models.PositiveIntegerField("版本", default=1, editable=False)
    version_at = models.DateTimeField("版本时间", default=timezone.now, editable=False)
    # A mobile source has moved since the version rose last (protocol.md section 3, classify 8).
    is_moved = models.BooleanField("位置待上报", default=False, editable=False)
    created_at = models.DateTimeField("登记时间", auto_now_add=True)
    updated_at = models.DateTimeField("修改时间", auto_now=True)
    deleted_at = models.DateTimeField("删除时间", null=True, blank=True, editable=False)

    # What is reported and alarmed; follows `raw_status` behind the blip filter.
    status = models.SmallIntegerField(
        "状态", choices=OnlineStatus.choices, default=OnlineStatus.OFFLINE, editable=False
    )
    status_at = models.DateTimeField("状态时间", null=True, editable=False)
    raw_status = models.SmallIntegerField(
        "即时状态", choices=OnlineStatus.choices, default=OnlineStatus.OFFLINE, editable=False
    )
    raw_status_at = models.DateTimeField("即时状态时间", null=True, editable=False)
    status_reason = models.CharField("状态说明", max_length=120, blank=True, editable=False)
    has_stream = models.BooleanField("有视频流", default=False, editable=False)
    has_stream_at = models.DateTimeField("视频流变化时间", null=True, editable=False)
    reported_status = models.SmallIntegerField(
        "网关上报状态", choices=OnlineStatus.choices, null=True, editable=False
    )
    # Since when the gateway says so, not when it last repeated it.
    reported_since = models.DateTimeField("网关上报时间", null=True, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "摄像机"
        ordering = ["road", "stake_m", "orientation", "id"]
        constraints = [
            # Of the field itself, `unique` would make a second index for LIKE, by which no number is sought.
            models.UniqueConstraint(fields=["number_key"], name="camera_number_key_unique"),
        ]
        indexes = [
            # Tree and wall: cameras of an office in driving order.
            models.Index(fields=["organisation", "road", "stake_m"], name="camera_organisation"),
            # Search by stake, road strip.
            models.Index(fields=["road", "stake_m"], name="camera_road"),
            models.Index(fields=["gateway"], name="camera_gateway", condition=Q(deleted_at=None)),
            # The blip filter looks for states that wait to be settled.
            models.Index(
                fields=["raw_status_at"],
                name="camera_unsettled",
                condition=~Q(status=models.F("raw_status")),
            ),
            # A gateway's "online" whose grace runs out.
            models.Index(
                fields=["reported_since"],
                name="camera_in_grace",
                condition=Q(raw_status=OnlineStatus.ONLINE, has_stream=False),
            ),
            models.Index(fields=["version_at"], name="camera_moved", condition=Q(is_moved=True)),
            # What waits for a review.
            models.Index(
                fields=["organisation"],
                name="camera_pending",
                condition=Q(is_pending=True, deleted_at=None),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """What a form must get right; the stake in metres follows the stake."""
        self.number = self.number.strip()
        try:
            self.stake = self.stake.strip().upper()
            self.stake_m = parse_stake(self.stake)
            self.initials = initials_of(self.name)
            self.road = "&".join(parse_road(self.road))
            self.area = parse_area(self.area)
            parse_lon_lat(f"{self.longitude}/{self.latitude}")
        except MalformedError as error:
            raise ValidationError(error.message) from error
        if not is_camera_num(self.number, uuid4=False):
            raise ValidationError({"number": "编号只能含字母、数字、下划线与连字符，1 至 64 位"})
        others = type(self).objects.filter(number_key=self.number.lower(), deleted_at=None)
        if others.exclude(pk=self.pk).exists():
            raise ValidationError({"number": "该编号已登记（编号不区分大小写）"})

    @property
    def can_ptz(self) -> bool:
        return can_turn(self.camera_type, self.ptz_override)

    def stream_name(self, video_type: int) -> str:
        return stream_name(self.number_key, video_type)


def can_turn(camera_type: int, ptz_override: bool | None) -> bool:
    """Document 4.1 2.b; domes turn unless staff say otherwise."""
    return camera_type == CameraType.DOME if ptz_override is None else ptz_override


def stream_name(number_key: str, video_type: int) -> str:
    return f"{number_key}_{int(video_type)}"


class PtzGrant(models.Model):
    """One camera opened for PTZ to one partner (重要点位, document 4.1 2.b)."""

    camera = models.ForeignKey(
        "cameras.Camera", models.CASCADE, related_name="ptz_grants", verbose_name="摄像机"
    )
    partner = models.ForeignKey(
        "access.Partner", models.CASCADE, related_name="ptz_grants", verbose_name="接入方"
    )

    class Meta:
        verbose_name = verbose_name_plural = "重要点位云台开放"
        constraints = [models.UniqueConstraint(fields=["partner", "camera"], name="ptz_grant_unique")]

    def __str__(self) -> str:
        return f"{self.camera} → {self.partner}"
