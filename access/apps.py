from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "access"
    verbose_name = "权限与接入"

    def ready(self) -> None:
        from access import (  # noqa: F401 - registers them
            checks,
            duty_checks,
            https_checks,
            lookups,
            sign_in_checks,
            sign_in_steps,
            staff_sessions,
        )
