"""Celery tasks of image quality."""

from celery import shared_task

from cameras.history import forget_old_changes
from quality.models import QualityChange
from quality.services.bursts import look_at_bursts as look
from quality.services.presence import follow_statuses
from quality.services.verdicts import forget_deleted
from quality.timing import ROUND_SECONDS


@shared_task(soft_time_limit=200, time_limit=240, expires=3000)
def forget_deleted_cameras() -> None:
    forget_deleted()


@shared_task(soft_time_limit=400, time_limit=430, expires=3000)
def forget_old_qualities() -> None:
    """Every night."""
    forget_old_changes(QualityChange)


@shared_task(soft_time_limit=20, time_limit=25, expires=ROUND_SECONDS)
def look_at_bursts() -> None:
    """Every 15 seconds: some seconds of a few streams, for flicker and stripes."""
    look()


@shared_task(soft_time_limit=24, time_limit=27, expires=2)
def follow_status() -> None:
    """Every two seconds: "offline" among the verdicts is what the status says."""
    follow_statuses()
