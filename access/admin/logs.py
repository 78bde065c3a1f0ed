"""Behaviour log and alarms, to look at."""

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from access.actors import actor_of_user
from access.admin.base import LogAdmin, ReadOnlyAdmin
from access.choices import Action
from access.models import Alarm, BehaviourLog, User
from access.selectors import logs_visible_to, may_handle, may_read_logs, paths_allowed
from access.services.alarms import acknowledge_alarm


@admin.register(BehaviourLog)
class BehaviourLogAdmin(LogAdmin):
    list_display = ["at", "actor_kind", "actor_name", "verb", "object_name", "address", "outcome", "reason"]
    list_filter = ["outcome", "actor_kind", "at"]
    search_fields = ["actor_name", "verb", "object_name", "=object_id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[BehaviourLog]:
        """A security administrator reads those of operators."""
        return logs_visible_to(request.user).order_by("-id")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_read_logs(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may_read_logs(request.user)


@admin.register(Alarm)
class AlarmAdmin(ReadOnlyAdmin):
    list_display = [
        "began_at",
        "opened_at",
        "severity",
        "title",
        "organisation",
        "times_seen",
        "last_seen_at",
        "closed_at",
        "acknowledged_by",
        "note",
    ]
    list_filter = ["severity", ("closed_at", admin.EmptyFieldListFilter)]
    list_select_related = ["organisation", "acknowledged_by"]
    search_fields = ["title", "message"]
    actions = ["acknowledge"]

    @admin.action(description="确认所选告警")
    def acknowledge(self, request: HttpRequest, queryset: QuerySet[Alarm]) -> None:
        if not isinstance(request.user, User):
            return
        actor = actor_of_user(request)
        paths = paths_allowed(request.user, Action.ALARM)
        chosen = list(queryset)
        handled = [alarm for alarm in chosen if may_handle(request.user, alarm, paths)]
        done = sum(acknowledge_alarm(alarm=alarm, user=request.user, actor=actor) for alarm in handled)
        if left := len(chosen) - len(handled):
            self.message_user(request, f"{left} 条不在您的处理范围，没有确认", messages.WARNING)
        self.message_user(request, f"已确认 {done} 条", messages.SUCCESS)
