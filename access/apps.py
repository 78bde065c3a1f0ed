from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "access"
    verbose_name = "权限与接入"

    def ready(self) -> None:
        from access import checks, duties, https_checks, lookups, sign_in_checks, staff_sessions  # noqa: F401
