"""Behaviour log and alarms, to look at."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from access.actors import actor_of_user
from access.admin.base import LogAdmin, ReadOnlyAdmin
from access.models import Alarm, BehaviourLog, User
from access.services.alarms import acknowledge_alarm


@admin.register(BehaviourLog)
class BehaviourLogAdmin(LogAdmin):
    list_display = ["at", "actor_kind", "actor_name", "verb", "object_name", "address", "outcome", "reason"]
    list_filter = ["outcome", "actor_kind", "at"]
    search_fields = ["actor_name", "verb", "object_name", "=object_id"]


@admin.register(Alarm)
class AlarmAdmin(ReadOnlyAdmin):
    list_display = [
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
        done = sum(acknowledge_alarm(alarm=alarm, user=request.user, actor=actor) for alarm in queryset)
        self.message_user(request, f"已确认 {done} 条", messages.SUCCESS)
