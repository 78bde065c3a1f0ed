"""Partners with their profiles, their tokens, and the diagnosis of a signature that fails."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from oauth2_provider import models as oauth

from access.actors import actor_of_user
from access.admin.base import ReadOnlyAdmin, RecordedAdmin, keeps_system, may_grant
from access.choices import PartnerKind, Scope
from access.models import Application, Partner, PartnerToken
from access.services.diagnosis import adopt_profile, diagnose_exchange
from access.services.partners import (
    IssuedPartner,
    create_partner,
    issue_oauth_secret,
    reissue_partner,
    revoke_partner,
)

# OAuth clients belong to partners: the library's own pages lead astray.
for model in (
    Application,
    oauth.AccessToken,
    oauth.DeviceGrant,
    oauth.Grant,
    oauth.IDToken,
    oauth.RefreshToken,
):
    if admin.site.is_registered(model):
        admin.site.unregister(model)

# What staff are asked before an action that ends something for the partner.
_CONSEQUENCES = {
    "reissue": "原有的令牌和私钥立即失效，正在观看的画面断开，对方换上新的之前无法调用接口。",
    "issue_oauth": "原有的 client_secret 立即失效，已发放的 OAuth 令牌不受影响。",
    "revoke": "对方持有的全部令牌立即失效，正在观看的画面断开，重新发放之前无法调用接口。",
}

# What a partner reaches is a right: with separate duties it is for who gives rights, not for who keeps the system.
_REACH = ("organisation", "scopes")


class PartnerForm(forms.ModelForm[Partner]):
    scopes = forms.MultipleChoiceField(
        label="接口范围", choices=Scope.choices, required=False, widget=forms.CheckboxSelectMultiple
    )

    allowed_networks = forms.CharField(
        label="允许的来源网段",
        required=False,
        widget=AdminTextareaWidget(attrs={"rows": 3}),
        help_text="每行一个地址或网段，例如 10.20.0.0/16；留空不限制",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["allowed_networks"] = "\n".join(self.instance.allowed_networks)

    def clean_allowed_networks(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["allowed_networks"].splitlines() if line.strip()]

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
        ("限制", {"fields": ["requests_per_minute", "most_viewers", "allowed_networks"]}),
        ("OAuth 2.0", {"fields": ["shown_client_id"]}),
    ]

    change_list_template = "access/partner_list.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.diagnose)
        return [path("diagnose/", view, name="access_partner_diagnose"), *super().get_urls()]

    def diagnose(self, request: HttpRequest) -> HttpResponse:
        """签名诊断: which profile a TokenInfo request fits that we refuse."""
        if not (self.has_change_permission(request) and keeps_system(request)):
            raise PermissionDenied
        pasted = request.POST.get("request", "")
        diagnosis = diagnose_exchange(pasted) if pasted.strip() else None
        if "adopt" in request.POST and diagnosis and diagnosis.partner and diagnosis.fit:
            adopt_profile(partner=diagnosis.partner, profile=diagnosis.fit, actor=actor_of_user(request))
            self.message_user(request, "已采用对方的签名方案", messages.SUCCESS)
            diagnosis = diagnose_exchange(pasted)
        context = {
            **self.admin_site.each_context(request),
            "title": "签名诊断",
            "opts": self.opts,
            "pasted": pasted,
            "diagnosis": diagnosis,
        }
        return TemplateResponse(request, "access/diagnose.html", context)

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
        if not keeps_system(request):
            return [name for name in flatten_fieldsets(self.fieldsets) if name not in _REACH]
        fixed = ["kind", "code", "user", "shown_device_code", "shown_client_id", "created_at"]
        return fixed if may_grant(request) else [*fixed, *_REACH]

    def has_hand_out_permission(self, request: HttpRequest) -> bool:
        """Whoever holds a partner's credentials sees what the partner sees."""
        return may_grant(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            before = _reach_of(Partner.objects.select_related("organisation").get(pk=obj.pk))
            super().save_model(request, obj, form, change)
            after = _reach_of(obj)
            if before != after:
                self._record(request, "修改接入方权限", obj, {"之前": before, "之后": after})
            return
        issued = create_partner(
            kind=PartnerKind(obj.kind),
            code=obj.code,
            user=obj.user,
            name=obj.name,
            organisation=obj.organisation,
            has_scopes=may_grant(request),
            actor=actor_of_user(request),
        )
        obj.pk = issued.partner_id
        request.issued = issued  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: Partner, post_url_continue: str | None = None) -> Any:
        if not may_grant(request):
            # Nobody has seen its first token: once it has scopes, that would be a way to the cameras.
            words = "接入方已建立，还没有接口范围。请安全管理员设置接口范围，并重新发放首个令牌和密钥交给对方"
            self.message_user(request, words, messages.SUCCESS)
            return redirect("admin:access_partner_changelist")
        return self._show(request, "接入方已建立", [_rows_of(request.issued)])  # type: ignore[attr-defined]

    @admin.action(description="重新发放首个令牌和密钥（原有的立即失效）", permissions=["hand_out"])
    def reissue(self, request: HttpRequest, queryset: QuerySet[Partner]) -> HttpResponseBase | None:
        if "confirmed" not in request.POST:
            return self._ask(request, "reissue", "重新发放首个令牌和密钥", queryset)
        actor = actor_of_user(request)
        issued = [reissue_partner(partner=partner, actor=actor) for partner in queryset]
        return self._show(request, "已重新发放", [_rows_of(each) for each in issued])

    @admin.action(description="生成 OAuth 密钥（原有的密钥失效）", permissions=["hand_out"])
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


def _reach_of(partner: Partner) -> dict[str, object]:
    """What decides what a partner may see."""
    labels = [str(Scope(scope).label) for scope in partner.scopes]
    return {"单位范围": partner.organisation.name, "接口": labels, "启用": partner.is_active}


def _rows_of(issued: IssuedPartner) -> list[tuple[str, str]]:
    organisation = Partner.objects.select_related("organisation").get(pk=issued.partner_id).organisation
    return [
        ("用户名 user", issued.user),
        ("编号 deviceCode", issued.device_code),
        ("首个令牌 token", issued.token),
        ("SM2 私钥", issued.private_key),
        ("SM2 公钥", issued.public_key),
        # What it calls all its cameras by: no verb tells it.
        ("单位范围 department", organisation.name),
    ]


@admin.register(PartnerToken)
class PartnerTokenAdmin(ReadOnlyAdmin):
    """Which generations there are; the digest is neither shown nor searched."""

    list_display = ["partner", "generation", "issued_at", "expires_at", "first_used_at", "revoked_at"]
    list_filter = ["partner"]
    list_select_related = ["partner"]
    fields = ["partner", "generation", "issued_at", "expires_at", "first_used_at", "revoked_at"]
