"""The admin under the platform's own name, behind the console's sign-in."""

from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from access.selectors import may_enter_admin


class ProvinceAdminSite(AdminSite):
    site_header = "高速公路视频云平台 · 管理后台"
    site_title = "管理后台"
    index_title = "管理后台"
    empty_value_display = "—"

    def has_permission(self, request: HttpRequest) -> bool:
        """By what they hold now; what an auditor finds there is the logs alone."""
        return may_enter_admin(request.user)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """One sign-in for both: the console's counts failures (threats.md 18), the admin's own does not."""
        if request.user.is_authenticated:
            raise PermissionDenied("没有管理后台的权限")
        target = request.GET.get("next") or reverse("admin:index")
        return redirect(f"{reverse('console:login')}?{urlencode({'next': target})}")

    def password_change(  # type: ignore[override]  # leads to a page instead of being one
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The console's page knows the rules, and that the owner chose."""
        return redirect("console:password")
