"""Capture rounds to look at; pictures themselves have their own page (the admin takes no composite keys)."""

from django.contrib import admin
from django.http import HttpRequest

from snapshots.models import CaptureShard


@admin.register(CaptureShard)
class CaptureShardAdmin(admin.ModelAdmin[CaptureShard]):
    list_display = ["slot_at", "shard", "cameras", "taken", "started_at", "finished_at"]
    date_hierarchy = "slot_at"
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: CaptureShard | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: CaptureShard | None = None) -> bool:
        return False
