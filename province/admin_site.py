"""The admin under the platform's own name."""

from django.contrib.admin import AdminSite


class ProvinceAdminSite(AdminSite):
    site_header = "高速公路视频云平台 · 管理后台"
    site_title = "管理后台"
    index_title = "管理后台"
    empty_value_display = "—"
