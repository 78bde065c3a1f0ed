"""Celery tasks of access: sessions that are over, the chain over the behaviour log, alarms on their way out."""

import logging

from celery import shared_task

from access.services.alarms import forget_old_alarms
from access.services.log_anchors import anchor_head
from access.services.log_chain import forget_old_rows, seal_log
from access.services.log_watch import watch_log
from access.services.targets import due_targets, tell_target
from access.sessions import SessionStore

logger = logging.getLogger(__name__)


@shared_task(soft_time_limit=240, time_limit=270, expires=3000)
def forget_sessions() -> None:
    """Every night."""
    SessionStore.clear_expired()


@shared_task(soft_time_limit=60, time_limit=90)
def seal_behaviour_log() -> None:
    """Every few seconds."""
    seal_log()


@shared_task(soft_time_limit=60, time_limit=90, expires=3000)
def anchor_behaviour_log() -> None:
    """Every hour."""
    anchor_head()


@shared_task(soft_time_limit=400, time_limit=430, expires=3000)
def verify_behaviour_log() -> None:
    """Every night."""
    watch_log()


@shared_task(soft_time_limit=400, time_limit=430, expires=3000)
def forget_behaviour_log() -> None:
    """Every night."""
    dropped = forget_old_rows()
    logger.info("rows of the behaviour log beyond its retention dropped: %s", dropped)


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
