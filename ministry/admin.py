from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from access.actors import actor_of_user
from access.services.logs import record
from ministry.models import CameraDelivery, UpperPlatform
from protocol.sm2 import is_private_key


class UpperPlatformForm(forms.ModelForm[UpperPlatform]):
    """Token and key are never shown again; empty fields keep them."""

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
            "is_active",
        ]

    def clean_token(self) -> str:
        token: str = self.cleaned_data["token"] or self.instance.token
        if not token:
            raise forms.ValidationError("请填写线下取得的初始令牌")
        return token

    def clean_private_key(self) -> str:
        key: str = self.cleaned_data["private_key"] or self.instance.private_key
        if not is_private_key(key):
            raise forms.ValidationError("应为 64 位十六进制的 SM2 私钥")
        return key


@admin.register(UpperPlatform)
class UpperPlatformAdmin(admin.ModelAdmin[UpperPlatform]):
    form = UpperPlatformForm
    list_display = ["name", "base_url", "user", "is_active", "last_success_at", "failures", "last_error"]
    autocomplete_fields = ["organisation"]

    def save_model(self, request: HttpRequest, obj: UpperPlatform, form: Any, change: bool) -> None:
        # What staff corrected is tried at once, not after the last back-off.
        obj.failures, obj.retry_at = 0, None
        super().save_model(request, obj, form, change)
        record(
            actor_of_user(request),
            "修改上级平台" if change else "新增上级平台",
            object_kind="upper_platform",
            object_id=str(obj.pk),
            object_name=obj.name,
        )


@admin.register(CameraDelivery)
class CameraDeliveryAdmin(admin.ModelAdmin[CameraDelivery]):
    list_display = ["camera", "platform", "version", "status", "status_at", "attempts", "last_error"]
    list_select_related = ["camera", "platform"]
    list_filter = ["platform"]
    search_fields = ["camera__name", "camera__number_key"]
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: CameraDelivery | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: CameraDelivery | None = None) -> bool:
        return False
