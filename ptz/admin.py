"""Orders and leases to look at; nobody writes them here."""

from django.contrib import admin

from access.admin import LogAdmin, ReadOnlyAdmin
from ptz.models import PtzLease, PtzOrder


@admin.register(PtzOrder)
class PtzOrderAdmin(LogAdmin):
    list_display = ["at", "camera", "level", "actor_name", "action", "step", "outcome", "message", "address"]
    list_select_related = ["camera"]
    list_filter = ["level", "outcome", "action"]
    search_fields = ["camera__name", "camera__number_key", "actor_name"]


@admin.register(PtzLease)
class PtzLeaseAdmin(ReadOnlyAdmin):
    list_display = ["camera", "level", "holder_name", "held_until", "stop_due_at"]
    list_select_related = ["camera"]
