"""Celery tasks of incidents."""

from celery import shared_task

from incidents.services import watch


@shared_task(soft_time_limit=24, time_limit=27, expires=10)
def fold() -> None:
    """Every ten seconds."""
    watch.watch_incidents()


@shared_task(soft_time_limit=240, time_limit=270, expires=3000)
def forget() -> None:
    """Every night."""
    watch.forget_old_incidents()
