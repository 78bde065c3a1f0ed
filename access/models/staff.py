"""Staff of the province and their roles."""

from datetime import datetime

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from access.choices import DUTIES, Role


class User(AbstractUser):  # type: ignore[django-manager-missing]  # of the untyped Application
    """One person who signs in to console or admin."""

    full_name = models.CharField("姓名", max_length=64, blank=True)
    # Who administers it looks after the account; what the person may see is for the roles alone.
    organisation = models.ForeignKey(
        "access.Organisation",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="staff",
        verbose_name="所属单位",
    )

    # With any, the account is for a big screen there: it only watches, and is never idle (access/screens.py).
    screen_networks = ArrayField(
        models.CharField(max_length=43), default=list, blank=True, editable=False, verbose_name="大屏所在网段"
    )

    class Meta(AbstractUser.Meta):
        verbose_name = verbose_name_plural = "用户"

    @property
    def is_screen(self) -> bool:
        return bool(self.screen_networks)

    @property
    def display_name(self) -> str:
        return self.full_name or self.username


class LimitedInTime(models.Model):
    """A right that counts from `valid_from` up to `valid_until`; both may be open.

    One that ended stays: who could see what is asked months later.
    """

    # None: it is from before this was kept.
    granted_at = models.DateTimeField("授予时间", null=True, default=timezone.now, editable=False)
    valid_from = models.DateTimeField("生效时间", null=True, blank=True)
    valid_until = models.DateTimeField("失效时间", null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def is_begun(self) -> bool:
        return self.valid_from is None or self.valid_from <= timezone.now()


def in_force(now: datetime, prefix: str = "") -> Q:
    """Rights that count at this moment, of LimitedInTime or of a relation to it named by `prefix`."""
    begun = Q(**{f"{prefix}valid_from": None}) | Q(**{f"{prefix}valid_from__lte": now})
    return begun & not_ended(now, prefix)


def not_ended(now: datetime, prefix: str = "") -> Q:
    """The same with those that are yet to begin."""
    return Q(**{f"{prefix}valid_until": None}) | Q(**{f"{prefix}valid_until__gt": now})


def was_in_force(moment: datetime) -> Q:
    """Rights that counted at a moment of the past, granted no later than that."""
    return in_force(moment) & (Q(granted_at=None) | Q(granted_at__lte=moment))


class StaffRole(LimitedInTime):
    """One role of one person on one organisation and everything below it."""

    user = models.ForeignKey("access.User", models.CASCADE, related_name="roles", verbose_name="用户")
    role = models.CharField("角色", max_length=16, choices=Role.choices)
    organisation = models.ForeignKey(
        "access.Organisation", models.CASCADE, related_name="staff_roles", verbose_name="单位"
    )

    class Meta:
        verbose_name = verbose_name_plural = "用户角色"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "role", "organisation"],
                condition=Q(valid_until=None),
                name="staff_role_open_once",
            ),
            # Of 三员 a person holds one at most, and for good: what ends would leave room for another.
            models.UniqueConstraint(
                fields=["user"], condition=Q(role__in=DUTIES), name="staff_role_one_duty"
            ),
            models.CheckConstraint(
                condition=~Q(role__in=DUTIES) | Q(valid_from=None, valid_until=None),
                name="staff_role_duty_unlimited",
            ),
            models.CheckConstraint(
                condition=Q(valid_from=None) | Q(valid_until=None) | Q(valid_until__gte=F("valid_from")),
                name="staff_role_ends_after_begin",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.get_role_display()} {self.organisation}"
