"""Celery tasks of image quality."""

from celery import shared_task

from quality.services.verdicts import forget_deleted


@shared_task(soft_time_limit=200, time_limit=240, expires=3000)
def forget_deleted_cameras() -> None:
    forget_deleted()
