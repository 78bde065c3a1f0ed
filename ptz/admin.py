"""Orders and leases to look at; nobody writes them here."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from access.admin import LogAdmin
from ptz.models import PtzLease, PtzOrder


class _ReadOnly:
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(PtzOrder)
class PtzOrderAdmin(LogAdmin):
    list_display = ["at", "camera", "level", "actor_name", "action", "step", "outcome", "message", "address"]
    list_select_related = ["camera"]
    list_filter = ["level", "outcome", "action"]
    search_fields = ["camera__name", "camera__number_key", "actor_name"]


@admin.register(PtzLease)
class PtzLeaseAdmin(_ReadOnly, admin.ModelAdmin[PtzLease]):
    list_display = ["camera", "level", "holder_name", "held_until", "stop_due_at"]
    list_select_related = ["camera"]
    show_full_result_count = False
