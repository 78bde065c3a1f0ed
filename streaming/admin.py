from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from access.actors import actor_of_user
from access.admin import ReadOnlyAdmin, SecretsForm
from access.admin.secrets import origin_of
from cameras.camera_numbers import NamesCamera
from streaming.models import (
    HotHours,
    MediaServer,
    PlayCheck,
    PlayDomain,
    PushSession,
    ViewerLimit,
    ViewerPeak,
    Viewing,
)
from streaming.services.domains import delete_play_domain, save_play_domain
from streaming.services.rules import delete_rule, save_rule
from streaming.services.servers import delete_media_server, save_media_server


class MediaServerForm(SecretsForm):
    sent_to = {"secret": ("api_url", "http_url")}

    secret = forms.CharField(
        label="密钥",
        required=False,
        widget=forms.PasswordInput,
        help_text="校验其回调，也用于其管理接口；留空表示不修改",
    )

    class Meta:
        model = MediaServer
        fields = ["name", "kind", "rtmp_url", "http_url", "api_url", "secret", "ca_file", "weight", "is_active"]

    def receivers(self, secret: str, values: Mapping[str, Any]) -> Iterable[str]:
        """Who answers at the interface for its management."""
        return [origin_of(values["api_url"] or values["http_url"])]


@admin.register(MediaServer)
class MediaServerAdmin(admin.ModelAdmin[MediaServer]):
    form = MediaServerForm
    list_display = ["name", "kind", "rtmp_url", "http_url", "weight", "is_active", "last_seen_at", "last_error"]

    def save_model(self, request: HttpRequest, obj: MediaServer, form: Any, change: bool) -> None:
        save_media_server(server=obj, actor=actor_of_user(request))

    def delete_model(self, request: HttpRequest, obj: MediaServer) -> None:
        delete_media_server(server=obj, actor=actor_of_user(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[MediaServer]) -> None:
        for server in queryset:
            delete_media_server(server=server, actor=actor_of_user(request))


class PlayDomainForm(SecretsForm):
    # They sign addresses here; nobody is sent them.
    sent_to = {"key": (), "backup_key": ()}

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


@admin.register(PlayDomain)
class PlayDomainAdmin(admin.ModelAdmin[PlayDomain]):
    form = PlayDomainForm
    list_display = [
        *("name", "base_url", "signer", "is_for_partners", "is_for_staff", "is_active"),
        *("proof", "checked_at", "changed_at"),
    ]
    list_select_related = ["media_server"]
    readonly_fields = ["proof", "checked_at"]

    @admin.display(description="验收结果")
    def proof(self, domain: PlayDomain) -> str:
        if domain.checked_at is None:
            return "未验收，或验收后改过设置"
        return "；".join(domain.faults) or "通过"

    def save_model(self, request: HttpRequest, obj: PlayDomain, form: Any, change: bool) -> None:
        save_play_domain(domain=obj, actor=actor_of_user(request))

    def delete_model(self, request: HttpRequest, obj: PlayDomain) -> None:
        delete_play_domain(domain=obj, actor=actor_of_user(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[PlayDomain]) -> None:
        for domain in queryset:
            delete_play_domain(domain=domain, actor=actor_of_user(request))


Rule = TypeVar("Rule", ViewerLimit, HotHours)


@admin.register(PushSession)
class PushSessionAdmin(ReadOnlyAdmin):
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


@admin.register(PlayCheck)
class PlayCheckAdmin(ReadOnlyAdmin):
    list_display = ["camera", "result", "checked_at", "first_byte_ms", "failures", "detail"]
    list_select_related = ["camera"]
    list_filter = ["result"]
    search_fields = ["camera__name", "camera__number_key"]


@admin.register(Viewing)
class ViewingAdmin(ReadOnlyAdmin):
    list_display = ["camera", "video_type", "uid", "protocol", "began_at", "media_server"]
    list_select_related = ["camera", "media_server"]
    list_filter = ["video_type", "media_server"]
    search_fields = ["camera__name", "camera__number_key", "uid"]


@admin.register(ViewerPeak)
class ViewerPeakAdmin(ReadOnlyAdmin):
    list_display = ["day", "kind", "subject_id", "peak", "at"]
    list_filter = ["kind"]
    date_hierarchy = "day"
    ordering = ["-day", "kind", "-peak"]


class RuleAdmin(NamesCamera):
    """What staff decide about single cameras."""

    list_select_related = ["camera"]
    show_full_result_count = False

    def save_model(self, request: HttpRequest, obj: Rule, form: Any, change: bool) -> None:
        save_rule(rule=obj, actor=actor_of_user(request))

    def delete_model(self, request: HttpRequest, obj: Rule) -> None:
        delete_rule(rule=obj, actor=actor_of_user(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        for rule in queryset.select_related("camera"):
            delete_rule(rule=rule, actor=actor_of_user(request))


@admin.register(ViewerLimit)
class ViewerLimitAdmin(RuleAdmin):
    list_display = ["camera", "camera_number", "most_viewers"]


@admin.register(HotHours)
class HotHoursAdmin(RuleAdmin):
    list_display = ["camera", "camera_number", "begins", "ends"]
