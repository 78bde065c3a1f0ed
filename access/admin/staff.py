"""Organisations and the people who work in them."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from access.admin.base import RecordedAdmin, keeps_system, may_grant
from access.choices import DUTIES
from access.models import Organisation, StaffRole, User

_PASSWORD_PAGE = "auth_user_password_change"  # noqa: S105 - the name of a page

# Rights come from roles: the library's own page leads astray.
if admin.site.is_registered(Group):
    admin.site.unregister(Group)


@admin.register(Organisation)
class OrganisationAdmin(RecordedAdmin):
    list_display = ["name", "kind", "parent", "created_at"]
    list_filter = ["kind"]
    list_select_related = ["parent"]
    search_fields = ["name"]
    autocomplete_fields = ["parent"]
    readonly_fields = ["path", "created_at"]
    show_full_result_count = False

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Moving a node gives others its cameras: with separate duties it is for who gives rights, and all of it."""
        fixed = list(self.readonly_fields)
        if obj is not None and not may_grant(request):
            fixed.append("parent")
        return fixed if keeps_system(request) else [*fixed, "name", "kind"]

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """Where a node hangs decides who sees what is below it."""
        before = Organisation.objects.select_related("parent").filter(pk=obj.pk).first()
        super().save_model(request, obj, form, change)
        if change and before is not None and "parent" in form.changed_data:
            now = Organisation.objects.select_related("parent").get(pk=obj.pk)
            detail: dict[str, object] = {"之前": str(before.parent or ""), "之后": str(now.parent or "")}
            self._record(request, "移动单位", obj, detail)


class StaffRoleInline(admin.TabularInline[StaffRole, User]):
    """To look at: roles are given on the page 用户与权限, which knows who may give which."""

    model = StaffRole
    extra = 0
    fields = ["role", "organisation", "granted_at", "valid_from", "valid_until"]
    readonly_fields = ["granted_at"]
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("access.view_user")


@admin.register(User)
class StaffAdmin(RecordedAdmin, UserAdmin[User]):
    list_display = ["username", "full_name", "role_names", "is_active", "is_superuser", "last_login"]
    list_filter = ["is_active", "is_superuser", "roles__role"]
    search_fields = ["username", "full_name"]
    readonly_fields = ["last_login", "date_joined"]
    filter_horizontal = []
    add_form_template = "access/add_user.html"
    change_user_password_template = "access/set_password.html"  # noqa: S105
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        ("个人信息", {"fields": ["full_name", "organisation", "email"]}),
        (
            "登录",
            {
                "fields": ["is_active", "is_staff", "is_superuser", "last_login", "date_joined"],
                "description": "可见范围由下方的角色决定，在控制台“用户与权限”页设置；超级管理员不受角色限制。",
            },
        ),
    ]
    add_fieldsets = [
        (
            None,
            {
                "fields": [
                    "username",
                    "full_name",
                    "organisation",
                    "usable_password",
                    "password1",
                    "password2",
                ]
            },
        ),
    ]
    inlines = [StaffRoleInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        people = super().get_queryset(request).prefetch_related("roles__organisation")
        if getattr(request.user, "is_superuser", False):
            return people
        # Whoever could reset their passwords could sign in as them.
        administrators = StaffRole.objects.filter(role__in=DUTIES).values("user")
        return people.filter(is_superuser=False).exclude(pk__in=administrators)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        if getattr(request.user, "is_superuser", False):
            return list(self.readonly_fields)
        return [*self.readonly_fields, "is_staff", "is_superuser"]

    @admin.display(description="角色")
    def role_names(self, user: User) -> str:
        now = timezone.now()
        held = [role for role in user.roles.all() if role.valid_until is None or role.valid_until > now]
        return "、".join(f"{role.get_role_display()}（{role.organisation}）" for role in held)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        # The one trace that the library's page for passwords leaves.
        if request.resolver_match is not None and request.resolver_match.url_name == _PASSWORD_PAGE:
            self._record(request, "重置密码", obj, {})
        return super().log_change(request, obj, message)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        # Whoever left is switched off: the behaviour log still names them.
        return False
