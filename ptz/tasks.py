"""Celery tasks of PTZ."""

from celery import shared_task

from ptz.services import stop_due_movements


@shared_task(soft_time_limit=20, time_limit=25, expires=2)
def stop_overdue() -> None:
    """Every 2 seconds: movements whose process died before it could stop them."""
    stop_due_movements()
