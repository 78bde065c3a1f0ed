"""Where alarms go: targets with their secrets masked, and what became of each message."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from access.actors import actor_of_user
from access.admin.base import NearPaginator, ReadOnlyAdmin, RecordedAdmin
from access.admin.secrets import SecretsForm
from access.choices import WebhookProof
from access.models import AlarmDelivery, AlarmTarget
from access.services.targets import reset_target, send_test


class AlarmTargetForm(SecretsForm):
    sent_to = {"secret": ("url",)}

    secret = forms.CharField(
        label="密钥",
        required=False,
        widget=forms.PasswordInput,
        help_text="HMAC-SM3 的密钥，或 Bearer 令牌；留空表示不修改",
    )

    class Meta:
        model = AlarmTarget
        fields = [
            *("name", "kind", "url", "proof", "secret", "ca_file", "recipients", "severity", "organisation"),
            *("is_told_end", "pause_seconds", "is_active"),
        ]

    def receivers(self, secret: str, values: Mapping[str, Any]) -> Iterable[str]:
        """What only signed until now becomes known to the receiver where it is sent as a token."""
        yield from super().receivers(secret, values)
        if values["proof"] == WebhookProof.BEARER:
            yield WebhookProof.BEARER


@admin.register(AlarmTarget)
class AlarmTargetAdmin(RecordedAdmin):
    form = AlarmTargetForm
    list_display = [
        *("name", "kind", "severity", "organisation", "is_active", "sent_at", "failures", "last_error"),
        "retry_at",
    ]
    list_select_related = ["organisation"]
    actions = ["test"]

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if isinstance(obj, AlarmTarget):
            reset_target(target=obj)

    @admin.action(description="发送测试消息", permissions=["change"])
    def test(self, request: HttpRequest, queryset: QuerySet[AlarmTarget]) -> None:
        for target in queryset:
            if error := send_test(target=target, actor=actor_of_user(request)):
                self.message_user(request, f"{target.name}：没有送达，{error}", messages.ERROR)
            else:
                self.message_user(request, f"{target.name}：已送达", messages.SUCCESS)


@admin.register(AlarmDelivery)
class AlarmDeliveryAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "target", "event", "alarm", "state", "attempts", "sent_at", "last_error"]
    list_filter = ["state", "target"]
    list_select_related = ["target", "alarm"]
    paginator = NearPaginator
