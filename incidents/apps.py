from django.apps import AppConfig


class IncidentsConfig(AppConfig):
    name = "incidents"
    verbose_name = "离线事件"

    def ready(self) -> None:
        from incidents import checks  # noqa: F401
