"""Analysis results to look at; nothing is entered here."""

from django.contrib import admin
from django.http import HttpRequest

from access.admin.base import NearPaginator
from analysis.models import AnalysisResult
from analysis.schema import facts_of


@admin.register(AnalysisResult)
class AnalysisResultAdmin(admin.ModelAdmin[AnalysisResult]):
    list_display = ["occurred_at", "camera", "subject_words", "facts", "received_at"]
    list_select_related = ["camera"]
    list_filter = ["subject"]
    search_fields = ["camera__name", "camera__number_key"]
    search_help_text = "摄像机名称或编号"
    show_full_result_count = False
    paginator = NearPaginator
    list_per_page = 50

    @admin.display(description="主题")
    def subject_words(self, row: AnalysisResult) -> str:
        return row.get_subject_display() or "未识别"

    @admin.display(description="内容")
    def facts(self, row: AnalysisResult) -> str:
        return "，".join(f"{title} {value}" for title, value in facts_of(row.data)) or row.fault

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AnalysisResult | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AnalysisResult | None = None) -> bool:
        return False
