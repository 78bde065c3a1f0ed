from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from access.actors import actor_of_user
from streaming.models import MediaServer, PlayCheck, PlayDomain, PushSession
from streaming.services.domains import save_play_domain
from streaming.services.servers import save_media_server


class MediaServerForm(forms.ModelForm[MediaServer]):
    """The secret is never shown again; an empty field keeps it."""

    secret = forms.CharField(
        label="密钥",
        required=False,
        widget=forms.PasswordInput,
        help_text="校验其回调，也用于其管理接口；留空表示不修改",
    )

    class Meta:
        model = MediaServer
        fields = ["name", "kind", "rtmp_url", "http_url", "api_url", "secret", "ca_file", "weight", "is_active"]

    def clean_secret(self) -> str:
        secret: str = self.cleaned_data["secret"] or self.instance.secret
        return secret


@admin.register(MediaServer)
class MediaServerAdmin(admin.ModelAdmin[MediaServer]):
    form = MediaServerForm
    list_display = ["name", "kind", "rtmp_url", "http_url", "weight", "is_active", "last_seen_at", "last_error"]

    def save_model(self, request: HttpRequest, obj: MediaServer, form: Any, change: bool) -> None:
        save_media_server(server=obj, actor=actor_of_user(request))


class PlayDomainForm(forms.ModelForm[PlayDomain]):
    """Keys are never shown again; an empty field keeps the one there is."""

    key = forms.CharField(label="主密钥", required=False, widget=forms.PasswordInput, help_text="留空表示不修改")
    backup_key = forms.CharField(
        label="备用密钥", required=False, widget=forms.PasswordInput, help_text="留空表示不修改"
    )

    class Meta:
        model = PlayDomain
        fields = [
            *("name", "base_url", "signer", "key", "backup_key", "is_backup_signing", "validity_seconds"),
            *("hls_way", "media_server", "is_for_partners", "is_for_staff", "is_active"),
        ]

    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"] or self.instance.key
        return key

    def clean_backup_key(self) -> str:
        key: str = self.cleaned_data["backup_key"] or self.instance.backup_key
        return key


@admin.register(PlayDomain)
class PlayDomainAdmin(admin.ModelAdmin[PlayDomain]):
    form = PlayDomainForm
    list_display = ["name", "base_url", "signer", "is_for_partners", "is_for_staff", "is_active", "changed_at"]
    list_select_related = ["media_server"]

    def save_model(self, request: HttpRequest, obj: PlayDomain, form: Any, change: bool) -> None:
        save_play_domain(domain=obj, actor=actor_of_user(request))


@admin.register(PushSession)
class PushSessionAdmin(admin.ModelAdmin[PushSession]):
    list_display = [
        "camera",
        "video_type",
        "state",
        "is_wanted",
        "live_at",
        "viewers",
        "attempts",
        "last_error",
    ]
    list_select_related = ["camera"]
    list_filter = ["state", "video_type", "is_wanted", "media_server"]
    search_fields = ["camera__name", "camera__number_key"]
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: PushSession | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: PushSession | None = None) -> bool:
        return False


@admin.register(PlayCheck)
class PlayCheckAdmin(admin.ModelAdmin[PlayCheck]):
    list_display = ["camera", "result", "checked_at", "first_byte_ms", "failures", "detail"]
    list_select_related = ["camera"]
    list_filter = ["result"]
    search_fields = ["camera__name", "camera__number_key"]
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: PlayCheck | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: PlayCheck | None = None) -> bool:
        return False
