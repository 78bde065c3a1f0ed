"""The organisation tree: province, companies (department), management offices (roadSec)."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q, Value
from django.db.models.functions import Concat, Substr

from access.choices import OrganisationKind


class Organisation(models.Model):
    """One node of the organisation tree; `path` holds the ids from the root, e.g. `/1/7/23/`."""

    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name="上级单位"
    )
    name = models.CharField("名称", max_length=64)
    kind = models.IntegerField("类别", choices=OrganisationKind.choices)
    path = models.CharField("路径", max_length=255, editable=False, default="")
    created_at = models.DateTimeField("建立时间", auto_now_add=True)

    class Meta:
        verbose_name = verbose_name_plural = "组织机构"
        ordering = ["kind", "name"]
        constraints = [
            models.UniqueConstraint(fields=["parent", "name"], name="organisation_name_unique_below_parent"),
            models.UniqueConstraint(
                fields=["name"], condition=Q(parent=None), name="organisation_root_name_unique"
            ),
        ]
        indexes = [
            # Subtree of a node: path LIKE '/1/7/%' (facts.md: cheapest of the tried forms).
            models.Index(fields=["path"], name="organisation_path", opclasses=["varchar_pattern_ops"]),
            models.Index(fields=["name"], name="organisation_name"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """The path needs the own id and is written after it; a node that moves takes its subtree along."""
        with transaction.atomic():
            super().save(*args, **kwargs)
            path = f"{self.parent.path if self.parent else '/'}{self.pk}/"
            if path == self.path:
                return
            tree = type(self).objects.filter(Q(pk=self.pk) | Q(path__startswith=self.path or path))
            tree.update(path=Concat(Value(path), Substr("path", len(self.path) + 1)))
            self.path = path

    def clean(self) -> None:
        if self.pk and self.parent and self.contains(self.parent):
            raise ValidationError({"parent": "上级单位不能是本单位或其下级"})
        if self.parent is None and type(self).objects.filter(parent=None).exclude(pk=self.pk).exists():
            # Whoever holds a role on the root holds it for the whole province.
            raise ValidationError({"parent": "省中心只有一个，请选择上级单位"})

    def contains(self, other: "Organisation") -> bool:
        return other.path.startswith(self.path)
