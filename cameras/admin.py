"""Staff corrections of ledger and gateways; every write goes through the services."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe

from access.actors import actor_of_user
from access.admin.base import LogAdmin, ReadOnlyAdmin, keeps_system, may_grant
from access.admin.secrets import SecretsForm, origin_of
from access.choices import Action
from access.models import BehaviourLog, User
from access.selectors import may_read_logs
from cameras.camera_numbers import NamesCamera
from cameras.models import (
    Camera,
    CameraChange,
    CameraSource,
    Gateway,
    GatewayConfiguration,
    PtzGrant,
    StatusChange,
)
from cameras.selectors import assigned_cameras
from cameras.services.configurations import remove_sources, save_source
from cameras.services.gateways import note_grants, opened_to, remove_gateways, save_gateway
from cameras.services.ledger import remove_cameras, save_camera
from cameras.services.review import approve_cameras
from cameras.visibility import logs_visible_to, visible_condition
from protocol.configuration import Origin

# Cameras that a page lists by name.
_MOST_NAMED = 20
_USERS: Final = {"password": "user", "ptz_password": "ptz_user"}
_ORIGINS = {Origin.PLATFORM: "按平台的配置", Origin.FILE: "按网关的配置文件", None: "没有运行"}


# Where a gateway is called it is shown the newest token of its partner, with which its cameras' passwords are
# fetched and more: with separate duties both are for who gives rights, not for who keeps the system.
_SHOWN_TOKENS: Final = ("partner", "base_url")


@admin.register(BehaviourLog)
class BehaviourLogAdmin(LogAdmin):
    """Here, as who reads a row depends on the camera it is about."""

    list_display = ["at", "actor_kind", "actor_name", "verb", "object_name", "address", "outcome", "reason"]
    list_filter = ["outcome", "actor_kind", "at"]
    search_fields = ["actor_name", "verb", "object_name", "=object_id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[BehaviourLog]:
        """A security administrator reads those of operators."""
        return logs_visible_to(request.user).order_by("-id")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_read_logs(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may_read_logs(request.user)


@admin.register(Gateway)
class GatewayAdmin(admin.ModelAdmin[Gateway]):
    list_display = ["code", "name", "partner", "base_url", "style", "ptz_stop", "is_active", "last_answer_at"]
    list_select_related = ["partner"]
    list_filter = ["is_active", "style"]
    search_fields = ["code", "name"]
    autocomplete_fields = ["partner"]
    readonly_fields = ["last_answer_at", "last_error", "software", "certificate_until"]

    def get_readonly_fields(self, request: HttpRequest, obj: Gateway | None = None) -> list[str]:
        fixed = list(self.readonly_fields)
        if not keeps_system(request):
            own = [field.name for field in Gateway._meta.fields if field.editable and not field.primary_key]
            return [*fixed, *(name for name in own if name not in _SHOWN_TOKENS)]
        if may_grant(request):
            return fixed
        return [*fixed, *_SHOWN_TOKENS] if obj else [*fixed, "base_url"]

    def save_model(self, request: HttpRequest, obj: Gateway, form: Any, change: bool) -> None:
        save_gateway(gateway=obj, actor=actor_of_user(request))
        if not change and not may_grant(request):
            self.message_user(request, "网关还没有地址：请安全管理员在这里填写“网关地址”", messages.WARNING)

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
        before = opened_to(form.instance)
        super().save_related(request, form, formsets, change)
        if any(formset.has_changed() for formset in formsets):
            note_grants(camera=form.instance, before=before, actor=actor_of_user(request))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Camera]:
        """Deleted and pending ones too, but only those whose ledger the user keeps."""
        user = request.user
        if not isinstance(user, User):
            return Camera.objects.none()
        return super().get_queryset(request).filter(visible_condition(user, Action.LEDGER))

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


class CameraSourceForm(SecretsForm):
    sent_to = {"ptz_password": ("ptz_address",), "password": ("address", "high_address")}

    password = forms.CharField(
        label="口令",
        required=False,
        strip=False,
        widget=forms.PasswordInput,
        help_text="留空表示不修改；用户名也留空则去掉",
    )
    ptz_password = forms.CharField(
        label="云台口令", required=False, strip=False, widget=forms.PasswordInput, help_text="同上"
    )

    class Meta:
        model = CameraSource
        fields = [
            *("camera", "address", "user", "password", "mode", "high_address", "high_mode"),
            *("ptz_driver", "ptz_address", "ptz_user", "ptz_password", "ptz_profile", "move_seconds"),
            *("invert_pan", "invert_tilt", "invert_focus", "focus", "move_end", "light"),
        ]

    def has_use_for(self, secret: str) -> bool:
        return bool(self.cleaned_data.get(_USERS[secret]))

    def receivers(self, secret: str, values: Mapping[str, Any]) -> Iterable[str]:
        """The gateway of the camera, and the device at its addresses."""
        yield f"camera {values['camera'].pk}"
        own = origin_of(values["address"], scheme="http")
        turned = origin_of(values["ptz_address"]) if values["ptz_address"] else own
        if secret == "ptz_password":  # noqa: S105 - the name of a field
            yield turned
            return
        yield from super().receivers(secret, values)
        # A gateway turns it with the login of the pictures where there is none of its own.
        if values["ptz_driver"] and turned != own and not (values["ptz_user"] and values["ptz_password"]):
            yield turned


@admin.register(CameraSource)
class CameraSourceAdmin(NamesCamera):
    form = CameraSourceForm
    list_display = ["camera", "camera_number", "gateway", "address", "mode", "ptz_driver", "changed_at"]
    list_select_related = ["camera__gateway"]
    list_filter = ["mode", "ptz_driver"]
    search_fields = ["camera__name", "camera__number_key", "address", "camera__gateway__code"]
    show_full_result_count = False
    fieldsets = [
        (None, {"fields": ["camera", "address", "user", "password", "mode", "high_address", "high_mode"]}),
        (
            "云台",
            {
                "fields": [
                    *("ptz_driver", "ptz_address", "ptz_user", "ptz_password", "ptz_profile"),
                    *("move_seconds", "invert_pan", "invert_tilt", "invert_focus"),
                    *("focus", "move_end", "light"),
                ]
            },
        ),
    ]

    @admin.display(description="网关")
    def gateway(self, source: CameraSource) -> str:
        return str(source.camera.gateway or "未划给网关")

    def save_model(self, request: HttpRequest, obj: CameraSource, form: Any, change: bool) -> None:
        save_source(source=obj, actor=actor_of_user(request))

    def delete_model(self, request: HttpRequest, obj: CameraSource) -> None:
        remove_sources([obj], actor=actor_of_user(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[CameraSource]) -> None:
        remove_sources(list(queryset.select_related("camera")), actor=actor_of_user(request))


@admin.register(GatewayConfiguration)
class GatewayConfigurationAdmin(admin.ModelAdmin[GatewayConfiguration]):
    """What is configured against what runs."""

    list_display = ["gateway", "version", "running_version", "state", "fetched_at", "reported_at"]
    list_select_related = ["gateway"]
    search_fields = ["gateway__code", "gateway__name"]
    fields = [
        *("gateway", "state", "version", "changed_at", "running_version", "reported_at"),
        *("fetched_at", "told_at", "told_error", "shown_faults", "shown_cameras"),
    ]
    show_full_result_count = False

    @admin.display(description="状态")
    def state(self, configuration: GatewayConfiguration) -> str:
        return configuration.state_in_words

    @admin.display(description="未采用的原因")
    def shown_faults(self, configuration: GatewayConfiguration) -> str:
        rows = ((one["cameraNum"], one["place"], one["reason"]) for one in configuration.faults)
        return format_html_join("", "<div>{} {} {}</div>", rows) or "—"

    @admin.display(description="摄像机：配置与运行")
    def shown_cameras(self, configuration: GatewayConfiguration) -> str:
        head = mark_safe(  # noqa: S308 - constant
            "<tr><th>摄像机</th><th>编号</th><th>平台的配置</th><th>网关运行</th><th>问题</th></tr>"
        )
        cells = "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>"
        rows = (
            (one.name, one.number, one.address or "—", _ORIGINS[one.origin], one.fault)
            for one in assigned_cameras(configuration)
        )
        return format_html("<table>{}{}</table>", head, format_html_join("", cells, rows))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: GatewayConfiguration | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: GatewayConfiguration | None = None) -> bool:
        return False


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


@admin.register(CameraChange)
class CameraChangeAdmin(ReadOnlyAdmin):
    list_display = ["at", "camera", "act", "source", "actor_name", "reason"]
    list_select_related = ["camera"]
    list_filter = ["act", "source"]
