"""Alarms, to look at."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from access.actors import actor_of_user
from access.admin.base import ReadOnlyAdmin
from access.choices import Action
from access.models import Alarm, User
from access.selectors import may_handle, paths_allowed
from access.services.alarms import acknowledge_alarm


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
