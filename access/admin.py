"""Staff pages of access: organisations, people, partners; logs and tokens to look at only."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextareaWidget
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from oauth2_provider import models as oauth

from access.actors import actor_of_user
from access.choices import PartnerKind, Scope
from access.models import (
    Alarm,
    Application,
    BehaviourLog,
    Organisation,
    Partner,
    PartnerToken,
    StaffRole,
    User,
)
from access.services.alarms import acknowledge_alarm
from access.services.logs import record
from access.services.partners import (
    IssuedPartner,
    create_partner,
    issue_oauth_secret,
    reissue_partner,
    revoke_partner,
)

# Rights come from roles, and OAuth clients belong to partners: the libraries' own pages lead astray.
for model in (
    Group,
    Application,
    oauth.AccessToken,
    oauth.DeviceGrant,
    oauth.Grant,
    oauth.IDToken,
    oauth.RefreshToken,
):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class RecordedAdmin(admin.ModelAdmin[Any]):
    """Every change leaves a row in the behaviour log, with the names of the fields."""

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        fields = list(form.changed_data) if change else []
        self._record(request, _words("修改" if change else "新增", obj), obj, {"fields": fields})

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        self._record(request, _words("删除", obj), obj, {})
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for obj in queryset:
            self.delete_model(request, obj)

    def _record(self, request: HttpRequest, what: str, obj: Model, detail: dict[str, object]) -> None:
        record(
            actor_of_user(request),
            what,
            object_kind=str(obj._meta.model_name),
            object_id=str(obj.pk),
            object_name=str(obj),
            detail=detail,
        )


def _words(what: str, obj: Model) -> str:
    return f"{what}{obj._meta.verbose_name}"


class ReadOnlyAdmin(admin.ModelAdmin[Any]):
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


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

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        # Whoever left is switched off: the behaviour log still names them.
        return False


# What staff are asked before an action that ends something for the partner.
_CONSEQUENCES = {
    "reissue": "原有的令牌和私钥立即失效，对方换上新的之前无法调用接口。",
    "issue_oauth": "原有的 client_secret 立即失效，已发放的 OAuth 令牌不受影响。",
    "revoke": "对方持有的全部令牌立即失效，重新发放之前无法调用接口。",
}


class PartnerForm(forms.ModelForm[Partner]):
    scopes = forms.MultipleChoiceField(
        label="接口范围", choices=Scope.choices, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        widgets = {
            "public_key": AdminTextareaWidget(attrs={"rows": 2}),
            "sign_template": AdminTextareaWidget(attrs={"rows": 1}),
        }


@admin.register(Partner)
class PartnerAdmin(RecordedAdmin):
    list_display = ["name", "kind", "user", "code", "organisation", "is_active", "created_at"]
    list_filter = ["kind", "is_active"]
    list_select_related = ["organisation"]
    search_fields = ["name", "user", "code"]
    autocomplete_fields = ["organisation"]
    actions = ["reissue", "issue_oauth", "revoke"]
    form = PartnerForm
    add_fieldsets = [(None, {"fields": ["kind", "name", "code", "user", "organisation"]})]
    fieldsets = [
        (None, {"fields": ["kind", "name", "code", "shown_device_code", "user", "is_active", "created_at"]}),
        ("范围", {"fields": ["organisation", "scopes"]}),
        (
            "令牌与签名（附录 2）",
            {
                "fields": [
                    "token_seconds",
                    "public_key",
                    "sign_required",
                    "sign_template",
                    "sign_id",
                    "sign_with_z",
                ]
            },
        ),
        (
            "接口细节",
            {
                "fields": [
                    "status_style",
                    "has_extras",
                    "has_object_answer",
                    "is_strict",
                    "needs_uuid4",
                    "play_ttl_seconds",
                    "snapshot_ttl_seconds",
                ]
            },
        ),
        ("OAuth 2.0", {"fields": ["shown_client_id"]}),
    ]

    @admin.display(description="编号 deviceCode")
    def shown_device_code(self, partner: Partner) -> str:
        return partner.device_code

    @admin.display(description="客户端编号 client_id")
    def shown_client_id(self, partner: Partner) -> str:
        return str(partner.application.client_id)

    def get_fieldsets(self, request: HttpRequest, obj: Partner | None = None) -> Any:
        return self.fieldsets if obj else self.add_fieldsets

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            # What has to be known of a new partner; the service makes the rest.
            kwargs["form"] = forms.ModelForm
        return super().get_form(request, obj, change, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Partner | None = None) -> list[str]:
        if obj is None:
            return []
        return ["kind", "code", "user", "shown_device_code", "shown_client_id", "created_at"]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        issued = create_partner(
            kind=PartnerKind(obj.kind),
            code=obj.code,
            user=obj.user,
            name=obj.name,
            organisation=obj.organisation,
            actor=actor_of_user(request),
        )
        obj.pk = issued.partner_id
        request.issued = issued  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: Partner, post_url_continue: str | None = None) -> Any:
        return self._show(request, "接入方已建立", [_rows_of(request.issued)])  # type: ignore[attr-defined]

    @admin.action(description="重新发放首个令牌和密钥（原有的立即失效）", permissions=["change"])
    def reissue(self, request: HttpRequest, queryset: QuerySet[Partner]) -> HttpResponseBase | None:
        if "confirmed" not in request.POST:
            return self._ask(request, "reissue", "重新发放首个令牌和密钥", queryset)
        actor = actor_of_user(request)
        issued = [reissue_partner(partner=partner, actor=actor) for partner in queryset]
        return self._show(request, "已重新发放", [_rows_of(each) for each in issued])

    @admin.action(description="生成 OAuth 密钥（原有的密钥失效）", permissions=["change"])
    def issue_oauth(self, request: HttpRequest, queryset: QuerySet[Partner]) -> HttpResponseBase | None:
        if "confirmed" not in request.POST:
            return self._ask(request, "issue_oauth", "生成 OAuth 密钥", queryset)
        actor = actor_of_user(request)
        rows = []
        for partner in queryset:
            secret = issue_oauth_secret(partner=partner, actor=actor)
            rows.append(
                [
                    ("用户名", partner.user),
                    ("client_id", secret.client_id),
                    ("client_secret", secret.client_secret),
                ]
            )
        return self._show(request, "OAuth 密钥已生成", rows)

    @admin.action(description="吊销全部令牌", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Partner]) -> HttpResponseBase | None:
        if "confirmed" not in request.POST:
            return self._ask(request, "revoke", "吊销全部令牌", queryset)
        actor = actor_of_user(request)
        ended = sum(revoke_partner(partner=partner, actor=actor) for partner in queryset)
        self.message_user(request, f"已吊销 {ended} 个令牌", messages.SUCCESS)
        return None

    def _ask(
        self, request: HttpRequest, action: str, title: str, queryset: QuerySet[Partner]
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "action": action,
            "consequence": _CONSEQUENCES[action],
            "partners": queryset,
            "opts": self.opts,
        }
        return TemplateResponse(request, "access/confirm_partners.html", context)

    def _show(self, request: HttpRequest, title: str, handed: list[list[tuple[str, str]]]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "handed": handed,
            "opts": self.opts,
        }
        # No browser keeps it: the admin's pages are never cached.
        return TemplateResponse(request, "access/handed_once.html", context)


def _rows_of(issued: IssuedPartner) -> list[tuple[str, str]]:
    return [
        ("用户名 user", issued.user),
        ("编号 deviceCode", issued.device_code),
        ("首个令牌 token", issued.token),
        ("SM2 私钥", issued.private_key),
        ("SM2 公钥", issued.public_key),
    ]


@admin.register(PartnerToken)
class PartnerTokenAdmin(ReadOnlyAdmin):
    """Which generations there are; the digest is neither shown nor searched."""

    list_display = ["partner", "generation", "issued_at", "expires_at", "first_used_at", "revoked_at"]
    list_filter = ["partner"]
    list_select_related = ["partner"]
    fields = ["partner", "generation", "issued_at", "expires_at", "first_used_at", "revoked_at"]


@admin.register(BehaviourLog)
class BehaviourLogAdmin(ReadOnlyAdmin):
    list_display = ["at", "actor_kind", "actor_name", "verb", "object_name", "address", "outcome", "reason"]
    list_filter = ["outcome", "actor_kind", "at"]
    search_fields = ["actor_name", "verb", "object_name", "=object_id"]


@admin.register(Alarm)
class AlarmAdmin(ReadOnlyAdmin):
    list_display = [
        "opened_at",
        "severity",
        "title",
        "organisation",
        "times_seen",
        "last_seen_at",
        "closed_at",
        "acknowledged_by",
    ]
    list_filter = ["severity", ("closed_at", admin.EmptyFieldListFilter)]
    list_select_related = ["organisation", "acknowledged_by"]
    search_fields = ["title", "message"]
    actions = ["acknowledge"]

    @admin.action(description="确认所选告警")
    def acknowledge(self, request: HttpRequest, queryset: QuerySet[Alarm]) -> None:
        if not isinstance(request.user, User):
            return
        actor = actor_of_user(request)
        done = sum(acknowledge_alarm(alarm=alarm, user=request.user, actor=actor) for alarm in queryset)
        self.message_user(request, f"已确认 {done} 条", messages.SUCCESS)
