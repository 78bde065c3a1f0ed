"""Staff of the province and their roles."""

from django.contrib.auth.models import AbstractUser
from django.db import models

from access.choices import Role


class User(AbstractUser):  # type: ignore[django-manager-missing]  # of the untyped Application
    """One person who signs in to console or admin."""

    full_name = models.CharField("姓名", max_length=64, blank=True)

    class Meta(AbstractUser.Meta):
        verbose_name = verbose_name_plural = "用户"

    @property
    def display_name(self) -> str:
        return self.full_name or self.username


class StaffRole(models.Model):
    """One role of one person on one organisation and everything below it."""

    user = models.ForeignKey("access.User", models.CASCADE, related_name="roles", verbose_name="用户")
    role = models.CharField("角色", max_length=16, choices=Role.choices)
    organisation = models.ForeignKey(
        "access.Organisation", models.CASCADE, related_name="staff_roles", verbose_name="单位"
    )

    class Meta:
        verbose_name = verbose_name_plural = "用户角色"
        constraints = [
            models.UniqueConstraint(fields=["user", "role", "organisation"], name="staff_role_unique")
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.get_role_display()} {self.organisation}"
