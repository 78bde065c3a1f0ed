from django.apps import AppConfig


class QualityConfig(AppConfig):
    name = "quality"
    verbose_name = "图像质量"

    def ready(self) -> None:
        from quality import checks  # noqa: F401
        from quality.services.pictures import hear_pictures
        from snapshots.signals import pictures_taken

        pictures_taken.connect(hear_pictures, dispatch_uid="quality.hear_pictures")
