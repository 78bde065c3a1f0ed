"""Incidents, to look at."""

from django.contrib import admin

from access.admin import ReadOnlyAdmin
from incidents.models import Incident


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin):
    list_display = ["kind", "name", "organisation", "began_at", "ended_at", "cameras", "peak", "total", "merged_into"]
    list_filter = ["kind", ("ended_at", admin.EmptyFieldListFilter)]
    list_select_related = ["organisation", "merged_into"]
    search_fields = ["name"]
