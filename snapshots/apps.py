from django.apps import AppConfig


class SnapshotsConfig(AppConfig):
    name = "snapshots"
    verbose_name = "视频截图"

    def ready(self) -> None:
        from snapshots import checks  # noqa: F401
