"""Staff corrections of ledger and gateways; every write goes through the services."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from access.actors import actor_of_user
from cameras.models import Camera, Gateway, PtzGrant, StatusChange
from cameras.services.gateways import note_grants, remove_gateways, save_gateway
from cameras.services.ledger import approve_cameras, remove_cameras, save_camera

# Cameras that a page lists by name.
_MOST_NAMED = 20


@admin.register(Gateway)
class GatewayAdmin(admin.ModelAdmin[Gateway]):
    list_display = ["code", "name", "partner", "base_url", "style", "ptz_stop", "is_active", "last_answer_at"]
    list_select_related = ["partner"]
    list_filter = ["is_active", "style"]
    search_fields = ["code", "name"]
    autocomplete_fields = ["partner"]
    readonly_fields = ["last_answer_at", "last_error"]

    def save_model(self, request: HttpRequest, obj: Gateway, form: Any, change: bool) -> None:
        save_gateway(gateway=obj, actor=actor_of_user(request))

    def get_deleted_objects(
        self, objs: QuerySet[Gateway] | Sequence[Gateway], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        # Only a live camera holds its gateway; there may be thousands of them.
        cameras = Camera.objects.filter(gateway__in=list(objs), deleted_at=None)
        held = [f"摄像机：{camera}" for camera in cameras[:_MOST_NAMED]]
        if len(held) == _MOST_NAMED and (count := cameras.count()) > _MOST_NAMED:
            held.append(f"等共 {count} 路")
        return [str(gateway) for gateway in objs], {"视频上云网关": len(objs)}, set(), held

    def delete_model(self, request: HttpRequest, obj: Gateway) -> None:
        remove_gateways([obj], actor=actor_of_user(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Gateway]) -> None:
        remove_gateways(list(queryset), actor=actor_of_user(request))


class PtzGrantInline(admin.TabularInline[PtzGrant, Camera]):
    model = PtzGrant
    extra = 0
    autocomplete_fields = ["partner"]


@admin.register(Camera)
class CameraAdmin(admin.ModelAdmin[Camera]):
    list_display = [
        "name",
        "road",
        "stake",
        "orientation",
        "organisation",
        "camera_type",
        "status",
        "raw_status",
        "gateway",
    ]
    list_select_related = ["organisation", "gateway"]
    list_filter = [
        "status",
        "camera_type",
        "classify",
        "is_pending",
        ("deleted_at", admin.EmptyFieldListFilter),
    ]
    search_fields = ["name", "number_key", "stake", "road"]
    autocomplete_fields = ["organisation", "gateway", "owner"]
    readonly_fields = [
        "version",
        "status",
        "status_at",
        "raw_status",
        "status_reason",
        "created_at",
        "deleted_at",
    ]
    inlines = [PtzGrantInline]
    actions = ["approve"]
    show_full_result_count = False
    list_per_page = 50

    def save_model(self, request: HttpRequest, obj: Camera, form: Any, change: bool) -> None:
        save_camera(camera=obj, actor=actor_of_user(request))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if any(formset.has_changed() for formset in formsets):
            note_grants(camera=form.instance, actor=actor_of_user(request))

    @admin.action(description="通过审核")
    def approve(self, request: HttpRequest, queryset: QuerySet[Camera]) -> None:
        count = approve_cameras(list(queryset), actor=actor_of_user(request))
        self.message_user(request, f"{count} 路摄像机已通过审核")

    def get_deleted_objects(
        self, objs: QuerySet[Camera] | Sequence[Camera], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        # A deleted camera becomes a tombstone: nothing that hangs on it is deleted with it.
        return [str(camera) for camera in objs], {"摄像机": len(objs)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Camera) -> None:
        remove_cameras([obj], actor=actor_of_user(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Camera]) -> None:
        remove_cameras(list(queryset), actor=actor_of_user(request))


@admin.register(StatusChange)
class StatusChangeAdmin(admin.ModelAdmin[StatusChange]):
    list_display = ["at", "camera", "status", "source", "reason"]
    list_select_related = ["camera"]
    list_filter = ["status", "source"]
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: StatusChange | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: StatusChange | None = None) -> bool:
        return False
