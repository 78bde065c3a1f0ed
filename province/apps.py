from django.contrib.admin.apps import AdminConfig


class ProvinceAdminConfig(AdminConfig):
    default_site = "province.admin_site.ProvinceAdminSite"
