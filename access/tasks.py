"""Celery tasks of access: alarms on their way out."""

from celery import shared_task

from access.services.alarms import forget_old_alarms
from access.services.targets import due_targets, tell_target


@shared_task(soft_time_limit=24, time_limit=27, expires=5)
def tell_targets() -> None:
    """Every few seconds: a task for each target, so that none waits for another."""
    for pk in due_targets():
        tell_one.delay(pk)


@shared_task(soft_time_limit=60, time_limit=70, expires=30)
def tell_one(target_id: int) -> None:
    tell_target(target_id=target_id)


@shared_task(soft_time_limit=240, time_limit=270, expires=3000)
def forget_alarms() -> None:
    """Every night."""
    forget_old_alarms()
