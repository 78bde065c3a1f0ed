"""Staff corrections of ledger and gateways; every write goes through the services."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from access.actors import actor_of_user
from access.services.logs import record
from cameras.models import Camera, Gateway, PtzGrant, StatusChange
from cameras.services.ledger import bury_cameras, save_camera


@admin.register(Gateway)
class GatewayAdmin(admin.ModelAdmin[Gateway]):
    list_display = ["code", "name", "partner", "base_url", "style", "ptz_stop", "is_active", "last_answer_at"]
    list_select_related = ["partner"]
    list_filter = ["is_active", "style"]
    search_fields = ["code", "name"]
    autocomplete_fields = ["partner"]
    readonly_fields = ["last_answer_at", "last_error"]

    def save_model(self, request: HttpRequest, obj: Gateway, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        record(
            actor_of_user(request),
            "修改网关" if change else "新增网关",
            object_kind="gateway",
            object_id=str(obj.pk),
            object_name=obj.name or obj.code,
        )


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
    show_full_result_count = False
    list_per_page = 50

    def save_model(self, request: HttpRequest, obj: Camera, form: Any, change: bool) -> None:
        save_camera(camera=obj, actor=actor_of_user(request))

    def delete_model(self, request: HttpRequest, obj: Camera) -> None:
        self._bury(request, [obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Camera]) -> None:
        self._bury(request, list(queryset))

    def _bury(self, request: HttpRequest, cameras: list[Camera]) -> None:
        bury_cameras(cameras)
        for camera in cameras:
            record(
                actor_of_user(request),
                "删除摄像机",
                object_kind="camera",
                object_id=str(camera.pk),
                object_name=camera.name,
            )


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
