"""The behaviour log: who did what, on which object, from where, with which outcome."""

from django.db import models
from django.db.models import Q

from access.choices import ActorKind, Outcome


class BehaviourLog(models.Model):
    """One act of staff, partner or the system; names are copied, so that rows outlive their objects."""

    at = models.DateTimeField("时间", auto_now_add=True)
    actor_kind = models.CharField("操作者类别", max_length=8, choices=ActorKind.choices)
    actor_id = models.BigIntegerField("操作者编号", null=True)
    actor_name = models.CharField("操作者", max_length=80)
    verb = models.CharField("操作", max_length=40)
    object_kind = models.CharField("对象类别", max_length=20, blank=True)
    object_id = models.CharField("对象编号", max_length=64, blank=True)
    object_name = models.CharField("对象", max_length=160, blank=True)
    address = models.GenericIPAddressField("来源地址", null=True)
    outcome = models.CharField("结果", max_length=8, choices=Outcome.choices)
    reason = models.CharField("说明", max_length=200, blank=True)
    detail = models.JSONField("明细", default=dict, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "行为日志"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["object_kind", "object_id", "-id"], name="behaviour_object"),
            # 操作审计: all, those of one person or partner, of one verb, from one address, whatever did not succeed; by
            # time, in which they are merged with the orders of PTZ.
            models.Index(fields=["-at", "-id"], name="behaviour_time"),
            models.Index(fields=["actor_kind", "actor_id", "-at", "-id"], name="behaviour_actor_time"),
            models.Index(fields=["verb", "-at", "-id"], name="behaviour_verb_time"),
            models.Index(fields=["address", "-at", "-id"], name="behaviour_address_time"),
            models.Index(
                fields=["outcome", "-at", "-id"], name="behaviour_undone_time", condition=~Q(outcome=Outcome.DONE)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.verb} {self.object_name}"
