from typing import Any

from django.apps import AppConfig


class QualityConfig(AppConfig):
    name = "quality"
    verbose_name = "图像质量"

    def ready(self) -> None:
        from quality import checks  # noqa: F401
        from snapshots.signals import pictures_taken

        pictures_taken.connect(_hear_pictures, dispatch_uid="quality.hear_pictures")


def _hear_pictures(**told: Any) -> None:
    # NumPy and the decoder: of no use to the processes that take no pictures, and slow to import.
    from quality.services.pictures import hear_pictures

    hear_pictures(**told)
