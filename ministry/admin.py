from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from access.actors import actor_of_user
from access.admin.base import NearPaginator, ReadOnlyAdmin
from access.admin.secrets import SecretsForm
from cameras.choices import OnlineStatus
from ministry.models import CameraDelivery, DeliveryCall, DeliveryTrouble, UpperPlatform
from ministry.services.platforms import delete_upstream, save_upstream
from protocol.sm2 import is_private_key


class UpperPlatformForm(SecretsForm):
    # What the key signs lets others exchange the token: it goes nowhere else either.
    sent_to = {"token": ("base_url",), "private_key": ("base_url",)}

    token = forms.CharField(
        label="当前令牌", required=False, widget=forms.PasswordInput, help_text="留空表示不修改"
    )
    private_key = forms.CharField(
        label="SM2 私钥",
        required=False,
        widget=forms.PasswordInput,
        help_text="64 位十六进制；留空表示不修改",
    )

    class Meta:
        model = UpperPlatform
        fields = [
            "name",
            "base_url",
            "user",
            "device_code",
            "token",
            "private_key",
            "ca_file",
            "organisation",
            "concurrency",
            "requests_per_second",
            "quality_digits",
            "is_active",
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("token") == "":
            self.add_error("token", "请填写线下取得的初始令牌")
        if not is_private_key(cleaned.get("private_key", self.instance.private_key)):
            self.add_error("private_key", "应为 64 位十六进制的 SM2 私钥")
        return cleaned


@admin.register(UpperPlatform)
class UpperPlatformAdmin(admin.ModelAdmin[UpperPlatform]):
    form = UpperPlatformForm
    list_display = ["name", "base_url", "user", "is_active", "last_success_at", "failures", "last_error"]
    autocomplete_fields = ["organisation"]

    def save_model(self, request: HttpRequest, obj: UpperPlatform, form: Any, change: bool) -> None:
        has_new_token = bool(form.data.get("token"))
        save_upstream(platform=obj, actor=actor_of_user(request), has_new_token=has_new_token)

    def get_deleted_objects(
        self, objs: QuerySet[UpperPlatform] | Sequence[UpperPlatform], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        # Its acknowledgements go with it; nobody may delete them alone.
        return [str(platform) for platform in objs], {"上级平台": len(objs)}, set(), []

    def delete_model(self, request: HttpRequest, obj: UpperPlatform) -> None:
        delete_upstream(platform=obj, actor=actor_of_user(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[UpperPlatform]) -> None:
        for platform in queryset:
            delete_upstream(platform=platform, actor=actor_of_user(request))


@admin.register(CameraDelivery)
class CameraDeliveryAdmin(ReadOnlyAdmin):
    list_display = [
        "camera",
        "platform",
        "version",
        "doubt",
        "department",
        "status_words",
        "status_at",
        "quality",
        "quality_at",
    ]
    list_select_related = ["camera", "platform"]
    list_filter = ["platform"]
    search_fields = ["camera__name", "camera__number_key"]
    search_help_text = "摄像机名称或编号"

    @admin.display(description="登记结果")
    def doubt(self, delivery: CameraDelivery) -> str:
        return "未知，待核实" if delivery.is_in_doubt else "已确认" if delivery.version else "未登记"

    @admin.display(description="已确认状态")
    def status_words(self, delivery: CameraDelivery) -> str:
        return "—" if delivery.status is None else OnlineStatus(delivery.status).label


@admin.register(DeliveryTrouble)
class DeliveryTroubleAdmin(ReadOnlyAdmin):
    list_display = ["delivery", "interface", "reason", "since", "attempts", "retry_at", "parked_at"]
    list_select_related = ["delivery"]
    list_filter = ["interface", ("parked_at", admin.EmptyFieldListFilter)]
    search_fields = ["delivery__camera__name", "delivery__camera__number_key", "reason"]
    search_help_text = "摄像机名称、编号或原因"


@admin.register(DeliveryCall)
class DeliveryCallAdmin(ReadOnlyAdmin):
    list_display = ["at", "platform", "verb", "department", "count", "code", "duration_ms", "error"]
    list_select_related = ["platform"]
    list_filter = ["platform", "interface"]
    ordering = ["-at"]
    paginator = NearPaginator
