"""Image quality to look at; nothing is entered here."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.timezone import localtime

from access.admin import ReadOnlyAdmin
from quality.choices import ALL_GOOD, QualityFlag
from quality.models import CameraDiagnosis, CameraQuality, QualityChange, QualityFeedback, QualityVerdict
from quality.selectors import flag_states, words_of


class FlagFilter(admin.SimpleListFilter):
    title = "异常"
    parameter_name = "flag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("any", "任一项"), *((str(flag.value), str(flag.label)) for flag in QualityFlag)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = self.value()
        if wanted == "any":
            return queryset.exclude(flags=ALL_GOOD)
        if wanted in {str(flag.value) for flag in QualityFlag}:
            return queryset.filter(flags__regex=f"^.{{{wanted}}}1")
        return queryset


class OfCamerasAdmin(ReadOnlyAdmin):
    list_select_related = ["camera"]
    search_fields = ["camera__name", "camera__number_key"]
    list_per_page = 50


@admin.register(CameraQuality)
class CameraQualityAdmin(OfCamerasAdmin):
    list_display = ["camera", "states", "told_by", "flags", "changed_at"]
    list_filter = [FlagFilter]

    @admin.display(description="状态")
    def states(self, row: CameraQuality) -> str:
        return words_of(row.flags)

    @admin.display(description="依据")
    def told_by(self, row: CameraQuality) -> str:
        return "；".join(
            f"{state.label}：{state.source}，{localtime(state.since):%m-%d %H:%M} 起"
            for state in flag_states(row)
        )


@admin.register(QualityVerdict)
class QualityVerdictAdmin(OfCamerasAdmin):
    list_display = ["camera", "source", "flags", "received", "heard_at"]
    list_filter = ["source"]


@admin.register(CameraDiagnosis)
class CameraDiagnosisAdmin(OfCamerasAdmin):
    """The engine's own bytes tell a person nothing and stay out."""

    list_display = ["camera", "says", "shifts", "failures", "view_since", "wants_burst", "burst_at"]
    list_filter = ["wants_burst"]
    exclude = ["trace"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("trace")

    @admin.display(description="结论")
    def says(self, row: CameraDiagnosis) -> str:
        return words_of(row.flags)

    @admin.display(description="灵敏度")
    def shifts(self, row: CameraDiagnosis) -> str:
        tuned = [f"{flag.label} {row.sensitivity[flag]:+.1f}" for flag in QualityFlag if row.sensitivity[flag]]
        return "、".join(tuned) or "标准"


@admin.register(QualityFeedback)
class QualityFeedbackAdmin(OfCamerasAdmin):
    list_display = ["at", "camera", "flag", "is_real", "is_ours", "score", "actor_name"]
    list_filter = ["flag", "is_real"]


@admin.register(QualityChange)
class QualityChangeAdmin(OfCamerasAdmin):
    list_display = ["at", "camera", "was", "now_is", "source"]
    list_filter = ["source"]

    @admin.display(description="原状态")
    def was(self, row: QualityChange) -> str:
        return words_of(row.before)

    @admin.display(description="新状态")
    def now_is(self, row: QualityChange) -> str:
        return words_of(row.after)
