"""What differs from roles on organisations: named sets of cameras, and exceptions on a camera or a set."""

from django.db import models
from django.db.models import F, Q

from access.choices import CAMERA_ACTIONS, Action, Role
from access.models.staff import LimitedInTime

LONGEST_NAME = 64
_CHOICES = [(action.value, action.label) for action in CAMERA_ACTIONS]


class CameraGroup(models.Model):
    """One named set of cameras of an organisation and everything below it."""

    name = models.CharField("名称", max_length=LONGEST_NAME)
    organisation = models.ForeignKey(
        "access.Organisation", models.PROTECT, related_name="camera_groups", verbose_name="所属单位"
    )
    created_at = models.DateTimeField("建立时间", auto_now_add=True)

    class Meta:
        verbose_name = verbose_name_plural = "摄像机组"
        ordering = ["organisation__path", "name"]
        constraints = [models.UniqueConstraint(fields=["organisation", "name"], name="camera_group_name")]

    def __str__(self) -> str:
        return self.name


class GroupMember(models.Model):
    """One camera in one group."""

    group = models.ForeignKey(
        "cameras.CameraGroup", models.CASCADE, related_name="members", verbose_name="摄像机组"
    )
    camera = models.ForeignKey(
        "cameras.Camera", models.CASCADE, related_name="memberships", verbose_name="摄像机"
    )

    class Meta:
        verbose_name = verbose_name_plural = "组内摄像机"
        constraints = [models.UniqueConstraint(fields=["group", "camera"], name="group_member_unique")]

    def __str__(self) -> str:
        return f"{self.group}：{self.camera}"


class GroupChange(models.Model):
    """One camera that came into a group or left it, by whom; it outlives the group, and is never dropped: who could
    see what is asked of years ago as well.
    """

    camera = models.ForeignKey(
        "cameras.Camera", models.CASCADE, related_name="group_changes", verbose_name="摄像机", db_index=False
    )
    # No foreign key: the group may be gone.
    group_id = models.BigIntegerField("组编号")
    group_name = models.CharField("摄像机组", max_length=LONGEST_NAME)
    at = models.DateTimeField("时间")
    is_entry = models.BooleanField("入组")
    actor_name = models.CharField("操作者", max_length=80)

    class Meta:
        verbose_name = verbose_name_plural = "组内变化"
        ordering = ["-id"]
        indexes = [
            # Of one camera, and of one group, the latest first.
            models.Index(fields=["camera", "-id"], name="group_change_camera"),
            models.Index(fields=["group_id", "-id"], name="group_change_group"),
        ]

    def __str__(self) -> str:
        return f"{self.camera} {'加入' if self.is_entry else '移出'}组“{self.group_name}”"


class CameraException(LimitedInTime):
    """One action on one camera or group, allowed or denied to a person, a role or a partner; a denial wins.

    A denial to watch hides the camera altogether, the only one there is for a partner; whoever is allowed anything
    on a camera may watch it too.
    """

    user = models.ForeignKey(
        "access.User",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="camera_exceptions",
        verbose_name="用户",
    )
    role = models.CharField("角色", max_length=16, choices=Role.choices, blank=True)
    # Those who hold the role on this organisation or below it.
    role_at = models.ForeignKey(
        "access.Organisation",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="角色所在单位",
    )
    partner = models.ForeignKey(
        "access.Partner",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="camera_exceptions",
        verbose_name="接入方",
    )
    camera = models.ForeignKey(
        "cameras.Camera",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="exceptions",
        verbose_name="摄像机",
    )
    group = models.ForeignKey(
        "cameras.CameraGroup",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="exceptions",
        verbose_name="摄像机组",
    )
    # Of camera or group when it was made: a camera that has left this organisation is no longer allowed by it.
    organisation = models.ForeignKey(
        "access.Organisation", models.CASCADE, related_name="camera_exceptions", verbose_name="单位"
    )
    action = models.CharField("操作", max_length=16, choices=_CHOICES)
    is_denied = models.BooleanField("禁止")
    reason = models.CharField("原因", max_length=100, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "权限例外"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(camera=None, group__isnull=False) | Q(camera__isnull=False, group=None),
                name="camera_exception_one_object",
            ),
            models.CheckConstraint(
                condition=Q(user__isnull=False, role="", role_at=None, partner=None)
                | Q(~Q(role=""), user=None, role_at__isnull=False, partner=None)
                | Q(partner__isnull=False, user=None, role="", role_at=None),
                name="camera_exception_one_subject",
            ),
            models.CheckConstraint(
                condition=Q(partner=None) | Q(is_denied=True, action=Action.WATCH),
                name="camera_exception_partner_hidden",
            ),
            models.CheckConstraint(
                condition=Q(valid_from=None) | Q(valid_until=None) | Q(valid_until__gte=F("valid_from")),
                name="camera_exception_ends_after_begin",
            ),
        ]

    def __str__(self) -> str:
        words = "禁止" if self.is_denied else "允许"
        return f"{words} {self.subject_name} {self.get_action_display()} {self.object_name}"

    @property
    def subject_name(self) -> str:
        if self.user:
            return self.user.display_name
        if self.partner:
            return str(self.partner)
        return f"{self.get_role_display()}（{self.role_at}）"

    @property
    def object_name(self) -> str:
        return f"组“{self.group}”" if self.group else str(self.camera)
