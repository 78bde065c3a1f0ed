from django.apps import AppConfig


class StreamingConfig(AppConfig):
    name = "streaming"
    verbose_name = "视频上云"

    def ready(self) -> None:
        from streaming import checks  # noqa: F401 - registers them
