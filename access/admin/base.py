"""What the admin pages of all apps share."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from access.actors import actor_of_user
from access.choices import Action
from access.models import User
from access.selectors import may_audit, paths_allowed
from access.services.logs import record

_MOST_COUNTED = 10_000


class RecordedAdmin(admin.ModelAdmin[Any]):
    """Every change leaves a row in the behaviour log, with what the fields are called."""

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        fields = [str(form.fields[name].label or name) for name in form.changed_data] if change else []
        self._record(request, _words("修改" if change else "新增", obj), obj, {"fields": fields})

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        self._record(request, _words("删除", obj), obj, {})
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for obj in queryset:
            self.delete_model(request, obj)

    def _record(self, request: HttpRequest, what: str, obj: Model, detail: dict[str, object]) -> None:
        record(
            actor_of_user(request),
            what,
            object_kind=str(obj._meta.model_name),
            object_id=str(obj.pk),
            object_name=str(obj),
            detail=detail,
        )


def _words(what: str, obj: Model) -> str:
    return f"{what}{obj._meta.verbose_name}"


def may_grant(request: HttpRequest) -> bool:
    """Whether they decide who reaches what: with separate duties not who keeps the system."""
    return _may(request, Action.GRANT)


def keeps_system(request: HttpRequest) -> bool:
    """Whether they keep the platform itself: with separate duties not who gives rights."""
    return _may(request, Action.USERS)


def _may(request: HttpRequest, action: Action) -> bool:
    return isinstance(request.user, User) and bool(paths_allowed(request.user, action))


class LogAdmin(admin.ModelAdmin[Any]):
    """A log: auditors read it, nobody writes it."""

    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_audit(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may_audit(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyAdmin(admin.ModelAdmin[Any]):
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class NearPaginator(Paginator[Any]):
    """Counts the newest rows only: nobody pages through millions, and counting them takes seconds."""

    @cached_property
    def count(self) -> int:
        return len(self.object_list.values_list("pk")[:_MOST_COUNTED])  # type: ignore[attr-defined]
