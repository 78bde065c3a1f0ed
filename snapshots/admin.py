"""Capture rounds, what is stored, rules and holds; pictures have their own page (the admin takes no composite keys)."""

from typing import Any, TypeVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat

from access.actors import actor_of_user
from access.admin import ReadOnlyAdmin
from protocol.errors import MalformedError
from snapshots.models import CaptureShard, HeldPicture, JpegRule, PictureHold, RetentionRule, StoredDay
from snapshots.services.holds import check_hold, hold_pictures, release_hold
from snapshots.services.rules import delete_rule, save_rule

Rule = TypeVar("Rule", JpegRule, RetentionRule)


@admin.register(CaptureShard)
class CaptureShardAdmin(ReadOnlyAdmin):
    list_display = ["slot_at", "shard", "shards", "cameras", "taken", "sent_at", "started_at", "finished_at"]
    date_hierarchy = "slot_at"


@admin.register(StoredDay)
class StoredDayAdmin(ReadOnlyAdmin):
    list_display = ["day", "keep_days", "pictures", "size"]

    @admin.display(description="大小", ordering="size_bytes")
    def size(self, stored: StoredDay) -> str:
        return str(filesizeformat(stored.size_bytes))


class RuleAdmin(admin.ModelAdmin[Rule]):
    """What staff decide about pictures."""

    def save_model(self, request: HttpRequest, obj: Rule, form: Any, change: bool) -> None:
        save_rule(rule=obj, actor=actor_of_user(request))

    def delete_model(self, request: HttpRequest, obj: Rule) -> None:
        delete_rule(rule=obj, actor=actor_of_user(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        for rule in queryset:
            delete_rule(rule=rule, actor=actor_of_user(request))


@admin.register(RetentionRule)
class RetentionRuleAdmin(RuleAdmin[RetentionRule]):
    list_display = ["organisation", "days"]
    list_select_related = ["organisation"]


@admin.register(JpegRule)
class JpegRuleAdmin(RuleAdmin[JpegRule]):
    list_display = ["classify", "quality", "longest_side"]


class HoldForm(forms.ModelForm[PictureHold]):
    class Meta:
        model = PictureHold
        fields = ["camera", "begins_at", "ends_at", "reason"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                check_hold(cleaned["begins_at"], cleaned["ends_at"], cleaned["reason"])
            except MalformedError as error:
                raise ValidationError(error.message) from error
        return cleaned


@admin.register(PictureHold)
class PictureHoldAdmin(ReadOnlyAdmin):
    """A hold is made and released, never changed: what was held is proof."""

    form = HoldForm
    list_display = [
        *("camera", "begins_at", "ends_at", "reason", "held_by", "held_at", "pictures", "secured_until"),
        *("released_by", "released_at"),
    ]
    list_select_related = ["camera"]
    list_filter = [("released_at", admin.EmptyFieldListFilter)]
    search_fields = ["camera__name", "camera__number_key", "reason"]
    raw_id_fields = ["camera"]
    actions = ["release"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    def save_model(self, request: HttpRequest, obj: PictureHold, form: Any, change: bool) -> None:
        held = hold_pictures(
            camera=obj.camera,
            begins_at=obj.begins_at,
            ends_at=obj.ends_at,
            reason=obj.reason,
            actor=actor_of_user(request),
        )
        obj.pk = held.pk

    def has_release_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("snapshots.change_picturehold")

    @admin.action(description="解除所选留存", permissions=["release"])
    def release(self, request: HttpRequest, queryset: QuerySet[PictureHold]) -> None:
        holds = list(queryset.filter(released_at=None).select_related("camera"))
        released = sum(release_hold(hold=hold, actor=actor_of_user(request)) for hold in holds)
        self.message_user(request, f"已解除 {released} 项留存", messages.SUCCESS)


@admin.register(HeldPicture)
class HeldPictureAdmin(ReadOnlyAdmin):
    list_display = ["camera", "slot_at", "taken_at", "hold"]
    list_select_related = ["camera", "hold__camera"]
    date_hierarchy = "slot_at"
