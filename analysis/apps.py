from django.apps import AppConfig


class AnalysisConfig(AppConfig):
    name = "analysis"
    verbose_name = "智能分析"

    def ready(self) -> None:
        from analysis import checks  # noqa: F401
