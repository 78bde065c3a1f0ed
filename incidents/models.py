"""Incidents: cameras that went away for one cause, from the first to the last of them."""

from django.db import models
from django.db.models import F, Q

from incidents.choices import IncidentKind


class Incident(models.Model):
    """One cause and how many cameras it takes along; it grows, shrinks and ends with them."""

    kind = models.CharField("范围", max_length=8, choices=IncidentKind.choices)
    # Names the group within its kind: an id, or an organisation's id and a road (folding.subject_of).
    subject = models.CharField(max_length=80)
    name = models.CharField("对象", max_length=160)
    # None: of the platform itself, a media server.
    organisation = models.ForeignKey(
        "access.Organisation", models.CASCADE, null=True, related_name="+", verbose_name="单位"
    )
    alarm = models.OneToOneField(
        "access.Alarm", models.SET_NULL, null=True, related_name="incident", verbose_name="告警"
    )
    # When the first of its cameras went away, which is before anybody called it an incident.
    began_at = models.DateTimeField("开始")
    ended_at = models.DateTimeField("结束", null=True)
    cameras = models.PositiveIntegerField("现有路数", default=0)
    flapping = models.PositiveIntegerField("其中频繁掉线", default=0)
    peak = models.PositiveIntegerField("最多路数", default=0)
    # Of the group when it began.
    total = models.PositiveIntegerField("共有路数", default=0)
    # A wider cause was found, which took most of its cameras over.
    merged_into = models.ForeignKey("self", models.SET_NULL, null=True, related_name="merged", verbose_name="并入")

    class Meta:
        verbose_name = verbose_name_plural = "离线事件"
        ordering = ["-began_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject"], condition=Q(ended_at=None), name="incident_open_once"
            )
        ]
        indexes = [
            # Reports of some days, and what is too old to be kept.
            models.Index(fields=["began_at"], name="incident_began"),
            models.Index(F("ended_at"), name="incident_ended", condition=~Q(ended_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.name}"


class IncidentCamera(models.Model):
    """One camera's part in one incident; it may come back into it."""

    incident = models.ForeignKey(
        "incidents.Incident", models.CASCADE, related_name="members", db_index=False, verbose_name="事件"
    )
    camera = models.ForeignKey("cameras.Camera", models.CASCADE, related_name="incidents", verbose_name="摄像机")
    # When the camera went away, or began to flap.
    since = models.DateTimeField("离线自")
    is_flapping = models.BooleanField("频繁掉线", default=False)
    left_at = models.DateTimeField("恢复", null=True)
    # It did not come back: another incident took it over.
    is_moved = models.BooleanField("并入他处", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "事件中的摄像机"
        constraints = [
            models.UniqueConstraint(fields=["camera"], condition=Q(left_at=None), name="incident_camera_once")
        ]
        indexes = [models.Index(fields=["incident", "left_at"], name="incident_camera_list")]

    def __str__(self) -> str:
        return f"{self.incident_id} {self.camera_id}"


class IncidentWatch(models.Model):
    """The one row of the watch itself: a gap in its runs means that the platform was down."""

    ran_at = models.DateTimeField("最近一次")
    quiet_until = models.DateTimeField("静默到")

    class Meta:
        verbose_name = verbose_name_plural = "事件判定"

    def __str__(self) -> str:
        return f"{self.ran_at:%F %T}"
