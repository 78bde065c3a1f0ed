"""Organisations and the people who work in them."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from access.admin.base import RecordedAdmin
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


class StaffRoleInline(admin.TabularInline[StaffRole, User]):
    model = StaffRole
    extra = 0
    autocomplete_fields = ["organisation"]


@admin.register(User)
class StaffAdmin(RecordedAdmin, UserAdmin[User]):
    list_display = ["username", "full_name", "role_names", "is_active", "is_superuser", "last_login"]
    list_filter = ["is_active", "is_superuser", "roles__role"]
    search_fields = ["username", "full_name"]
    readonly_fields = ["last_login", "date_joined"]
    filter_horizontal = []
    add_form_template = "access/add_user.html"
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        ("个人信息", {"fields": ["full_name", "email"]}),
        (
            "登录",
            {
                "fields": ["is_active", "is_staff", "is_superuser", "last_login", "date_joined"],
                "description": "可见范围由下方的角色决定；系统管理员不受角色限制。",
            },
        ),
    ]
    add_fieldsets = [
        (None, {"fields": ["username", "full_name", "usable_password", "password1", "password2"]}),
    ]
    inlines = [StaffRoleInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("roles__organisation")

    @admin.display(description="角色")
    def role_names(self, user: User) -> str:
        return "、".join(f"{role.get_role_display()}（{role.organisation}）" for role in user.roles.all())

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        roles = [str(role) for role in form.instance.roles.select_related("user", "organisation")]
        if formset.has_changed():
            self._record(request, "修改用户角色", form.instance, {"roles": roles})

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        # The one trace that the library's page for passwords leaves.
        if request.resolver_match is not None and request.resolver_match.url_name == _PASSWORD_PAGE:
            self._record(request, "重置密码", obj, {})
        return super().log_change(request, obj, message)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        # Whoever left is switched off: the behaviour log still names them.
        return False
