"""Celery tasks of the online rate."""

import logging

from celery import shared_task

from rates.services import counting

logger = logging.getLogger(__name__)


@shared_task(soft_time_limit=400, time_limit=430, expires=3000)
def count_days() -> None:
    """Every hour: today's slots that are over, and days that are over until they are final."""
    report = counting.count_due_days()
    logger.info("days counted %s, rows forgotten %s", [str(day) for day in report.counted], report.forgotten)
