"""Case files, to be read: whatever is done with them is done in the console and leaves its row."""

from django.contrib import admin

from access.admin import ReadOnlyAdmin
from cases.models import CaseCamera, CaseExport, CaseFile, CaseNote


@admin.register(CaseFile)
class CaseFileAdmin(ReadOnlyAdmin):
    list_display = ["number", "title", "road", "stake", "event_at", "opened_by", "closed_at", "released_at"]
    search_fields = ["title", "road"]
    date_hierarchy = "event_at"


@admin.register(CaseCamera)
class CaseCameraAdmin(ReadOnlyAdmin):
    list_display = ["name", "stake", "direction", "case", "hold", "added_by", "added_at"]
    list_select_related = ["case", "hold__camera"]


@admin.register(CaseNote)
class CaseNoteAdmin(ReadOnlyAdmin):
    list_display = ["case", "at", "by", "text"]
    list_select_related = ["case"]


@admin.register(CaseExport)
class CaseExportAdmin(ReadOnlyAdmin):
    list_display = ["case", "at", "by", "files", "pictures", "manifest_sm3"]
    list_select_related = ["case"]
